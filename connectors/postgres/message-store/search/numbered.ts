/** Trigrams of a question at most: more would find the same. */
const mostAsked = 24;
const head = 20;

/** The number that stands for a value at its path (FNV-1a, mixed): two that share one are told apart by the message itself. */
export function placeNumber(place: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < place.length; at++) hash = Math.imul(hash ^ place.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) | 0;
}

/** Which of the 65,536 trigram numbers a text has, and these; kept from call to call, so that a message costs but its own list. */
const seen = new Uint8Array(65_536);
const found = new Int16Array(65_536);

/** Numbers of every three UTF-16 units in a row of a text in lower case, once each. */
export function trigramsOf(text: string): Int16Array {
  const lower = text.toLowerCase();
  let count = 0;
  let first = lower.charCodeAt(0);
  let second = lower.charCodeAt(1);
  for (let at = 2; at < lower.length; at++) {
    const third = lower.charCodeAt(at);
    const mixed = Math.imul(first, 0x9e3779b1) ^ Math.imul(second, 0x85ebca77) ^ Math.imul(third, 0xc2b2ae3d);
    const number = (mixed ^ (mixed >>> 15)) & 0xffff;
    if (seen[number] === 0) {
      seen[number] = 1;
      found[count++] = number;
    }
    first = second;
    second = third;
  }
  for (let at = 0; at < count; at++) seen[found[at]! & 0xffff] = 0;
  return found.slice(0, count);
}

/** Those of a text that is looked for; of a long one, evenly spaced. */
export function askedTrigrams(text: string): readonly number[] {
  const all = [...trigramsOf(text)];
  if (all.length <= mostAsked) return all;
  return Array.from({ length: mostAsked }, (_, at) => all[Math.floor((at * all.length) / mostAsked)]!);
}

/** A one-dimensional array in PostgreSQL's binary form. */
export function arrayBytes(values: ArrayLike<number>, type: 'int2' | 'int4'): Uint8Array {
  const size = type === 'int2' ? 2 : 4;
  const bytes = new Uint8Array(values.length === 0 ? 12 : head + values.length * (4 + size));
  const view = new DataView(bytes.buffer);
  view.setInt32(0, values.length === 0 ? 0 : 1);
  // The OID of the elements' type.
  view.setInt32(8, size === 2 ? 21 : 23);
  if (values.length === 0) return bytes;
  view.setInt32(12, values.length);
  view.setInt32(16, 1);
  for (let i = 0, at = head; i < values.length; i++, at += 4 + size) {
    view.setInt32(at, size);
    if (size === 2) view.setInt16(at + 4, values[i]!);
    else view.setInt32(at + 4, values[i]!);
  }
  return bytes;
}
