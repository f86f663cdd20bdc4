import type { ErrorCode } from '../../errors.ts';
import type { Meta } from '../../format.ts';
import type { MessageQuery, Reader } from '../../store/message-store.ts';
import type { Busy } from '../dispatch/dispatch.ts';

/** What a job does with each message that it finds; each is the single verb of the same name (rule 22). */
export type MessageVerb = 'retry' | 'replay' | 'skip';

/** Which messages. What is not given does not matter; something beside `status` has to be. */
export interface JobFilter {
  readonly channel?: string;
  /** With a part for it; the verb acts on that part only. */
  readonly destination?: string;
  /** Of the destination where one is named. `open-error` where a retry or skip names none. */
  readonly status?: NonNullable<MessageQuery['status']>;
  /** Received at or after, milliseconds since the epoch. */
  readonly from?: number;
  /** Received before. */
  readonly to?: number;
  /** `ADT^A08`, or `ADT` for all of them. */
  readonly type?: string;
  /** Exact match of meta fields. */
  readonly meta?: Meta;
  /** With an error of this code, or this signature (`errorSignature`); retry and skip act on the destinations that have it. */
  readonly error?: string;
  /** With an error whose text contains this. */
  readonly errorText?: string;
  /** At most 10,000. */
  readonly ids?: readonly string[];
}

interface Paced {
  /** Made by the caller: asking for the same job twice makes one. */
  readonly id?: string;
  /** Messages a second, at most; 50 if not given. */
  readonly rate?: number;
}

/**
 * `release` lets go what a hold holds back, in order, and then ends the hold. `confirmed` retries messages, too, that are older than
 * what was last sent for their key; without it they count as failed with `confirmation-needed`.
 */
export type JobRequest = Paced &
  (
    | { readonly verb: MessageVerb; readonly filter: JobFilter; readonly confirmed?: boolean }
    | { readonly verb: 'release'; readonly hold: string }
  );

/** `paused` and `running` survive a restart; the other two are ends. */
export type JobState = 'running' | 'paused' | 'cancelled' | 'done';

/** A job as it was asked for. */
export interface JobOrder {
  readonly id: string;
  readonly verb: MessageVerb | 'release';
  readonly filter: JobFilter;
  /** Of a release. */
  readonly hold?: string;
  readonly rate: number;
  readonly confirmed: boolean;
  readonly by: Reader;
  readonly createdAt: number;
  /** Later messages, its own replays among them, do not belong to it. */
  readonly throughSeq: number;
}

export interface JobFailures {
  readonly code: ErrorCode;
  readonly count: number;
  /** The first ones. */
  readonly messages: readonly { readonly id: string; readonly error: string }[];
}

export interface JobStatus extends Omit<JobOrder, 'throughSeq'> {
  readonly state: JobState;
  readonly endedAt?: number;
  /** Messages it is about; not known until it has counted them. */
  readonly matched?: number;
  readonly done: number;
  /** Nothing was left to do: somebody else had acted, or it was pruned. */
  readonly already: number;
  readonly failed: number;
  readonly failures: readonly JobFailures[];
  /** Messages a second over the last ten seconds. */
  readonly perSecond?: number;
  readonly etaMs?: number;
  /** Why nothing happens just now. */
  readonly waitingFor?: Busy | 'store';
}

/** What a job would act on. */
export interface JobPreview {
  readonly verb: JobOrder['verb'];
  readonly matched: number;
  /** False where it stopped counting: there are at least so many. */
  readonly complete: boolean;
  readonly channels: readonly {
    readonly channel: string;
    readonly messages: number;
    readonly destinations: readonly { readonly destination: string; readonly messages: number }[];
  }[];
  /** When the oldest and the newest of them were received. */
  readonly oldest?: number;
  readonly newest?: number;
  /** Those that are older than what was last sent for their key. */
  readonly overtaken: number;
  /** Those of which that cannot be known: keys are kept of what is queued or failed, not of what was sent. */
  readonly orderUnknown: number;
}

/** Bulk verbs (rule 22): each is on the audit trail as a job, and acting twice acts once. */
/** Where hubs share a store one of them has the jobs: the others throw `not-allowed`, which names it. */
export interface Jobs {
  preview(request: JobRequest): Promise<JobPreview>;
  /**
   * Begins a job; resolves when that is durable. The same id, or the same request by the same person while that job runs and for a
   * second after it was made, resolves with the job that is there. Throws `not-allowed` for a filter that says nothing and
   * `not-found` for a hold that is not there.
   */
  create(request: JobRequest, by: Reader): Promise<JobStatus>;
  /** Newest first; the last hundred. */
  list(): readonly JobStatus[];
  /** Throws `not-found`. So do the others; they throw `not-allowed` for a job that has ended. */
  get(id: string): JobStatus;
  /** Resolves when nothing of it is under way. */
  pause(id: string, by: Reader): Promise<JobStatus>;
  resume(id: string, by: Reader): Promise<JobStatus>;
  /** What was done stays done. A hold that was being released goes on holding the rest. */
  cancel(id: string, by: Reader): Promise<JobStatus>;
}

/** What to hold back: exactly one of `key`, `type` and `all`. */
export type HoldRequest = {
  readonly channel: string;
  /** All of the channel's if not given. */
  readonly destination?: string;
} & (
  | { readonly key: string; readonly type?: never; readonly all?: never }
  | { readonly type: string; readonly key?: never; readonly all?: never }
  | { readonly all: true; readonly key?: never; readonly type?: never }
);

/** Until it is released, also over a restart. */
export interface Hold {
  readonly id: string;
  readonly channel: string;
  readonly destination?: string;
  readonly key?: string;
  readonly type?: string;
  readonly by: Reader;
  readonly at: number;
  /** Messages with a seq up to it were let go. */
  readonly upTo: number;
}

export interface Holds {
  /**
   * Keeps matching messages, and what comes after them with their key, from being sent from now on; they queue. The same hold twice is
   * one. Throws `not-found`, and `not-allowed`, with what to do instead, for a key where order is not kept by key: at a destination of
   * order `strict` or `none`, or in a channel without keys; and for the destination whose answer the sender waits for.
   */
  add(request: HoldRequest, by: Reader): Promise<Hold>;
  list(): readonly Hold[];
}
