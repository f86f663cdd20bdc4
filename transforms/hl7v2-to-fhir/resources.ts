// Over 350 lines: the resources of one bundle from their making to their ids, which follow from each other.
import type { Reference, Resource } from '@medplum/fhirtypes';
import { namedUuid } from '../../contracts/named-uuid.ts';
import type { Draft } from './segment-view.ts';
import { cameFrom } from './urls.ts';

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

/** What is known of a resource beside what it holds; its number stands for its id until there is one. */
class Entry {
  readonly draft: Draft;
  /** What tells it apart, where that is known when it is made. */
  key: string | undefined = undefined;
  id: string | undefined = undefined;
  /** `urn:uuid:` and its id. */
  url = '';
  /** The one that says the same. */
  final: Draft | undefined = undefined;
  gone = false;
  /** What it held of its own before others were joined to it. */
  before: Draft | undefined = undefined;
  /** It is told apart by all that it holds. */
  exact = false;
  /** Nothing tells it apart: no other one is the same. */
  alone = false;

  constructor(draft: Draft) {
    this.draft = draft;
  }
}

/** A reference: to the resource itself until all is said, then to its URL. */
interface Pointer {
  reference?: Draft | string;
}

/** A resource of the bundle. */
export interface Settled {
  readonly id: string;
  /** `urn:uuid:` and its id. */
  readonly url: string;
  readonly draft: Draft;
}

/** The resources of one bundle, and who refers to whom. References get their text when all is said: ids follow from what a resource holds. */
export class Resources {
  readonly #drafts: Draft[] = [];
  readonly #entries: Entry[] = [];
  readonly #pointers: Pointer[] = [];
  readonly #known: Record<string, Map<string, Draft>> = {};
  /** By id, the different ways in which a person or an organization of one identifier is told. */
  readonly #told = new Map<string, Draft[]>();
  readonly #taken = new Map<string, Draft>();
  readonly #scope: string;
  #ordinal = 0;
  #own: string | undefined = undefined;
  #gone = 0;

  /** @param scope what tells this message from any other, for ids of resources that nothing identifies */
  constructor(scope: string) {
    this.#scope = scope;
  }

  make(resourceType: string): Draft {
    // Its id follows from what it will hold; it stands in its place from the beginning.
    const draft: Draft = { resourceType, id: this.#drafts.length };
    this.#drafts.push(draft);
    this.#entries.push(new Entry(draft));
    return draft;
  }

  /** A resource that is known by `key`: two with the same one are one. */
  keyed(draft: Draft, key: string): void {
    this.#entryOf(draft).key = key;
    (this.#known[draft.resourceType] ??= new Map()).set(key, draft);
  }

  /** What a resource is known by. */
  keyOf(draft: Draft): string | undefined {
    return this.#entryOf(draft).key;
  }

  /** The resource of that type and key, where there is one already. */
  known(resourceType: string, key: string): Draft | undefined {
    return this.#known[resourceType]?.get(key);
  }

  reference<T extends Resource = Resource>(target: Draft): Reference<T> {
    return this.point<Reference<T>>({}, target);
  }

  /** Makes an element refer to a resource. */
  point<T extends object>(element: T, target: Draft): T {
    (element as Pointer).reference = target;
    this.#pointers.push(element as Pointer);
    return element;
  }

  /** Whether an element refers to a resource already, and to which. */
  targetOf(element: object): Draft | undefined {
    const { reference } = element as Pointer;
    return typeof reference === 'object' ? reference : undefined;
  }

  /** Whether settling has taken empty resources out. */
  get haveGone(): boolean {
    return this.#gone > 0;
  }

  get drafts(): readonly Draft[] {
    return this.#drafts;
  }

  /** The one that a resource has become: itself, or the one that says the same. */
  finalOf(draft: Draft): Draft {
    return (typeof draft.id === 'number' ? this.#entries[draft.id]?.final : undefined) ?? draft;
  }

  /** The id of the one that a resource has become; undefined while it has none, and of one that went. */
  idOf(draft: Draft): string | undefined {
    const { id } = this.finalOf(draft);
    return typeof id === 'string' ? id : undefined;
  }

  /**
   * Gives every resource its id, makes one of those that are the same, and fills the references in. Empty resources go, with
   * what refers to them. Call once.
   * @param isEmpty whether a resource holds nothing, given what tells whether a value refers to such alone
   */
  settle(isEmpty: (draft: Draft, hollow: (value: unknown) => boolean) => boolean): readonly Settled[] {
    const kept: Settled[] = [];
    this.#findEmpty(isEmpty);
    for (const entry of this.#entries) {
      if (entry.gone) continue;
      const { draft } = entry;
      let id = this.#idOf(entry);
      let same = entry.alone ? undefined : this.#taken.get(id);
      if (same && !entry.exact && this.#contradicts(same, draft)) {
        id = this.#otherId(entry);
        same = this.#taken.get(id);
      }
      if (same) {
        if (!entry.exact) {
          this.#entryOf(same).before ??= listsOf(same);
          merge(same, draft, (value) => this.#textOf(value));
        }
        entry.final = same;
        continue;
      }
      if (!entry.alone) this.#taken.set(id, draft);
      kept.push({ id, url: entry.url, draft });
    }
    for (const pointer of this.#pointers) this.#fill(pointer);
    // Until then their numbers are needed.
    for (const { id, draft } of kept) draft.id = id;
    return kept;
  }

  /** Whether one says of a single element what the other does not: then they are two, that nothing is lost. */
  #contradicts(one: Draft, other: Draft): boolean {
    for (const key in other) {
      const [mine, theirs] = [one[key], other[key]];
      if (key === 'id' || mine === undefined || Array.isArray(mine) || mine === theirs) continue;
      // Of several names all but one are aliases.
      if (key === 'name' && typeof mine === 'string') continue;
      if (this.#textOf(mine) !== this.#textOf(theirs)) return true;
    }
    return false;
  }

  /** Of one that says something else than the first of its identity. */
  #otherId(entry: Entry): string {
    entry.id = uuid(entry.draft.resourceType, `${entry.id}|${this.#content(entry.draft)}`);
    entry.url = `urn:uuid:${entry.id}`;
    return entry.id;
  }

  #textOf(value: unknown): string {
    return typeof value === 'object' && value !== null ? this.#content(value) : String(value);
  }

  /** The text of a reference stands last in its element. */
  #fill(pointer: Pointer): void {
    const entry = this.#entryOf(pointer.reference as Draft);
    this.#idOf(entry);
    let last = '';
    for (const key in pointer) last = key;
    const isJoined = entry.final !== undefined || entry.before !== undefined;
    if (last !== 'reference' || entry.gone || isJoined) delete pointer.reference;
    if (entry.final) tellWhich(pointer as Reference, entry.draft, entry.final);
    else if (entry.before) tellWhich(pointer as Reference, entry.before, entry.draft);
    if (!entry.gone) pointer.reference = entry.url;
  }

  /** Finds resources that hold nothing, and those that hold nothing but references to such. */
  #findEmpty(isEmpty: (draft: Draft, hollow: (value: unknown) => boolean) => boolean): void {
    const hollow = (value: unknown): boolean => {
      if (typeof value !== 'object' || value === null) return false;
      const target = this.targetOf(value);
      if (target && !this.#entryOf(target).gone) return false;
      for (const key in value)
        if (!(target && key === 'reference') && !hollow((value as Record<string, unknown>)[key])) return false;
      return true;
    };
    let before = -1;
    while (this.#gone > before) {
      before = this.#gone;
      for (const entry of this.#entries) {
        if (entry.gone || !isEmpty(entry.draft, this.#gone === 0 ? nothingGone : hollow)) continue;
        entry.gone = true;
        this.#gone++;
      }
    }
  }

  #entryOf(draft: Draft): Entry {
    return this.#entries[draft.id as number]!;
  }

  #idOf(entry: Entry): string {
    if (entry.id !== undefined) return entry.id;
    entry.id = 'cycle';
    const identity = this.#identity(entry);
    entry.alone = identity === undefined;
    const id = identity === undefined ? this.#nextId() : uuid(entry.draft.resourceType, identity);
    entry.id = id;
    entry.url = `urn:uuid:${id}`;
    return id;
  }

  /** The next id of this message: that of the message, counted on. */
  #nextId(): string {
    this.#own ??= namedUuid(this.#scope).slice(0, 28);
    return this.#own + ordinalText(this.#ordinal++);
  }

  /** Undefined for what nothing identifies. Identifiers that say who assigned them are the same in every message; anything else is what it is in this one. */
  #identity(entry: Entry): string | undefined {
    const { draft, key } = entry;
    const { resourceType } = draft;
    if (key !== undefined) return key;
    if (!SHARED.has(resourceType)) return undefined;
    const identifiers = resourceType === 'PractitionerRole' ? undefined : identifiersOf(draft);
    if (identifiers) return identifiers;
    if (resourceType === 'Patient' || resourceType === 'Encounter') return undefined;
    entry.exact = true;
    const content = this.#content(draft);
    return resourceType === 'Organization' || resourceType === 'Practitioner' ? content : `${this.#scope}|${content}`;
  }

  /** Which way of telling of the same one this is: roles of two that are told otherwise are two; empty for the first. */
  #telling({ draft, id = '', key, exact }: Entry): string {
    if (key !== undefined || exact || !(draft.resourceType === 'Practitioner' || draft.resourceType === 'Organization'))
      return '';
    const known = this.#told.get(id);
    if (!known) this.#told.set(id, [draft]);
    if (!known || known[0] === draft) return '';
    const content = this.#content(draft);
    const at = known.findIndex((each) => each === draft || this.#content(each) === content);
    if (at < 0) known.push(draft);
    return at === 0 ? '' : `#${at < 0 ? known.length - 1 : at}`;
  }

  /** All that a resource holds as one text; what it refers to by its id. Much faster than JSON with a replacer. */
  #content(value: object): string {
    const target = this.targetOf(value);
    if (target) return `@${this.#idOf(this.#entryOf(target))}${this.#telling(this.#entryOf(target))}`;
    let text = '{';
    if (Array.isArray(value)) {
      for (let at = 0; at < value.length; at++) {
        const each: unknown = value[at];
        text += `${at}\u0000${typeof each === 'object' && each !== null ? this.#content(each) : String(each)}\u0001`;
      }
      return `${text}}`;
    }
    for (const key in value) {
      const each = (value as Record<string, unknown>)[key];
      if (typeof each === 'object' && each !== null) text += `${key}\u0000${this.#content(each)}\u0001`;
      // The number that stands for its id says nothing of it.
      else text += `${key}\u0000${key === 'id' && typeof each === 'number' ? 'new' : String(each)}\u0001`;
    }
    return `${text}}`;
  }
}

const nothingGone = () => false;

/** The first ones are in every message. */
const ordinals = Array.from({ length: 256 }, (_, n) => n.toString(16).padStart(8, '0'));

function ordinalText(n: number): string {
  return ordinals[n] ?? n.toString(16).padStart(8, '0');
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

/** Notes beside a reference which of the names, numbers and addresses of one that several were joined to are its own. */
function tellWhich(element: Reference, own: Draft, joined: Draft): void {
  if (own.resourceType !== 'Practitioner' && own.resourceType !== 'Organization') return;
  const parts: string[] = [];
  for (const key of ['identifier', 'name', 'qualification']) {
    const mine = own[key];
    const all = joined[key];
    if (Array.isArray(mine) && Array.isArray(all)) {
      const text = textOf(mine[0]);
      const at = all.findIndex((each) => textOf(each) === text);
      if (at > 0) parts.push(`${key}=${at}`);
    } else if (mine === undefined && all !== undefined) parts.push(`${key}=none`);
    else if (typeof mine === 'string' && mine !== all) {
      parts.push(`alias=${Array.isArray(joined.alias) ? joined.alias.indexOf(mine) : 0}`);
    }
  }
  for (const key of ['address', 'telecom']) {
    const all = joined[key];
    if (!Array.isArray(all)) continue;
    const mine = new Set(Array.isArray(own[key]) ? own[key].map(textOf) : []);
    const places = all.flatMap((each, at) => (mine.has(textOf(each)) ? [at] : []));
    if (places.length < all.length) parts.push(`${key}=${places.length === 0 ? 'none' : places.join('+')}`);
  }
  if (parts.length > 0) (element.extension ??= []).push(cameFrom(...parts));
}

/** A copy of a resource as far as joining another to it changes it. */
function listsOf(draft: Draft): Draft {
  const copy: Draft = { ...draft };
  for (const key in copy) if (Array.isArray(copy[key])) copy[key] = [...(copy[key] as unknown[])];
  return copy;
}

/** Lists are joined, each element once; of single elements both say the same. */
function merge(into: Draft, from: Draft, textOf: (value: unknown) => string): void {
  for (const key in from) {
    const mine = into[key];
    const theirs = from[key];
    if (key === 'id') continue;
    if (mine === undefined) into[key] = theirs;
    else if (Array.isArray(mine) && Array.isArray(theirs)) {
      const known = new Set(mine.map(textOf));
      for (const each of theirs) if (!known.has(textOf(each))) mine.push(each);
    } else if (key === 'name' && typeof mine === 'string' && typeof theirs === 'string' && mine !== theirs) {
      const alias = (into.alias ??= []) as string[];
      if (!alias.includes(theirs)) alias.push(theirs);
    }
  }
}

/** An element as text; whom it refers to is not said yet. */
export function textOf(element: unknown): string {
  return JSON.stringify(element, (key, value) =>
    key === 'reference' && typeof value === 'object' ? undefined : value,
  );
}

/** A UUID of its own kind (version 8, RFC 9562 §5.8) for what is of a type and identified by a text: the same texts, the same one. */
export function uuid(type: string, identity: string): string {
  const uuids = known.get(type);
  if (!uuids) return namedUuid(`${type}|${identity}`);
  let made = uuids.get(identity);
  if (made === undefined) {
    made = namedUuid(`${type}|${identity}`);
    if (uuids.size >= 4096) uuids.clear();
    uuids.set(identity, made);
  }
  return made;
}

/**
 * By type, of what is the same few in most messages of a feed. Of patients, visits and whatever belongs to them nothing is kept
 * once their message is converted.
 */
const known = new Map(
  ['Organization', 'Practitioner', 'Device', 'Location'].map((type) => [type, new Map<string, string>()]),
);
