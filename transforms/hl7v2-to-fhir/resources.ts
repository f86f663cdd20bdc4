import { hash } from 'node:crypto';
import type { Reference, Resource } from '@medplum/fhirtypes';
import type { Draft } from './segment-view.ts';
import { cameFrom } from './urls.ts';

/** What stands for an id before there is one. */
const NEW = 'new';

/** Types of which a bundle has one for each identity: the same person, organization or place is not said twice. */
const SHARED = new Set([
  'Patient',
  'Practitioner',
  'PractitionerRole',
  'Organization',
  'Location',
  'Specimen',
  'Device',
  'Encounter',
  'Account',
  'EpisodeOfCare',
]);

/** The resources of one bundle, and who refers to whom. References get their text when all is said: ids follow from what a resource holds. */
export class Resources {
  readonly #drafts: Draft[] = [];
  readonly #targets = new Map<object, Draft>();
  readonly #keys = new Map<Draft, string>();
  readonly #known = new Map<string, Draft>();
  readonly #ids = new Map<Draft, string>();
  readonly #final = new Map<Draft, Draft>();
  /** Resources that are told apart by all that they hold. */
  readonly #exact = new Set<Draft>();
  readonly #taken = new Map<string, Draft>();
  readonly #scope: string;
  #ordinal = 0;
  #own: string | undefined = undefined;
  #gone = false;

  /** @param scope what tells this message from any other, for ids of resources that nothing identifies */
  constructor(scope: string) {
    this.#scope = scope;
  }

  make(resourceType: string): Draft {
    // Its id follows from what it will hold; it stands in its place from the beginning.
    const draft: Draft = { resourceType, id: NEW };
    this.#drafts.push(draft);
    return draft;
  }

  /** A resource that is known by `key`: two with the same one are one. */
  keyed(draft: Draft, key: string): void {
    this.#keys.set(draft, key);
    this.#known.set(`${draft.resourceType}|${key}`, draft);
  }

  /** The resource of that type and key, where there is one already. */
  known(resourceType: string, key: string): Draft | undefined {
    return this.#known.get(`${resourceType}|${key}`);
  }

  reference<T extends Resource = Resource>(target: Draft): Reference<T> {
    return this.point<Reference<T>>({}, target);
  }

  /** Makes an element refer to a resource. */
  point<T extends object>(element: T, target: Draft): T {
    this.#targets.set(element, target);
    return element;
  }

  /** Whether an element refers to a resource already, and to which. */
  targetOf(element: object): Draft | undefined {
    return this.#targets.get(element);
  }

  /** Whether settling has taken empty resources out. */
  get haveGone(): boolean {
    return this.#gone;
  }

  get drafts(): readonly Draft[] {
    return this.#drafts;
  }

  /** The one that a resource has become: itself, or the one that says the same. */
  finalOf(draft: Draft): Draft {
    return this.#final.get(draft) ?? draft;
  }

  /**
   * Gives every resource its id, makes one of those that are the same, and fills the references in. Empty resources go, with
   * what refers to them. Call once.
   * @param isEmpty whether a resource holds nothing, given what tells whether a value refers to such alone
   */
  settle(
    isEmpty: (draft: Draft, hollow: (value: unknown) => boolean) => boolean,
  ): readonly (readonly [id: string, draft: Draft])[] {
    const kept: [string, Draft][] = [];
    const gone = this.#emptyOnes(isEmpty);
    for (const draft of this.#drafts) {
      if (gone.has(draft)) continue;
      const id = this.#idOf(draft);
      const same = this.#taken.get(id);
      if (same) {
        if (!this.#exact.has(draft)) merge(same, draft);
        this.#final.set(draft, same);
        continue;
      }
      this.#taken.set(id, draft);
      draft.id = id;
      kept.push([id, draft]);
    }
    this.#gone = gone.size > 0;
    for (const [element, target] of this.#targets) {
      const final = this.#final.get(target);
      if (final) tellWhich(element as Reference, target, final);
      if (!this.#gone || !gone.has(target)) (element as Reference).reference = `urn:uuid:${this.#idOf(target)}`;
    }
    return kept;
  }

  /** Resources that hold nothing, and those that hold nothing but references to such. */
  #emptyOnes(isEmpty: (draft: Draft, hollow: (value: unknown) => boolean) => boolean): ReadonlySet<Draft> {
    const gone = new Set<Draft>();
    const hollow = (value: unknown): boolean => {
      if (typeof value !== 'object' || value === null) return false;
      const target = this.#targets.get(value);
      if (target && !gone.has(target)) return false;
      for (const key in value) if (!hollow((value as Record<string, unknown>)[key])) return false;
      return true;
    };
    const nothingGone = () => false;
    let before = -1;
    while (gone.size > before) {
      before = gone.size;
      for (const draft of this.#drafts)
        if (!gone.has(draft) && isEmpty(draft, gone.size === 0 ? nothingGone : hollow)) gone.add(draft);
    }
    return gone;
  }

  #idOf(draft: Draft): string {
    const known = this.#ids.get(draft);
    if (known) return known;
    this.#ids.set(draft, 'cycle');
    const identity = this.#identity(draft);
    const id = identity === undefined ? this.#nextId() : uuid(`${draft.resourceType}|${identity}`);
    this.#ids.set(draft, id);
    return id;
  }

  /** The next id of this message: that of the message, counted on. */
  #nextId(): string {
    this.#own ??= hashed(this.#scope);
    return this.#own.slice(0, 28) + (this.#ordinal++).toString(16).padStart(8, '0');
  }

  /** Undefined for what nothing identifies. Identifiers that say who assigned them are the same in every message; anything else is what it is in this one. */
  #identity(draft: Draft): string | undefined {
    const key = this.#keys.get(draft);
    if (key !== undefined) return key;
    if (!SHARED.has(draft.resourceType)) return undefined;
    const identifiers = draft.resourceType === 'PractitionerRole' ? undefined : identifiersOf(draft);
    if (identifiers) return identifiers;
    if (draft.resourceType === 'Patient' || draft.resourceType === 'Encounter') return undefined;
    this.#exact.add(draft);
    const content = this.#content(draft);
    return draft.resourceType === 'Organization' || draft.resourceType === 'Practitioner'
      ? content
      : `${this.#scope}|${content}`;
  }

  /** All that a resource holds as one text; what it refers to by its id. Much faster than JSON with a replacer. */
  #content(value: unknown): string {
    if (typeof value !== 'object' || value === null) return String(value);
    const target = this.#targets.get(value);
    if (target) return `@${this.#idOf(target)}`;
    let text = '{';
    for (const key in value) text += `${key}\u0000${this.#content((value as Record<string, unknown>)[key])}\u0001`;
    return `${text}}`;
  }
}

interface Identified {
  readonly system?: string;
  readonly value?: string;
}

/** The first identifier that says who assigned it, else undefined: a value alone identifies nobody. */
function identifiersOf(draft: Draft): string | undefined {
  const { identifier } = draft;
  if (!Array.isArray(identifier)) return undefined;
  for (const each of identifier as Identified[]) {
    if (each.value !== undefined && each.system !== undefined) return `${each.system}|${each.value}`;
  }
  return undefined;
}

/** Notes beside a reference which of the names and numbers of one that several were joined to are its own. */
function tellWhich(element: Reference, own: Draft, joined: Draft): void {
  if (own.resourceType !== 'Practitioner' && own.resourceType !== 'Organization') return;
  const parts: string[] = [];
  for (const key of ['identifier', 'name', 'qualification']) {
    const mine = own[key];
    const all = joined[key];
    if (Array.isArray(mine) && Array.isArray(all)) {
      const text = JSON.stringify(mine[0]);
      const at = all.findIndex((each) => JSON.stringify(each) === text);
      if (at > 0) parts.push(`${key}=${at}`);
    } else if (mine === undefined && all !== undefined) parts.push(`${key}=none`);
    else if (typeof mine === 'string' && mine !== all) {
      parts.push(`alias=${Array.isArray(joined.alias) ? joined.alias.indexOf(mine) : 0}`);
    }
  }
  if (parts.length > 0) (element.extension ??= []).push(cameFrom(...parts));
}

/** Lists are joined, each element once; of single elements the first stays. */
function merge(into: Draft, from: Draft): void {
  for (const key in from) {
    const mine = into[key];
    const theirs = from[key];
    if (key === 'id') continue;
    if (mine === undefined) into[key] = theirs;
    else if (Array.isArray(mine) && Array.isArray(theirs)) {
      const known = new Set(mine.map((each) => JSON.stringify(each)));
      for (const each of theirs) if (!known.has(JSON.stringify(each))) mine.push(each);
    } else if (key === 'name' && typeof mine === 'string' && typeof theirs === 'string' && mine !== theirs) {
      const alias = (into.alias ??= []) as string[];
      if (!alias.includes(theirs)) alias.push(theirs);
    }
  }
}

/** A UUID of its own kind (version 8, RFC 9562 §5.8) from a text: the same text, the same one. */
export function uuid(text: string): string {
  let made = uuids.get(text);
  if (made === undefined) {
    made = hashed(text);
    // The same few organizations, places and people are in most messages of a feed.
    if (uuids.size >= 4096) uuids.clear();
    uuids.set(text, made);
  }
  return made;
}

const uuids = new Map<string, string>();

function hashed(text: string): string {
  const hex = hash('sha1', text, 'hex');
  const variant = '89ab'[Number.parseInt(hex[16]!, 16) & 3]!;
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
