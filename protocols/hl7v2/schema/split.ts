import type { Hl7Message } from '../message.ts';
import type { Segment } from '../segment.ts';
import type { GroupNode } from './definition.ts';
import { group } from './group.ts';
import { Group } from './grouped.ts';
import { schemaOf } from './schema.ts';
import { structureOf } from './structure-of.ts';
import { VERSIONS } from './versions.ts';

/**
 * One message for each repetition of a group (`ORDER_OBSERVATION`, or with those around it `PATIENT_RESULT/ORDER_OBSERVATION`) or of
 * a segment (`OBR`), in their order; none where there is none. Each has what stands before the first repetition and, where the
 * message's structure is known, only what belongs to it: of several patients its own one. A segment that begins no line of its own
 * takes what its group has beside it (ORC, NTE, OBX for OBR). Never throws.
 */
export function splitMessage(message: Hl7Message, unit: string): Hl7Message[] {
  const path = unit.split('/');
  const structure = structureOf(message, schemaOf(message.version));
  const name = path.at(-1)!;
  const root = structure && group(message, structure).root;
  const target = root && (isGroup(name) ? path : repeatingGroup(root.node, name));
  const parts = root && target ? splitGroups(root, target) : splitSegments(message, name);
  return parts.map((indexes) => message.pick(indexes));
}

/** Whether any version has a group of this name, in groups of the names before it. */
export function isKnownGroup(path: string): boolean {
  const names = path.split('/');
  return VERSIONS.toReversed().some((version) => {
    const schema = schemaOf(version);
    return schema.structureNames.some((name) => {
      const root = schema.structure(name)?.root;
      return root !== undefined && hasGroup(root, names);
    });
  });
}

/** Segments have names of three characters, groups longer ones. */
export function isGroup(name: string): boolean {
  return !/^[A-Z][A-Z0-9]{2}(?:\W|$)/.test(name);
}

function hasGroup(node: GroupNode, [first, ...rest]: readonly string[]): boolean {
  return node.children.some(
    (child) =>
      child.kind === 'group' &&
      (hasGroup(child, [first!, ...rest]) || (child.name === first && (rest.length === 0 || hasGroup(child, rest)))),
  );
}

/** The innermost repeating group that has the segment, where the segment does not repeat in it by itself. */
function repeatingGroup(root: GroupNode, segment: string): readonly string[] | undefined {
  const search = (node: GroupNode, repeating: string | undefined): string | false | undefined => {
    for (const child of node.children) {
      if (child.kind === 'segment') {
        if (child.name === segment) return child.repeats ? false : repeating;
        continue;
      }
      const found = search(child, child.repeats ? child.name : repeating);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const found = search(root, undefined);
  return typeof found === 'string' ? [found] : undefined;
}

function splitGroups(root: Group, path: readonly string[]): number[][] {
  const parts: number[][] = [];
  const visit = (node: Group, around: readonly number[], [first, ...rest]: readonly string[]): void => {
    const before: number[] = [];
    const units = node.groups(first);
    const count = parts.length;
    for (const child of node.children) {
      const isUnit = child instanceof Group && child.name === first;
      if (isUnit && rest.length === 0) parts.push([...around, ...before, ...segmentsOf(child)]);
      else if (isUnit) visit(child, [...around, ...before], rest);
      else if (child instanceof Group && units.length === 0) visit(child, [...around, ...before], [first!, ...rest]);
      // What comes after a repetition belongs to it; what comes before the first, to all.
      else if (units.length > 0 && parts.length > count) parts.at(-1)!.push(...segmentsOf(child));
      if (!isUnit && parts.length === count) before.push(...segmentsOf(child));
    }
  };
  visit(root, [], path);
  return parts.map((part) => part.toSorted((a, b) => a - b));
}

function segmentsOf(child: Segment | Group): number[] {
  return child instanceof Group ? [...child.everySegment()].map(({ index }) => index) : [child.index];
}

/**
 * By their order alone. A segment that stands before the first repetition and comes again after one (the next patient's PID, the next
 * order's ORC) begins what stands before the next.
 */
function splitSegments(message: Hl7Message, name: string): number[][] {
  const parts: number[][] = [];
  let header: { readonly name: string; readonly index: number }[] = [];
  let between = true;
  for (const { name: each, index } of message.segments()) {
    if (each === name) {
      parts.push([...header.map((one) => one.index), index]);
      between = false;
      continue;
    }
    const again = between ? -1 : header.findIndex((one) => one.name === each && each !== 'NTE');
    if (again >= 0) {
      header = header.slice(0, again);
      between = true;
    }
    if (between) header.push({ name: each, index });
    else parts.at(-1)!.push(index);
  }
  return parts;
}
