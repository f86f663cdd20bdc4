import type { MessageStore } from '../../store/message-store.ts';
import type { JobOrder } from './job.ts';
import type { SavedProgress } from './progress.ts';

const listName = 'jobs';
const mostKept = 100;

export interface JobRecord {
  readonly order: JobOrder;
  readonly progress: SavedProgress;
}

/** Jobs as they are kept in the small state of the hub: what was asked for is written once, how far it has come again and again. */
export class JobRecords {
  readonly #store: MessageStore;
  #ids: readonly string[] = [];

  constructor(store: MessageStore) {
    this.#store = store;
  }

  /** Oldest first. */
  async load(): Promise<readonly JobRecord[]> {
    const list = await this.#store.state(listName);
    this.#ids = list ? (JSON.parse(list) as string[]) : [];
    const records: JobRecord[] = [];
    for (const id of this.#ids) {
      const [order, progress] = await Promise.all([
        this.#store.state(orderName(id)),
        this.#store.state(progressName(id)),
      ]);
      if (order && progress)
        records.push({ order: JSON.parse(order) as JobOrder, progress: JSON.parse(progress) as SavedProgress });
    }
    return records;
  }

  /** The list comes last: a job that is in it is there as a whole. */
  async add({ order, progress }: JobRecord): Promise<void> {
    const { id } = order;
    await Promise.all([
      this.#store.setState(orderName(id), JSON.stringify(order)),
      this.save(id, progress),
      this.#list([...this.#ids, id]),
    ]);
  }

  save(id: string, progress: SavedProgress): Promise<void> {
    return this.#store.setState(progressName(id), JSON.stringify(progress));
  }

  /** Forgets the oldest of those that have ended, where there are many; answers which. */
  async forget(ended: (id: string) => boolean): Promise<readonly string[]> {
    const gone = this.#ids.slice(0, -mostKept).filter(ended);
    if (gone.length === 0) return gone;
    const names = gone.flatMap((id) => [orderName(id), progressName(id)]);
    await Promise.all([
      this.#list(this.#ids.filter((id) => !gone.includes(id))),
      ...names.map((name) => this.#store.setState(name, '')),
    ]);
    return gone;
  }

  #list(ids: readonly string[]): Promise<void> {
    this.#ids = ids;
    return this.#store.setState(listName, JSON.stringify(ids));
  }
}

function orderName(id: string): string {
  return `job/${id}`;
}

function progressName(id: string): string {
  return `job/${id}/progress`;
}
