import type { ServiceState } from '../service.ts';
import type { ServiceCommit, ServiceImage } from './service-store.ts';

type Collection = Map<string, object>;
type Changes = Map<string, Map<string, object | undefined>>;

/** All that a service knows, in memory: it is small beside what comes in, and reading it costs no question to a database. */
export class ServiceDocuments {
  readonly #collections = new Map<string, Collection>();

  constructor(image: Pick<ServiceImage, 'documents'>) {
    for (const { collection, key, text } of image.documents) this.#of(collection).set(key, JSON.parse(text) as object);
  }

  begin(): StateChanges {
    return new StateChanges((collection) => this.#of(collection));
  }

  /** What was committed is known to all. */
  put(changes: StateChanges): void {
    for (const [collection, documents] of changes.changed) {
      const known = this.#of(collection);
      for (const [key, document] of documents)
        if (document === undefined) known.delete(key);
        else known.set(key, document);
    }
  }

  #of(collection: string): Collection {
    let known = this.#collections.get(collection);
    if (!known) this.#collections.set(collection, (known = new Map()));
    return known;
  }
}

/** What one transaction changes, over what is known. */
export class StateChanges implements ServiceState {
  readonly changed: Changes = new Map();
  readonly #known: (collection: string) => ReadonlyMap<string, object>;

  constructor(known: (collection: string) => ReadonlyMap<string, object>) {
    this.#known = known;
  }

  get<D extends object>(collection: string, key: string): D | undefined {
    const changed = this.changed.get(collection);
    const document = changed?.has(key) ? changed.get(key) : this.#known(collection).get(key);
    return document as D | undefined;
  }

  /** Those that are there when it begins; whoever goes through them may change them on the way. */
  *all<D extends object>(collection: string): IterableIterator<readonly [string, D]> {
    const changed = new Map(this.changed.get(collection));
    for (const [key, document] of this.#known(collection)) if (!changed.has(key)) yield [key, document as D];
    for (const [key, document] of changed) if (document !== undefined) yield [key, document as D];
  }

  put(collection: string, key: string, document: object): void {
    this.#of(collection).set(key, document);
  }

  remove(collection: string, key: string): void {
    this.#of(collection).set(key, undefined);
  }

  texts(): ServiceCommit['documents'] {
    return [...this.changed].flatMap(([collection, documents]) =>
      [...documents].map(([key, document]) => ({
        collection,
        key,
        text: document === undefined ? undefined : JSON.stringify(document),
      })),
    );
  }

  #of(collection: string): Map<string, object | undefined> {
    let changed = this.changed.get(collection);
    if (!changed) this.changed.set(collection, (changed = new Map()));
    return changed;
  }
}
