import { isAscii } from 'node:buffer';
import { asBuffer } from '../../protocols/hl7v2/bytes.ts';
import { charsetNamed } from '../../protocols/hl7v2/charset.ts';
import type { Hl7Message } from '../../protocols/hl7v2/message.ts';
import { needsSomething } from '../../protocols/hl7v2/schema/automaton.ts';
import { ANY, type GroupNode, LOCAL, type SegmentNode } from '../../protocols/hl7v2/schema/definition.ts';
import { group } from '../../protocols/hl7v2/schema/group.ts';
import { Group, type Misplaced } from '../../protocols/hl7v2/schema/grouped.ts';
import { schemaOf } from '../../protocols/hl7v2/schema/schema.ts';
import type { Structure } from '../../protocols/hl7v2/schema/structure.ts';
import { structureOf } from '../../protocols/hl7v2/schema/structure-of.ts';
import type { Segment } from '../../protocols/hl7v2/segment.ts';
import { GroupView, SegmentView } from './segment-view.ts';
import { TextReader, Writing } from './text-reader.ts';

export interface ReadMessage {
  /** In the order of the message; lines that are no segments have an empty name. */
  readonly segments: readonly SegmentView[];
  readonly structure: Structure | undefined;
  /** No version has a structure for its event: that is the one of a message like it. */
  readonly alike: boolean;
  readonly misplaced: readonly Misplaced[];
  /** Segments that the structure requires and the message lacks; none where the structure is that of another message. */
  readonly absent: readonly Absent[];
}

export interface Absent {
  readonly name: string;
  /** The group that it belongs in. */
  readonly group: string;
}

/** Where the version has no structure for a message, that of a message like it, and of the newest version. */
const LIKE: Readonly<Record<string, string>> = {
  ADT: 'ADT_A01',
  ORU: 'ORU_R01',
  ORM: 'ORM_O01',
  OML: 'OML_O21',
  OUL: 'OUL_R22',
  SIU: 'SIU_S12',
  MDM: 'MDM_T02',
  VXU: 'VXU_V04',
  DFT: 'DFT_P03',
  BAR: 'BAR_P01',
  ACK: 'ACK',
};

function isSegmentName(name: string): boolean {
  if (name.length !== 3) return false;
  const first = name.charCodeAt(0);
  return first >= 0x41 && first <= 0x5a && isLetterOrDigit(name.charCodeAt(1)) && isLetterOrDigit(name.charCodeAt(2));
}

function isLetterOrDigit(code: number): boolean {
  return (code >= 0x41 && code <= 0x5a) || (code >= 0x30 && code <= 0x39);
}

/** Reads a message into leaves, its segments in the groups of its structure. */
export function readMessage(message: Hl7Message): ReadMessage {
  const charset = charsetNamed(message.charset);
  const writing = new Writing(message.delimiters, (bytes) => (charset ? charset.decodeValid(bytes) : undefined));
  // Of ASCII, as most messages are, places in the bytes are places in the text.
  const bytes = asBuffer(message.raw);
  const whole = isAscii(bytes) ? new TextReader(bytes.toString('latin1'), writing, bytes) : undefined;
  const own = structureOf(message) ?? structureOf(message, schemaOf('2.8'));
  const structure = own ?? schemaOf('2.8').structure(LIKE[message.type.slice(0, 3)] ?? '');
  const counts = new Map<string, number>();
  const segments: SegmentView[] = [];
  const read = message.segments();
  for (const segment of read) {
    const said = segment.name;
    const name = isSegmentName(said) ? said : '';
    const occurrence = (counts.get(name) ?? 0) + 1;
    counts.set(name, occurrence);
    segments.push(new SegmentView(name, segment.index, occurrence, fieldsOf(segment, whole, writing)));
  }
  if (!structure) {
    const root = new GroupView('', undefined);
    root.segments = segments;
    for (const segment of segments) segment.group = root;
    return { segments, structure: undefined, alike: false, misplaced: [], absent: [] };
  }
  const grouped = group(message, structure, read);
  const absent: Absent[] = [];
  place(grouped.root, undefined, segments, own && absent);
  return { segments, structure, alike: !own, misplaced: grouped.misplaced, absent };
}

function fieldsOf(segment: Segment, whole: TextReader | undefined, writing: Writing): SegmentView['fields'] {
  if (whole) return whole.fields(segment.start, segment.end);
  const { text } = segment;
  return new TextReader(text, writing).fields(0, text.length);
}

function place(
  from: Group,
  parent: GroupView | undefined,
  segments: readonly SegmentView[],
  absent: Absent[] | undefined,
): GroupView {
  const view = new GroupView(from.name, parent);
  const { children } = from;
  let groups: GroupView[] | undefined;
  let own: SegmentView[] | undefined;
  for (const child of children) {
    if (child instanceof Group) {
      const inner = place(child, view, segments, absent);
      if (groups) groups.push(inner);
      else groups = [inner];
    } else {
      const segment = segments[child.index]!;
      segment.group = view;
      if (own) own.push(segment);
      else own = [segment];
    }
  }
  if (groups) view.groups = groups;
  if (own) view.segments = own;
  if (absent)
    for (const { node, name } of requiredOf(from.node))
      if (!isIn(children, node, name)) absent.push({ name, group: from.name });
  return view;
}

function isIn(children: Group['children'], node: SegmentNode | GroupNode, name: string): boolean {
  for (const child of children) if (child instanceof Group ? child.node === node : child.name === name) return true;
  return false;
}

interface Required {
  readonly node: SegmentNode | GroupNode;
  /** The segment, or the first one that the group cannot be without. */
  readonly name: string;
}

/** The parts that a group cannot be without. */
function requiredOf(group: GroupNode): readonly Required[] {
  let parts = required.get(group);
  if (!parts) {
    const nodes = group.choice ? [] : group.children.filter((node) => needsSomething(node) && !isWild(node));
    required.set(group, (parts = nodes.map((node) => ({ node, name: firstOf(node) }))));
  }
  return parts;
}

const required = new WeakMap<GroupNode, readonly Required[]>();

function isWild(node: SegmentNode | GroupNode): boolean {
  return node.kind === 'segment' && (node.name === ANY || node.name === LOCAL);
}

function firstOf(node: SegmentNode | GroupNode): string {
  if (node.kind === 'segment') return node.name;
  const first = node.choice ? node.children[0] : node.children.find(needsSomething);
  return first ? firstOf(first) : '';
}
