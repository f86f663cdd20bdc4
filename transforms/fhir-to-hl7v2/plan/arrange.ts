import type { GroupNode } from '../../../protocols/hl7v2/schema/definition.ts';
import type { Structure } from '../../../protocols/hl7v2/schema/structure.ts';
import type { Context } from '../context.ts';
import type { SegmentDraft } from '../repetition.ts';

/** The structure of a message type of the version that is written; undefined where it has none. */
export function structureOf(type: string, context: Context): Structure | undefined {
  const [code = '', event = ''] = type.split('^');
  const name = context.schema.structureNameFor(code, event);
  return name === undefined ? undefined : context.schema.structure(name);
}

/** Blocks of segments, each led by its first one, in the order that the structure has for those. */
export function inStructure(blocks: readonly SegmentDraft[][], type: string, context: Context): SegmentDraft[] {
  const structure = structureOf(type, context) ?? context.schema.structure('ADT_A01');
  const order = new Map<string, number>();
  if (structure) number(structure.root, order);
  const placeOf = (block: readonly SegmentDraft[]) => order.get(block[0]!.name) ?? Number.MAX_SAFE_INTEGER;
  return blocks
    .filter((block) => block.length > 0)
    .map((block, at) => ({ block, at, place: placeOf(block) }))
    .toSorted((a, b) => a.place - b.place || a.at - b.at)
    .flatMap(({ block }) => block);
}

function number(group: GroupNode, order: Map<string, number>): void {
  for (const node of group.children) {
    if (node.kind === 'group') number(node, order);
    else if (!order.has(node.name)) order.set(node.name, order.size);
  }
}
