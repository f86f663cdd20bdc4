import type { WorkStore } from '../../cluster/work-store.ts';

/** A collection that was begun: its parts are those up to a place in the queue. */
export interface Closing {
  readonly upTo: { readonly seq: number; readonly n: number };
  readonly at: number;
}

interface Kept {
  /** Of the collection that is closed next, or being closed. */
  readonly sequence: number;
  readonly lastScheduleAt: number;
  readonly closing?: Closing;
}

/** What a collector has to know after a restart. */
export class CollectorState {
  readonly #store: WorkStore;
  readonly #name: string;
  #kept: Kept | undefined;

  constructor(store: WorkStore, name: string) {
    this.#store = store;
    this.#name = name;
  }

  /** @param now from when on the schedule counts, where there is nothing from before */
  async load(now: number): Promise<void> {
    const text = await this.#store.state(this.#name);
    this.#kept = text === undefined ? { sequence: 1, lastScheduleAt: now } : (JSON.parse(text) as Kept);
    if (text === undefined) await this.#keep(this.#kept);
  }

  get loaded(): boolean {
    return this.#kept !== undefined;
  }
  get sequence(): number {
    return this.#kept!.sequence;
  }
  get lastScheduleAt(): number {
    return this.#kept!.lastScheduleAt;
  }
  get closing(): Closing | undefined {
    return this.#kept!.closing;
  }

  close(closing: Closing): Promise<void> {
    return this.#keep({ ...this.#kept!, closing });
  }

  closed(): Promise<void> {
    const { closing: _, ...kept } = this.#kept!;
    return this.#keep({ ...kept, sequence: kept.sequence + 1 });
  }

  scheduled(at: number): Promise<void> {
    return this.#keep({ ...this.#kept!, lastScheduleAt: at });
  }

  async #keep(kept: Kept): Promise<void> {
    await this.#store.setState(this.#name, JSON.stringify(kept));
    this.#kept = kept;
  }
}
