import type { Facts, NodeFacts } from './facts.ts';

/**
 * What paths are checked against while they compile, as a module of types: `Types` the types of each composite's
 * components, `Segments` those of each segment's fields, ` 1:SI 2:CX ` each, and `Structures` the segments of each message
 * structure. As one text each they cost the compiler nothing until a path asks for them.
 */
export function writeTypes(facts: Facts): string {
  const composites = Object.entries(facts.dataTypes).filter(([, { components }]) => components.length > 0);
  const structures = Object.entries(facts.messages).map(([name, nodes]) =>
    row(name, [...new Set(segmentNames(nodes))]),
  );
  return [
    '// Compiled by ../compile/main.ts: facts of the standard, nothing to edit.',
    block(
      'Types',
      composites.map(([name, { components }]) => row(name, components.map(numbered))),
    ),
    block(
      'Segments',
      Object.entries(facts.segments).map(([name, { fields }]) => row(name, fields.map(numbered))),
    ),
    `${block('Structures', structures)}\n`,
  ].join('\n\n');
}

function block(name: string, rows: readonly string[]): string {
  return `export interface ${name} {\n${rows.join('\n')}\n}`;
}

function row(name: string, parts: readonly string[]): string {
  return `  ${name}: ' ${parts.join(' ')} ';`;
}

function numbered({ n, type }: { readonly n: number; readonly type: string }): string {
  return `${n}:${type}`;
}

/** `*`, where any segment may stand, is among them. */
function segmentNames(nodes: readonly NodeFacts[]): string[] {
  return nodes.flatMap((node) => (node.segment ? [node.segment] : segmentNames(node.children ?? node.choice ?? [])));
}
