const digits = Buffer.from('0123456789abcdef', 'latin1');

/**
 * Makes UUIDv7 ids (RFC 9562 §5.7): 48 bits of milliseconds, then a counter that starts at random each millisecond (§6.2,
 * method 1), then randomness. Ids are identity only; nobody orders by them.
 */
export function messageIds(now: () => number, random: () => number): () => string {
  // Written as bytes: a text that is put together of many pieces is put together anew by everybody who reads it.
  const text = Buffer.from('00000000-0000-7000-8000-000000000000', 'latin1');
  let last = 0;
  let counter = 0;
  return () => {
    const at = Math.max(now(), last);
    if (at !== last) {
      last = at;
      counter = Math.floor(random() * 0x800);
      writeTime(text, last);
    } else if (++counter > 0xfff) {
      last += 1;
      counter = 0;
      writeTime(text, last);
    }
    const a = Math.floor(random() * 0x1_0000_0000);
    const b = Math.floor(random() * 0x1_0000_0000);
    writeHex(text, 15, 3, counter);
    writeHex(text, 19, 4, 0x8000 | (a >>> 18));
    writeHex(text, 24, 4, a & 0xffff);
    writeHex(text, 28, 8, b);
    return text.toString('latin1');
  };
}

function writeTime(text: Buffer, at: number): void {
  writeHex(text, 0, 8, Math.floor(at / 0x1_0000));
  writeHex(text, 9, 4, at % 0x1_0000);
}

/** The low `count` digits of 32 bits. */
function writeHex(text: Buffer, start: number, count: number, value: number): void {
  let left = value;
  for (let at = start + count - 1; at >= start; at--) {
    text[at] = digits[left & 0xf]!;
    left >>>= 4;
  }
}
