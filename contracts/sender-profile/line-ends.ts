const CR = '\r';

/**
 * The bytes of a message with CR at the end of each segment. With `join`, a line that begins with no segment's name belongs to the
 * one before it: the break between them becomes `\.br\`, in the message's own escape character. The same bytes where nothing is
 * otherwise.
 */
export function withLineEnds(raw: Uint8Array, how: 'cr' | 'join'): Uint8Array {
  if (how === 'cr' && !raw.includes(0x0a)) return raw;
  // One character for each byte: no character set that HL7 allows has CR or LF inside of a character.
  const text = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('latin1');
  const lines = text.split(/\r\n|\r|\n/);
  const joined = how === 'join' ? joinedLines(lines) : lines;
  const written = joined.join(CR);
  return written === text ? raw : Buffer.from(written, 'latin1');
}

function joinedLines(lines: readonly string[]): readonly string[] {
  const start = lines.findIndex((line) => line.includes('MSH'));
  if (start < 0) return lines;
  const header = lines[start]!.slice(lines[start]!.indexOf('MSH'));
  const [separator, escaping] = [header[3] ?? '|', header[6] ?? '\\'];
  const isSegment = (line: string) => /^[A-Z][A-Z0-9]{2}/.test(line) && (line.length === 3 || line[3] === separator);
  const joined: string[] = [];
  for (const [index, line] of lines.entries()) {
    const last = joined.at(-1);
    if (index <= start || last === undefined || line === '' || isSegment(line)) joined.push(line);
    else joined[joined.length - 1] = `${last}${escaping}.br${escaping}${line}`;
  }
  return joined;
}
