import type { PartChange } from '../../store/message-store.ts';
import type { Item } from './item.ts';

/** A change of a row, with the item in memory that it is about; none where an operator or a time-out changed it. */
export interface Changed {
  readonly change: PartChange;
  readonly item: Item | undefined;
}

export interface PartChangesHost {
  /** Settlements that are gathered go to the store first: a change may be of a row that one of them makes. */
  flushSettlements(): void;
  update(changes: readonly PartChange[]): Promise<void>;
  committed(changed: readonly Changed[]): void;
  failed(thrown: unknown, again: () => void): void;
}

/** Gathers what became of rows in one turn of the event loop into one call of the store. */
export class PartChanges {
  readonly #host: PartChangesHost;
  #gathered: Changed[] = [];
  #scheduled = false;
  #committing = 0;
  #abandoned = false;

  constructor(host: PartChangesHost) {
    this.#host = host;
  }

  /** True while changes are gathered or on their way. */
  get pending(): boolean {
    return this.#committing > 0 || this.#gathered.length > 0;
  }

  add(change: PartChange, item: Item | undefined): void {
    this.#gathered.push({ change, item });
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => void this.flush());
  }

  /** Sends what is gathered; the store does what is asked afterwards on top of it. Resolves when that is committed. */
  flush(): Promise<void> {
    this.#scheduled = false;
    if (this.#gathered.length === 0) return Promise.resolve();
    const changed = this.#gathered;
    this.#gathered = [];
    this.#host.flushSettlements();
    return this.#commit(changed);
  }

  /** Forgets what is not committed. */
  abandon(): void {
    this.#gathered = [];
    this.#abandoned = true;
  }

  #commit(changed: readonly Changed[]): Promise<void> {
    this.#committing += 1;
    return this.#host.update(changed.map((each) => each.change)).then(
      () => {
        this.#committing -= 1;
        if (!this.#abandoned) this.#host.committed(changed);
      },
      (thrown) => {
        this.#committing -= 1;
        if (!this.#abandoned) this.#host.failed(thrown, () => void this.#commit(changed));
      },
    );
  }
}
