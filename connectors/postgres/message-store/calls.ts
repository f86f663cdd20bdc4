import type { Answer } from '../../../clients/postgres/batch.ts';
import type { Value } from '../../../clients/postgres/session.ts';
import type { Fence } from '../../../core/store/leases.ts';
import type { Appended, AuditEntry, NewMessage, PartChange, Settlement } from '../../../core/store/message-store.ts';
import type { Transaction } from './transaction.ts';

/** A call that waits for its commit. */
export type Call = AppendCall | SettleCall | UpdateCall | AuditCall | ReadCall | OtherCall;

interface Waiting {
  /** About the bytes it brings into a commit. */
  readonly bytes: number;
  /** Monotonic milliseconds at which it is given up, if the database is away. */
  readonly until: number;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (thrown: unknown) => void;
}

export interface AppendCall extends Waiting {
  readonly kind: 'append';
  readonly channel: string;
  readonly batch: readonly NewMessage[];
}

export interface SettleCall extends Waiting {
  readonly kind: 'settle';
  readonly channel: string;
  readonly batch: readonly Settlement[];
  readonly fence: Fence | undefined;
}

export interface UpdateCall extends Waiting {
  readonly kind: 'update';
  readonly channel: string;
  readonly changes: readonly PartChange[];
  readonly fence: Fence | undefined;
}

export interface AuditCall extends Waiting {
  readonly kind: 'audit';
  readonly entry: AuditEntry;
}

/** Asks what an answer lacks. */
export type AskMore = (text: string, values: readonly unknown[]) => Promise<readonly (readonly Value[])[]>;

/** One question, answered after what was called before it. */
export interface ReadCall extends Waiting {
  readonly kind: 'read';
  /** What is asked about, if it is one. */
  readonly channel: string | undefined;
  /** It may know of what is called after it: then it is asked in the round trip of the commit, after all that this writes. */
  readonly last: boolean;
  /** Asked once the channel's number is known. */
  readonly question: () => string;
  readonly read: (rows: Answer, ask: AskMore) => Promise<unknown>;
}

/** A call that asks the database itself, after what was called before it. */
export interface OtherCall extends Waiting {
  readonly kind: 'other';
  readonly run: (transaction: Transaction) => Promise<unknown>;
  readonly fence: Fence | undefined;
}

export type Read = Pick<ReadCall, 'kind' | 'channel' | 'last' | 'question' | 'read'>;

export type AppendAnswer = readonly Appended[];

/** A call without what its caller waits for: what a commit is told to do. */
export type Work =
  | Pick<AppendCall, 'kind' | 'channel' | 'batch'>
  | Pick<SettleCall, 'kind' | 'channel' | 'batch' | 'fence'>
  | Pick<UpdateCall, 'kind' | 'channel' | 'changes' | 'fence'>
  | Pick<AuditCall, 'kind' | 'entry'>
  | Read
  | Pick<OtherCall, 'kind' | 'run' | 'fence'>;

/** Whether a commit of it asks nothing before it is made, and so may be sent before another is answered. */
export function asksNothing(call: Work): boolean {
  return call.kind === 'settle' || (call.kind === 'append' && call.batch.every(({ dedupe }) => dedupe === undefined));
}
