const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Byte ranges [start, end) of what stands between quotation marks and is at least `minBytes` long, e.g. the base64 of a PDF. */
export function largeStrings(raw: Uint8Array, minBytes: number): readonly (readonly [number, number])[] {
  const found: (readonly [number, number])[] = [];
  if (raw.length < minBytes + 2) return found;
  for (let at = raw.indexOf(QUOTE); at >= 0; ) {
    const end = endOfString(raw, at + 1);
    if (end < 0) break;
    if (end - at - 1 >= minBytes) found.push([at + 1, end]);
    at = raw.indexOf(QUOTE, end + 1);
  }
  return found;
}

function endOfString(raw: Uint8Array, from: number): number {
  for (let end = raw.indexOf(QUOTE, from); end >= 0; end = raw.indexOf(QUOTE, end + 1)) {
    let escapes = 0;
    while (raw[end - 1 - escapes] === BACKSLASH) escapes++;
    if (escapes % 2 === 0) return end;
  }
  return -1;
}
