import { VERSIONS, type Version } from '../versions.ts';
import type { Facts, NodeFacts, PlaceFacts, SegmentFacts, TableFacts } from './facts.ts';

export const KINDS = ['segments', 'data-types', 'tables', 'structures', 'events'] as const;
export type Kind = (typeof KINDS)[number];

/** A longer one is not the name of a code but a sentence about it. */
const LONGEST_NAME = 50;

/**
 * The lines of one kind of definition: `<versions> <name> <body>`, sorted. A definition that several versions share is one
 * line; `versions` has a bit for each of them, in hexadecimal. `../decode.ts` reads the bodies.
 */
export function compileLines(facts: Readonly<Record<Version, Facts>>, kind: Kind): string[] {
  const masks = new Map<string, number>();
  VERSIONS.forEach((version, bit) => {
    for (const line of linesOf(facts[version], kind)) masks.set(line, (masks.get(line) ?? 0) | (1 << bit));
  });
  const lines = [...masks].map(([line, mask]) => ({ line, mask, name: line.slice(0, line.indexOf(' ')) }));
  lines.sort((a, b) => compare(a.name, b.name) || a.mask - b.mask);
  return lines.map(({ line, mask }) => `${mask.toString(16)} ${line}`);
}

/** The lines as the file that is kept: a JSON array, one line each. */
export function writeLines(lines: readonly string[]): string {
  return `[\n${lines.map((line) => `  ${JSON.stringify(line)}`).join(',\n')}\n]\n`;
}

function linesOf(facts: Facts, kind: Kind): string[] {
  switch (kind) {
    case 'segments':
      return Object.entries(facts.segments).map(([name, segment]) => `${name} ${segmentBody(segment)}`);
    case 'data-types':
      return Object.entries(facts.dataTypes).map(
        ([name, type]) => `${name} ${[type.name ?? '', ...type.components.map((part) => place(part, ''))].join('~')}`,
      );
    case 'tables':
      return Object.entries(facts.tables).map(([id, table]) => `${id} ${tableBody(table)}`);
    case 'structures':
      return Object.entries(facts.messages).map(([name, nodes]) => `${name} ${nodes.map(node).join(' ')}`);
    case 'events':
      return Object.entries(facts.events).map(([event, structure]) => `${event} ${structure}`);
    default:
      return kind satisfies never;
  }
}

/** `title~name|type|R*|table|length~…`: R required, `*` or a number how often, W withdrawn. */
function segmentBody({ name = '', withdrawn, fields }: SegmentFacts): string {
  const written = fields.map(({ min, max, len, ...part }) => {
    const times = max === null ? '*' : max === 1 ? '' : String(max);
    return place(part, `${min > 0 ? 'R' : ''}${times}`, len === undefined ? '' : String(len));
  });
  return [`${name}${withdrawn ? '|W' : ''}`, ...written].join('~');
}

function place({ name, type, table = '', withdrawn }: PlaceFacts, card: string, length = ''): string {
  return [name.trim(), type, `${card}${withdrawn ? 'W' : ''}`, table, length].join('|').replace(/\|+$/, '');
}

/** A row that is no code: it says that the list goes on, that there is none, or how others are made (`HL7nnnn`, `99zzz`). */
const AND_SO_ON = /^(\.\.+|…)$|nnn|zzz/;

/** `name~h~code=name~code~…`: h the codes are HL7's, u they are suggestions; o after it, there are more than are listed. */
function tableBody({ name, type, codes }: TableFacts): string {
  const written = Object.entries(codes).sort(([a], [b]) => compare(a, b));
  const listed = written.filter(([code]) => !AND_SO_ON.test(code.trim()));
  const open = listed.length < written.length ? 'o' : '';
  const named = listed.map(([code, text]) => (text && isName(text) && text !== code ? `${code}=${text}` : code));
  return [name, `${type === 'hl7' ? 'h' : 'u'}${open}`, ...named].join('~');
}

function isName(text: string): boolean {
  return text.length <= LONGEST_NAME && !/[.;:?!]\s/.test(text) && !text.includes('~');
}

/** `PID` once, `PID?`, `PID*`, `PID+` at least once; groups `NAME*(…)`, choices `NAME(…|…)`; wildcards `any`, `local`. */
function node({ segment, group, children, choice, min, max }: NodeFacts): string {
  const times = min > 0 ? (max === null ? '+' : '') : max === null ? '*' : '?';
  if (segment !== undefined) return `${segment === '*' ? 'any' : segment === 'Z*' ? 'local' : segment}${times}`;
  const inside = choice ? choice.map(node).join('|') : (children ?? []).map(node).join(' ');
  return `${group}${times}(${choice?.length === 1 ? `${inside}|` : inside})`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
