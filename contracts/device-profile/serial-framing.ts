import { fixedFraming } from '../../protocols/serial-framing/fixed.ts';
import { lengthPrefixedFraming } from '../../protocols/serial-framing/length-prefixed.ts';
import type { Lines } from '../../protocols/serial-framing/line.ts';
import { noninFraming } from '../../protocols/serial-framing/nonin.ts';
import type { Framing } from '../../protocols/serial-framing/scanner.ts';
import { ETX, STX, stxEtxFraming } from '../../protocols/serial-framing/stx-etx.ts';
import type { SerialSection } from './serial-keys.ts';

type Declared = SerialSection['framing'];
type LineFraming = Extract<Declared, { readonly type: 'line' }>;

/** How a profile’s frames are recognised; of Nonin format #2 the single frames of a packet. Lines have a decoder of their own. */
export function framingOf(declared: Exclude<Declared, LineFraming>): Framing {
  switch (declared.type) {
    case 'nonin-2':
      return noninFraming;
    case 'stx-etx': {
      const { trailer, maxBytes, check } = declared;
      return stxEtxFraming({ start: STX, ends: [ETX], trailer, maxBytes, ...(check && { check }) });
    }
    case 'fixed': {
      const { length, sync, check } = declared;
      return fixedFraming({ length, sync, ...(check && { check }) });
    }
    case 'length-prefixed': {
      const { start, lengthAt, lengthBytes, order, adds, maxBytes, check } = declared;
      const where = { start: Uint8Array.from(start), lengthAt, lengthBytes, order, adds, maxBytes };
      return lengthPrefixedFraming({ ...where, ...(check && { check }) });
    }
    default:
      return declared satisfies never;
  }
}

/** The lines of a profile; the first one after the port was opened may be half of one. */
export function linesOf({ end, maxBytes, check }: LineFraming): Lines {
  return { end, maxBytes, dropFirst: true, ...(check && { check }) };
}
