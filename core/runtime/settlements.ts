import { isLeaseLost, type WorkStore } from '../cluster/work-store.ts';
import type { Clock, Log } from '../component.ts';
import { asHubError } from '../errors.ts';
import type { Part, Settlement } from '../store/message-store.ts';
import type { CompiledChannel } from './compiled.ts';
import type { Slot } from './slot.ts';

export interface SettlementsHost {
  readonly channel: string;
  readonly store: WorkStore;
  readonly clock: Clock;
  readonly log: Log;
  /** The definition of messages that were not routed. */
  readonly current: () => CompiledChannel;
  committed(slots: readonly Slot[]): void;
  /** The store says that another hub has the channel: what was not written belongs to it. */
  leaseLost(): void;
}

const againMs = 250;

/** Writes the ends of first passes: those of one turn of the event loop go to the store together. */
export class Settlements {
  readonly #host: SettlementsHost;
  #gathered: Slot[] = [];
  #scheduled = false;
  #last: Promise<void> = Promise.resolve();
  /** Rises when what is under way is given up. */
  #run = 0;

  constructor(host: SettlementsHost) {
    this.#host = host;
  }

  add(slot: Slot): void {
    this.#gathered.push(slot);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => void this.flush());
  }

  /** Writes what is gathered; resolves when it, and all before it, is committed. A store that refuses is asked again. */
  flush(): Promise<void> {
    this.#scheduled = false;
    if (this.#gathered.length === 0) return this.#last;
    const slots = this.#gathered;
    this.#gathered = [];
    const settlements = slots.map((slot) => settlementOf(slot, slot.compiled ?? this.#host.current()));
    this.#last = this.#write(slots, settlements, slots.every(nobodyWaits));
    return this.#last;
  }

  /** Forgets what is not committed: another hub has the channel. */
  abandon(): void {
    this.#run += 1;
    this.#gathered = [];
    this.#last = Promise.resolve();
  }

  #write(slots: readonly Slot[], settlements: readonly Settlement[], mayWait: boolean): Promise<void> {
    const { channel, store, clock, log } = this.#host;
    const run = this.#run;
    return store.settle(channel, settlements, mayWait).then(
      () => {
        if (run === this.#run) this.#host.committed(slots);
      },
      (thrown) => {
        if (run !== this.#run) return;
        if (isLeaseLost(thrown)) {
          this.#host.leaseLost();
          return;
        }
        const error = asHubError(thrown, 'store-failed', 'settling messages', 'transient');
        log.error({ channel, code: error.code, scope: error.scope }, error.message);
        return new Promise((resolve) => {
          clock.timer(againMs, () => resolve(run === this.#run ? this.#write(slots, settlements, false) : undefined));
        });
      },
    );
  }
}

function settlementOf(slot: Slot, { version, definition }: CompiledChannel): Settlement {
  const { content } = definition.options;
  const type = slot.meta['hl7.type'];
  return {
    seq: slot.seq,
    version,
    content,
    ...(slot.error && { error: slot.error }),
    ...(type !== undefined && { type }),
    ...(slot.found && { meta: slot.found }),
    parts: content === 'full' ? slot.parts : slot.parts.map(withoutContent),
  };
}

/** The message is acknowledged, and all that is left is to say that it was sent. */
function nobodyWaits(slot: Slot): boolean {
  return slot.queued === 0 && slot.delivery?.late !== true;
}

function withoutContent(part: Part): Part {
  if (part.status !== 'sent' && part.status !== 'error') return part;
  const { bytes: _bytes, reply: _reply, ...rest } = part;
  // A dead letter keeps what it needs to be sent again.
  return part.status === 'error' && part.bytes ? ({ ...rest, bytes: part.bytes } as Part) : (rest as Part);
}
