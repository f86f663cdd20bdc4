import type {
  CodeTable,
  DataType,
  FieldDefinition,
  GroupNode,
  Place,
  SegmentDefinition,
  SegmentNode,
} from './definition.ts';

/** Reads a segment: `title~name|type|R*|table|length~…`, as `compile/compile.ts` writes it. */
export function decodeSegment(name: string, body: string): SegmentDefinition {
  const [head = '', ...places] = body.split('~');
  const [title = '', flag] = head.split('|');
  return { name, title, withdrawn: flag === 'W', fields: places.map(decodeField) };
}

/** Reads a data type: `title~name|type|W|table~…`. */
export function decodeDataType(name: string, body: string): DataType {
  const [title = '', ...places] = body.split('~');
  return { name, title, components: places.map((text, index) => decodePlace(text.split('|'), index + 1)) };
}

/** Reads a table: `title~h~code=name~code~…`, `ho` where there are more codes. */
export function decodeTable(id: string, body: string): CodeTable {
  const [title = '', kind = '', ...rows] = body.split('~');
  const codes = new Map<string, string>();
  for (const row of rows) {
    const equals = row.indexOf('=');
    if (equals < 0) codes.set(row, '');
    else codes.set(row.slice(0, equals), row.slice(equals + 1));
  }
  const complete = codes.size > 0 && !kind.endsWith('o');
  return { id, title, kind: kind.startsWith('h') ? 'hl7' : 'user', complete, codes };
}

/** Reads a message structure: `MSH SFT* PATIENT?(PID NTE*) CHOICE(OBR|RXO)`. */
export function decodeTree(name: string, body: string): GroupNode {
  const [children] = decodeNodes(body, 0);
  return { kind: 'group', name, required: true, repeats: false, choice: false, children };
}

const NODE = /([A-Za-z0-9_]+)([?*+]?)(\(?)/y;

/** The nodes from `start` to the bracket that closes them, and where that stands. */
function decodeNodes(body: string, start: number): [nodes: (SegmentNode | GroupNode)[], end: number, choice: boolean] {
  const nodes: (SegmentNode | GroupNode)[] = [];
  let choice = false;
  let at = start;
  while (at < body.length && body[at] !== ')') {
    if (body[at] === '|') choice = true;
    NODE.lastIndex = at;
    const node = NODE.exec(body);
    if (!node) {
      at++;
      continue;
    }
    at = NODE.lastIndex;
    const [, name = '', times = '', opened] = node;
    const required = times === '' || times === '+';
    const repeats = times === '*' || times === '+';
    if (opened) {
      const [children, end, isChoice] = decodeNodes(body, at);
      nodes.push({ kind: 'group', name, required, repeats, choice: isChoice, children });
      at = end + 1;
    } else nodes.push({ kind: 'segment', name, required, repeats });
  }
  return [nodes, at, choice];
}

function decodeField(text: string, index: number): FieldDefinition {
  const parts = text.split('|');
  const [, , card = '', , length] = parts;
  const times = card.replace(/[RW]/g, '');
  return {
    ...decodePlace(parts, index + 1),
    required: card.startsWith('R'),
    max: times === '*' ? Number.POSITIVE_INFINITY : times === '' ? 1 : Number(times),
    ...(length ? { length: Number(length) } : {}),
  };
}

function decodePlace([name = '', type = '', card = '', table]: readonly string[], n: number): Place {
  return { n, name, type, withdrawn: card.endsWith('W'), ...(table ? { table } : {}) };
}
