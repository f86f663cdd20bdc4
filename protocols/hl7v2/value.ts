import { asciiText } from './bytes.ts';
import { unescapeText } from './escape.ts';
import type { Layout } from './layout.ts';

const QUOTE = 0x22;
/** Longer values are decoded first and searched for escapes as text: a native search over what is then a string. */
const SHORT = 256;

/** The value that `bytes[start, end)` stand for: undefined when empty, null for `""`, else decoded and unescaped. */
export function readValue(layout: Layout, start: number, end: number): string | null | undefined {
  const { bytes } = layout;
  const length = end - start;
  if (length <= 0) return undefined;
  if (length === 2 && bytes[start] === QUOTE && bytes[start + 1] === QUOTE) return null;
  if (length > SHORT) return unescaped(layout, layout.charset.decode(bytes, start, end));
  const mark = layout.delimiters.escape;
  let bits = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (byte === mark) return unescaped(layout, readText(layout, start, end));
    bits |= byte;
  }
  return bits < 0x80 ? asciiText(bytes, start, end) : layout.charset.decode(bytes, start, end);
}

/** The characters of `bytes[start, end)` as they stand there, escapes and delimiters included. */
export function readText(layout: Layout, start: number, end: number): string {
  const { bytes } = layout;
  if (end - start > SHORT) return layout.charset.decode(bytes, start, end);
  let bits = 0;
  for (let at = start; at < end; at++) bits |= bytes[at]!;
  return bits < 0x80 ? asciiText(bytes, start, end) : layout.charset.decode(bytes, start, end);
}

function unescaped(layout: Layout, text: string): string {
  return unescapeText(text, layout.delimiters, (hex) => layout.charset.decodeValid(hex));
}
