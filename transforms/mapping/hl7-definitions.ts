import { type KnownMessages, readHl7Path } from '../../contracts/hl7v2-path.ts';
import { didYouMean } from '../../core/config/suggestion.ts';
import type { Hl7Message } from '../../protocols/hl7v2/message.ts';
import type { Path } from '../../protocols/hl7v2/path.ts';
import type { GroupNode } from '../../protocols/hl7v2/schema/definition.ts';
import { group } from '../../protocols/hl7v2/schema/group.ts';
import type { Group } from '../../protocols/hl7v2/schema/grouped.ts';
import { schemaOf } from '../../protocols/hl7v2/schema/schema.ts';
import type { Structure } from '../../protocols/hl7v2/schema/structure.ts';
import { structureOf } from '../../protocols/hl7v2/schema/structure-of.ts';
import { VERSIONS } from '../../protocols/hl7v2/schema/versions.ts';
import { invalid } from './function.ts';
import { faultyValue } from './value.ts';

/** A group of one message; segments are counted from 0 and `last` is one past the end. */
export interface SegmentGroup {
  /** `ORDER_OBSERVATION` */
  readonly name: string;
  readonly first: number;
  readonly last: number;
  readonly groups: readonly SegmentGroup[];
}

/** A loop over groups names one; segments have three characters. */
export function isGroupName(text: string): boolean {
  return /^[A-Z][A-Z0-9_]{3,}$/.test(text);
}

/** What the paths and loops of one side of a map mean by the definitions of HL7. */
export class Hl7Definitions {
  readonly #known: KnownMessages;
  readonly #checkPath: ((text: string) => boolean) | undefined;
  #groups: ReadonlyMap<string, ReadonlySet<string>> | undefined;

  /** @param checkPath as `SenderProfile.checkPath` of the sender of the messages */
  constructor(known: KnownMessages = {}, checkPath?: (text: string) => boolean) {
    this.#known = known;
    this.#checkPath = checkPath;
  }

  /** Throws HubError `config-invalid`, with what was probably meant. */
  path(text: string): Path {
    return readHl7Path(text, this.#known, this.#checkPath);
  }

  /**
   * The segments that a group of this name may hold, those of the groups in it included. What a group of one name holds differs
   * between structures, so the map has to name those of its messages. Throws HubError `config-invalid`.
   */
  segmentsOf(name: string): ReadonlySet<string> {
    if (!this.#known.structures) throw invalid(structuresNeeded(name));
    this.#groups ??= groupsIn(structuresOf(this.#known));
    const found = this.#groups.get(name);
    if (found) return found;
    const named = this.#known.structures.join(' and ');
    throw invalid(`${named} has no group ${name}${didYouMean(name, this.#groups.keys())}`);
  }

  /**
   * The groups of a message: by the structure that its MSH-9 says where the map names that one, else by the only one that the map
   * names. Throws HubError `step-failed` for a message of none: nobody could tell what belongs together.
   */
  groupsOf(message: Hl7Message): readonly SegmentGroup[] {
    const { version, structures = [] } = this.#known;
    const schema = schemaOf(version ?? message.version);
    const own = structureOf(message, schema);
    const [only = ''] = structures.length === 1 ? structures : [];
    const structure = own && structures.includes(own.name) ? own : schema.structure(only);
    if (!structure) throw faultyValue('the message is of none of the structures that the map names');
    return group(message, structure).root.groups().map(spanned);
  }
}

function structuresNeeded(group: string): string {
  const known = groupsIn(structuresOf({}));
  if (!known.has(group)) return `no message has a group ${group}${didYouMean(group, known.keys())}`;
  return 'a loop over groups needs to know the structures: from: { hl7v2: { structures: […] } }';
}

/** Those of the names that are no structures, in the version or in any. */
export function unknownStructures({ version, structures = [] }: KnownMessages): readonly string[] {
  const schemas = versionsOf(version).map((each) => schemaOf(each));
  return structures.filter((name) => !schemas.some((schema) => schema.structure(name)));
}

export function structureNames(version: string | undefined): readonly string[] {
  return [...new Set(versionsOf(version).flatMap((each) => schemaOf(each).structureNames))];
}

function versionsOf(version: string | undefined): readonly string[] {
  return version === undefined ? VERSIONS : [version];
}

function structuresOf({ version, structures }: KnownMessages): readonly Structure[] {
  return versionsOf(version).flatMap((each) => {
    const schema = schemaOf(each);
    return (structures ?? schema.structureNames).flatMap((name) => schema.structure(name) ?? []);
  });
}

function groupsIn(structures: readonly Structure[]): ReadonlyMap<string, ReadonlySet<string>> {
  const groups = new Map<string, Set<string>>();
  const gather = (node: GroupNode, around: readonly Set<string>[]) => {
    for (const child of node.children) {
      if (child.kind === 'segment') for (const names of around) names.add(child.name);
      else {
        const names = groups.get(child.name) ?? new Set();
        groups.set(child.name, names);
        gather(child, [...around, names]);
      }
    }
  };
  for (const { root } of structures) gather(root, []);
  return groups;
}

function spanned(inner: Group): SegmentGroup {
  let first = Number.POSITIVE_INFINITY;
  let last = 0;
  for (const { index } of inner.everySegment()) {
    first = Math.min(first, index);
    last = Math.max(last, index + 1);
  }
  return { name: inner.name, first, last, groups: inner.groups().map(spanned) };
}
