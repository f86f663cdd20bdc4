import type { ContentOf } from '../../../contracts/device-profile/keys.ts';
import { unscaled } from '../../../protocols/modbus/scale.ts';
import { checkWidth, writeCheck } from '../../../protocols/serial-framing/check.ts';
import { SerialFault } from '../../../protocols/serial-framing/fault.ts';
import { ETX, encodeStxEtx, STX } from '../../../protocols/serial-framing/stx-etx.ts';
import type { PlayedValue } from './played-values.ts';
import { unplayable } from './serial-frames.ts';
import { firstCapture, textFor } from './text-for.ts';

type Content = ContentOf<'text'>;
type Point = Content['points'][number];

const ENDS = { 'cr-or-lf': '\r\n', crlf: '\r\n', cr: '\r', lf: '\n' } as const;

/**
 * Frames of text in which the expressions of a profile find the values: all of them in one where that can be, else in several. What a
 * device writes besides is not known, and not written. Throws HubError `config-invalid` where an expression says what cannot be made up.
 */
export function textFrames({ serial, points }: Content, values: ReadonlyMap<string, PlayedValue>): readonly Buffer[] {
  const shown = points.filter(({ id }) => values.has(id));
  const pieces: Piece[] = [];
  for (const point of shown)
    if (!pieces.some((piece) => joins(piece, point, values))) pieces.push(ownPiece(point, values));
  const separate = pieces.map(({ text }) => text);
  const together = separate.join(' ');
  const texts = shown.every((point) => finds(point, together, values)) ? [together] : separate;
  for (const point of shown)
    for (const text of texts)
      if (new RegExp(point.match).test(text) && !finds(point, text, values))
        throw unplayable(`what ${point.id} finds in the text for another point`);
  return texts.map((text) => framed(text, serial.framing));
}

/** A text, and the points that find their values in it. */
interface Piece {
  text: string;
  readonly points: Point[];
}

/** Puts the value of a point where its expression finds one in a text for others: `#17;4;` is read by two. False where it cannot be. */
function joins(piece: Piece, point: Point, values: ReadonlyMap<string, PlayedValue>): boolean {
  const place = new RegExp(point.match, 'd').exec(piece.text)?.indices?.[1];
  if (!place) return false;
  const points = [...piece.points, point];
  for (const spelling of spellings(point, values.get(point.id)!)) {
    const text = piece.text.slice(0, place[0]) + spelling + piece.text.slice(place[1]);
    if (!points.every((each) => finds(each, text, values))) continue;
    piece.text = text;
    piece.points.push(point);
    return true;
  }
  return false;
}

function ownPiece(point: Point, values: ReadonlyMap<string, PlayedValue>): Piece {
  const group = firstCapture(point.match);
  for (const spelling of group === undefined ? [] : spellings(point, values.get(point.id)!)) {
    const text = textFor(point.match, group!, spelling);
    if (text !== undefined && finds(point, text, values)) return { text, points: [point] };
  }
  throw unplayable(`a text for ${point.id}, whose expression says more than what is made up,`);
}

/** As devices write numbers: plain, with so many decimals, with zeros or blanks before them, with a sign. */
function spellings(point: Point, value: PlayedValue): readonly string[] {
  if (typeof value !== 'number') return [String(value)];
  const raw = point.type === 'number' ? unscaled(value, point.scale ?? 1, point.offset ?? 0) : value;
  const plain = [String(Number(raw.toFixed(6))), ...[0, 1, 2, 3].map((digits) => raw.toFixed(digits))];
  const wide = plain.flatMap((text) =>
    [3, 4, 5, 6, 8].flatMap((width) => [text.padStart(width, '0'), text.padStart(width)]),
  );
  return [...plain, ...wide, ...[...plain, ...wide].map((text) => `+${text}`)];
}

/** Whether a point finds its value there, as nearly as it can be written. */
function finds(point: Point, text: string, values: ReadonlyMap<string, PlayedValue>): boolean {
  const found = new RegExp(point.match).exec(text)?.[1]?.trim();
  const value = values.get(point.id);
  if (found === undefined || point.invalid?.includes(found)) return false;
  if (typeof value !== 'number' || point.type !== 'number') return found === String(value);
  const raw = unscaled(value, point.scale ?? 1, point.offset ?? 0);
  return /^[+-]?\d+(?:\.\d+)?$/.test(found) && Math.abs(Number(found) - raw) <= 0.5;
}

function framed(text: string, framing: Content['serial']['framing']): Buffer {
  switch (framing.type) {
    case 'line': {
      const { check } = framing;
      const room = check ? '*'.repeat(check.uncovered) + ' '.repeat(checkWidth(check) + check.after) : '';
      const line = Buffer.from(text + room, 'latin1');
      if (check) writeCheck(line, check);
      return Buffer.concat([line, Buffer.from(ENDS[framing.end])]);
    }
    case 'stx-etx': {
      const { trailer, maxBytes, check } = framing;
      const frames = { start: STX, ends: [ETX], trailer, maxBytes, ...(check && { check }) };
      const frame = encodeStxEtx(Buffer.from(text, 'latin1'), frames);
      if (frame instanceof SerialFault) throw unplayable('a text that no frame can hold');
      return frame;
    }
    default:
      throw unplayable(`frames of the kind ${framing.type}`);
  }
}
