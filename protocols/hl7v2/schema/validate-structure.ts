import { needsSomething } from './automaton.ts';
import { ANY, type GroupNode, LOCAL, type SegmentNode } from './definition.ts';
import type { Findings } from './findings.ts';
import { Group, type Grouped, type Misplaced } from './grouped.ts';

/** Reports the segments that a message's structure has no place for, and those that it needs and the message lacks. */
export function validateStructure(findings: Findings, { structure, root, misplaced }: Grouped): void {
  for (const found of misplaced) reportMisplaced(findings, found, structure.name);
  reportMissing(findings, root, 0);
  const { required } = findings.definitions.profile;
  if (!required) return;
  const present = new Set<string>();
  for (const segment of root.everySegment()) present.add(segment.name);
  for (const [name, segments] of Object.entries(required)) {
    if (name !== '*' && name !== structure.name) continue;
    for (const segment of segments) {
      if (present.has(segment)) continue;
      findings.add('error', 'missing-segment', segment, 0, `missing ${segment}, which the site's profile requires`);
    }
  }
}

function reportMisplaced(
  findings: Findings,
  { index, name, occurrence, reason, group }: Misplaced,
  structure: string,
): void {
  const path = name === '' ? '' : `${name}[${occurrence}]`;
  const { definitions } = findings;
  switch (reason) {
    case 'not-in-structure':
      // What the version does not know, or is no segment at all, is reported with the fields.
      if (name === '' || !definitions.schema.segment(name)) return;
      findings.add('warning', 'unexpected-segment', path, index, `${structure} has no ${name}`);
      return;
    case 'repeated':
      findings.add('error', 'repeated-segment', path, index, `${name} does not repeat in ${group}`);
      return;
    case 'out-of-order':
      findings.add('error', 'misplaced-segment', path, index, `${name} has no place here in ${structure}`);
      return;
    default:
      reason satisfies never;
  }
}

function reportMissing(findings: Findings, group: Group, before: number): void {
  const { node } = group;
  const first = firstIndex(group) ?? before;
  if (!node.choice) {
    for (const child of node.children) {
      if (!needsSomething(child) || isIn(group, child)) continue;
      const [segment = ''] = neededNames(child);
      const text =
        child.kind === 'segment'
          ? `missing ${segment} in ${node.name}`
          : `missing ${child.name} (${segment}) in ${node.name}`;
      findings.add('error', 'missing-segment', segment, first, text);
    }
  }
  for (const child of group.children) if (child instanceof Group) reportMissing(findings, child, first);
}

/** Whether a group has such a child. Of a wildcard that is not asked: anything may be it. */
function isIn(group: Group, node: SegmentNode | GroupNode): boolean {
  if (node.kind === 'group') return group.children.some((child) => child instanceof Group && child.node === node);
  return node.name === ANY || node.name === LOCAL || group.segment(node.name) !== undefined;
}

/** The segments that a part cannot be without, the first first; of a choice the first alternative. */
function neededNames(node: SegmentNode | GroupNode): string[] {
  if (node.kind === 'segment') return [node.name];
  const needed = node.choice ? node.children.slice(0, 1) : node.children.filter(needsSomething);
  return needed.flatMap(neededNames);
}

function firstIndex(group: Group): number | undefined {
  for (const segment of group.everySegment()) return segment.index;
  return undefined;
}
