import { ProtocolFault } from '../fault.ts';
import type { Layout } from './layout.ts';
import type { Path } from './path.ts';
import { Matches } from './select.ts';
import { type Edit, splice } from './splice.ts';

const CR = 0x0d;
const LF = 0x0a;

/** The message's bytes with the segment `text` after the last one, ended as the message ends its segments. */
export function appended(layout: Layout, text: string, substitute: string | undefined): Buffer {
  const { bytes } = layout;
  const terminator = terminatorOf(layout);
  const ended = isTerminator(bytes[bytes.length - 1]);
  const line = ended ? text + terminator : terminator + text;
  return Buffer.concat([bytes, layout.charset.encode(line, substitute)]);
}

/**
 * The message's bytes with the segment `text` before or after the first that matches.
 * @throws ProtocolFault hl7v2.no-target when none does, or to come before MSH
 */
export function insertSegment(
  layout: Layout,
  path: Path,
  text: string,
  after: boolean,
  substitute: string | undefined,
): Buffer {
  const matches = new Matches(layout, path);
  if (!matches.next()) throw new ProtocolFault('hl7v2.no-target', 'inserting a segment: no segment matches');
  const terminator = terminatorOf(layout);
  const at = after ? matches.span.end : matches.span.start;
  if (!after && matches.segment === 0)
    throw new ProtocolFault('hl7v2.no-target', 'inserting a segment: MSH is the first');
  const line = after ? terminator + text : text + terminator;
  return splice(layout.bytes, [{ start: at, end: at, bytes: layout.charset.encode(line, substitute) }]);
}

/**
 * The message's bytes without the segments that match.
 * @throws ProtocolFault hl7v2.no-target when MSH is among them
 */
export function removeSegments(layout: Layout, path: Path): Buffer {
  const matches = new Matches(layout, path);
  const edits: Edit[] = [];
  while (matches.next()) {
    if (matches.segment === 0) throw new ProtocolFault('hl7v2.no-target', 'removing a segment: MSH stays');
    const { start, end } = matches.span;
    edits.push({ start, end: end + terminatorLength(layout.bytes, end), bytes: Buffer.alloc(0) });
  }
  return splice(layout.bytes, edits);
}

/** How the message ends its first segment; CR when that is also its end. */
function terminatorOf(layout: Layout): string {
  const { bytes, ends } = layout;
  layout.reach(0);
  const end = ends[0]!;
  const length = terminatorLength(bytes, end);
  return length === 0 ? '\r' : bytes.toString('latin1', end, end + length);
}

function terminatorLength(bytes: Buffer, end: number): number {
  if (bytes[end] === CR && bytes[end + 1] === LF) return 2;
  return isTerminator(bytes[end]) ? 1 : 0;
}

function isTerminator(byte: number | undefined): boolean {
  return byte === CR || byte === LF;
}

/** The segments with these numbers, each ended with CR. */
export function picked(layout: Layout, indexes: readonly number[]): Buffer {
  const pieces: Buffer[] = [];
  for (const index of indexes) {
    if (layout.reach(index)) pieces.push(layout.bytes.subarray(layout.starts[index]!, layout.ends[index]!), TERMINATOR);
  }
  return Buffer.concat(pieces);
}

const TERMINATOR = Buffer.from('\r');
