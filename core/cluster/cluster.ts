import type { Clock, Log } from '../component.ts';
import { describeThrown } from '../errors.ts';
import type { SharedStore } from '../store/shared-store.ts';
import { AnswersElsewhere } from './answers-elsewhere.ts';
import { LeaseKeeper, type LeaseTimes } from './lease-keeper.ts';

/** How often a hub looks for what others have stored for channels that it has, and for what they announced. */
export interface ClusterTimes extends LeaseTimes {
  readonly foreignMs: number;
  readonly noticesMs: number;
}

export interface ClusterHost {
  /** Channels that would take messages of other hubs into memory now. */
  foreignWanted(): readonly string[];
  /** Other hubs have stored messages of these channels. */
  foreignStored(channels: ReadonlySet<string>): void;
  /** Every half second: subjects of new notices, if any; undefined where anything may have changed. */
  noticed(subjects: readonly string[] | undefined): Promise<void>;
}

export interface ClusterOptions {
  readonly store: SharedStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly times?: ClusterTimes | undefined;
}

/** One shard per channel: the keys of a message are known only after it is durable, and it may have several. */
export function leaseOf(channel: string): string {
  return `${channel}/0`;
}

const foreignMs = 100;
const noticesMs = 500;

/** What a hub has to do with the others that have its store open: leases, their messages, their notices. */
export class Cluster {
  readonly keeper: LeaseKeeper;
  readonly answers: AnswersElsewhere;
  readonly #store: SharedStore;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #foreignMs: number;
  readonly #noticesMs: number;
  #seen: number | undefined;
  #stopped = false;
  #cancel: (() => void)[] = [];
  /** Writes that the store refused because their lease was over. */
  fencedWrites = 0;
  /** Messages taken over from other hubs' intake. */
  foreignMessages = 0;
  /** Messages that a hub which died may have sent, and that are sent again. */
  maybeTwice = 0;

  constructor({ store, clock, log, times }: ClusterOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.#foreignMs = times?.foreignMs ?? foreignMs;
    this.#noticesMs = times?.noticesMs ?? noticesMs;
    this.keeper = new LeaseKeeper({ leases: store.leases, hub: store.hub, clock, log, ...(times && { times }) });
    this.answers = new AnswersElsewhere(store, clock);
  }

  get store(): SharedStore {
    return this.#store;
  }

  /** Takes note of where notices stand: before the state is read that they are about. */
  async open(): Promise<void> {
    this.#seen = (await this.#store.notices(undefined)).upTo;
  }

  start(host: ClusterHost): void {
    this.#every(this.#foreignMs, async () => {
      const wanted = host.foreignWanted();
      const stored = wanted.length > 0 ? await this.#store.foreign(wanted) : new Set<string>();
      if (stored.size > 0) host.foreignStored(stored);
    });
    this.#every(this.#noticesMs, async () => {
      const { upTo, subjects } = await this.#store.notices(this.#seen);
      await host.noticed(subjects && [...new Set(subjects)]);
      this.#seen = upTo;
    });
  }

  /** Tells all hubs. What is not told, because the store is away, changed nothing either: the change was in the same store. */
  announce(...subjects: readonly string[]): Promise<void> {
    return this.#store.announce(subjects);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const cancel of this.#cancel) cancel();
    this.answers.stop();
    await this.keeper.stop();
  }

  #every(ms: number, look: () => Promise<void>): void {
    const at = this.#cancel.length;
    let failing = false;
    const next = () => {
      if (this.#stopped) return;
      this.#cancel[at] = this.#clock.timer(ms, () => {
        void look()
          .then(
            () => {
              failing = false;
            },
            (thrown) => {
              if (!failing && !this.#stopped)
                this.#log.warn({ error: describeThrown(thrown) }, 'looking for what other hubs did failed');
              failing = true;
            },
          )
          .then(next);
      });
    };
    this.#cancel.push(() => undefined);
    next();
  }
}
