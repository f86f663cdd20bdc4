/** An element of a resource as JSON has it: nothing of it is taken for granted. */
export type Element = Readonly<Record<string, unknown>>;

export function isElement(value: unknown): value is Element {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Reads elements, and remembers what has been said of them in the message: what is left is told as not landed. */
export class Reading {
  readonly #taken = new WeakMap<object, Set<string>>();

  /** A text, number or truth value as text; undefined for anything else and for the empty text. */
  text(element: Element | undefined, key: string): string | undefined {
    const text = element && textOf(element[key]);
    if (text !== undefined) this.take(element!, key);
    return text;
  }

  /** As `text`, and says nothing of having taken it. */
  peek(element: Element | undefined, key: string): string | undefined {
    return element && textOf(element[key]);
  }

  object(element: Element | undefined, key: string): Element | undefined {
    const value = element?.[key];
    if (isElement(value)) return value;
    return Array.isArray(value) ? value.find(isElement) : undefined;
  }

  /** The elements of a list; of one that is no list itself. */
  objects(element: Element | undefined, key: string): Element[] {
    const value = element?.[key];
    if (Array.isArray(value)) return value.filter(isElement);
    return isElement(value) ? [value] : [];
  }

  /** The texts of a list, in their places: undefined where one is missing. */
  texts(element: Element | undefined, key: string): (string | undefined)[] {
    const value = element?.[key];
    if (!Array.isArray(value)) return [];
    this.take(element!, key);
    return value.map(textOf);
  }

  take(element: object, key: string): void {
    const known = this.#taken.get(element);
    if (known) known.add(key);
    else this.#taken.set(element, new Set([key]));
  }

  /** All that is in an element, and in what it holds. */
  takeAll(value: unknown, depth = 0): void {
    if (depth > MOST_DEPTH || typeof value !== 'object' || value === null) return;
    for (const key in value) {
      this.take(value, key);
      this.takeAll((value as Element)[key], depth + 1);
    }
  }

  has(element: object, key: string): boolean {
    return this.#taken.get(element)?.has(key) ?? false;
  }
}

/** Deeper than any resource is; what is deeper is not read. */
export const MOST_DEPTH = 40;

function textOf(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return value.trim() === '' ? undefined : value;
    case 'number':
    case 'boolean':
      return String(value);
    default:
      return undefined;
  }
}
