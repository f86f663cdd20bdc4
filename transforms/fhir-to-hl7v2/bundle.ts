import { type Element, isElement, type Reading } from './element.ts';

/** The resources of a bundle, in its order, and where references lead. */
export class BundleResources {
  readonly all: readonly Element[];
  readonly #byUrl = new Map<string, Element>();
  readonly #reading: Reading;
  readonly #order: ReadonlyMap<Element, number>;

  constructor(bundle: Element, reading: Reading) {
    this.#reading = reading;
    const all: Element[] = [];
    for (const entry of Array.isArray(bundle.entry) ? bundle.entry : []) {
      const resource = isElement(entry) ? entry.resource : undefined;
      if (!isElement(resource) || typeof resource.resourceType !== 'string') continue;
      all.push(resource);
      const { fullUrl } = entry as Element;
      if (typeof fullUrl === 'string') this.#byUrl.set(fullUrl, resource);
      if (typeof resource.id === 'string') {
        this.#byUrl.set(`${resource.resourceType}/${resource.id}`, resource);
        if (!this.#byUrl.has(`urn:uuid:${resource.id}`)) this.#byUrl.set(`urn:uuid:${resource.id}`, resource);
      }
    }
    this.all = all;
    this.#order = new Map(all.map((each, at) => [each, at]));
  }

  of(...types: readonly string[]): Element[] {
    return this.all.filter(({ resourceType }) => types.includes(resourceType as string));
  }

  first(type: string): Element | undefined {
    return this.all.find(({ resourceType }) => resourceType === type);
  }

  /** The resource that a reference of `from` leads to: in the bundle, or contained. */
  target(reference: unknown, from?: Element): Element | undefined {
    const url = isElement(reference) ? reference.reference : undefined;
    if (typeof url !== 'string') return undefined;
    const found = url.startsWith('#') ? containedIn(from, url.slice(1)) : this.#find(url);
    if (found) this.#reading.take(reference as Element, 'reference');
    return found;
  }

  /** The targets of a list of references, or of one. */
  targets(from: Element | undefined, key: string): Element[] {
    return this.#reading
      .objects(from, key)
      .flatMap((each): Element[] => [this.target(each, from)].filter((found) => found !== undefined));
  }

  /** The resources of a type that refer to one by an element. */
  pointing(type: string, key: string, target: Element): Element[] {
    return this.of(type).filter((each) => this.targets(each, key).includes(target));
  }

  /** Where a resource stands in the bundle. */
  placeOf(resource: Element): number {
    return this.#order.get(resource) ?? 0;
  }

  inOrder(some: Iterable<Element>): Element[] {
    return [...new Set(some)].sort((a, b) => (this.#order.get(a) ?? 0) - (this.#order.get(b) ?? 0));
  }

  #find(url: string): Element | undefined {
    const known = this.#byUrl.get(url);
    if (known) return known;
    const [, relative] = /([A-Z][A-Za-z]+\/[A-Za-z0-9.-]+)(?:\/_history\/[^/]+)?$/.exec(url) ?? [];
    return relative === undefined ? undefined : this.#byUrl.get(relative);
  }
}

function containedIn(from: Element | undefined, id: string): Element | undefined {
  const list = from?.contained;
  return Array.isArray(list) ? list.find((each): each is Element => isElement(each) && each.id === id) : undefined;
}
