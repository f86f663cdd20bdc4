const hex = Array.from({ length: 256 }, (_, n) => n.toString(16).padStart(2, '0'));

/**
 * Makes UUIDv7 ids (RFC 9562 §5.7): 48 bits of milliseconds, then a counter that starts at random each millisecond (§6.2,
 * method 1), then randomness. Ids are identity only; nobody orders by them.
 */
export function messageIds(now: () => number, random: () => number): () => string {
  let last = 0;
  let counter = 0;
  let prefix = '';
  return () => {
    const at = Math.max(now(), last);
    if (at !== last) {
      last = at;
      counter = Math.floor(random() * 0x800);
      const time = at.toString(16).padStart(12, '0');
      prefix = `${time.slice(0, 8)}-${time.slice(8)}-7`;
    } else if (++counter > 0xfff) {
      last += 1;
      counter = 0;
      const time = last.toString(16).padStart(12, '0');
      prefix = `${time.slice(0, 8)}-${time.slice(8)}-7`;
    }
    const a = Math.floor(random() * 0x1_0000_0000);
    const b = Math.floor(random() * 0x1_0000_0000);
    const third = hex[0x80 | (a >>> 26)]! + hex[(a >>> 16) & 0xff]!;
    const rest =
      hex[(a >>> 8) & 0xff]! +
      hex[a & 0xff]! +
      hex[b >>> 24]! +
      hex[(b >>> 16) & 0xff]! +
      hex[(b >>> 8) & 0xff]! +
      hex[b & 0xff]!;
    return `${prefix}${hex[counter >>> 8]![1]}${hex[counter & 0xff]}-${third}-${rest}`;
  };
}
