import type { Zone } from '../../core/time/zone.ts';
import { type Schema, schemaOf } from '../../protocols/hl7v2/schema/schema.ts';
import type { BundleResources } from './bundle.ts';
import type { Element, Reading } from './element.ts';

export type IssueCode =
  /** An element that the message has no place for, or that no rule reads. */
  | 'not-landed'
  /** A time that is none. */
  | 'bad-date'
  /** A code that no v2 table has: it was put as it is. */
  | 'unknown-code'
  /** A field that the standard requires was not said, and stands as unknown. */
  | 'completed'
  /** A reference leads to nothing in the bundle. */
  | 'dangling';

export interface ReturnIssue {
  readonly code: IssueCode;
  /** The element, `Patient.photo`, or the field that was completed, `PV1-2`. */
  readonly path: string;
  /** What it is, with nothing of the bundle’s content. */
  readonly message: string;
}

/** What one bundle is turned into a message with. */
export class Context {
  readonly reading: Reading;
  readonly resources: BundleResources;
  /** The version that is written. */
  readonly version: string;
  readonly schema: Schema;
  readonly zone: Zone | undefined;
  /** The names of authorities by the systems of their identifiers. */
  readonly names: ReadonlyMap<string, string>;
  /** Whether the bundle is one that Weir made of a v2 message: what came from where then stands in it. */
  readonly own: boolean;
  readonly issues: ReturnIssue[] = [];
  /** The resources that a segment has been made of. */
  readonly written = new Set<Element>();
  /** The resource that is being read, for references to what it contains. */
  resource: Element | undefined = undefined;
  #known = new Set<string>();

  constructor(
    reading: Reading,
    resources: BundleResources,
    own: boolean,
    options: { readonly version: string; readonly zone: Zone | undefined; readonly names: ReadonlyMap<string, string> },
  ) {
    this.reading = reading;
    this.resources = resources;
    this.own = own;
    this.version = options.version;
    this.schema = schemaOf(options.version);
    this.zone = options.zone;
    this.names = options.names;
  }

  /** Tells of something, once. */
  issue(code: IssueCode, path: string, message: string): void {
    const key = `${code}|${path}|${message}`;
    if (this.#known.has(key)) return;
    this.#known.add(key);
    this.issues.push({ code, path, message });
  }

  /** As `target`, as a list of one or none. */
  targets(reference: unknown): Element[] {
    const found = this.target(reference);
    return found ? [found] : [];
  }

  target(reference: unknown): Element | undefined {
    return this.resources.target(reference, this.resource);
  }
}
