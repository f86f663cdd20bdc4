/** A range of a message's raw bytes that is kept beside its row. */
export interface Attachment {
  readonly start: number;
  readonly bytes: Uint8Array;
}

/**
 * What is left of `raw` without the ranges that are at least `minBytes` long, and those ranges. Ranges that overlap an earlier
 * one, or leave `raw`, stay where they are. The parts are views of `raw`.
 */
export function detach(
  raw: Uint8Array,
  ranges: readonly (readonly [number, number])[],
  minBytes: number,
): { readonly rest: readonly Uint8Array[]; readonly attachments: readonly Attachment[] } {
  const rest: Uint8Array[] = [];
  const attachments: Attachment[] = [];
  let end = 0;
  for (const [start, stop] of ranges.toSorted((a, b) => a[0] - b[0])) {
    if (start < end || stop > raw.length || stop - start < Math.max(1, minBytes)) continue;
    rest.push(raw.subarray(end, start));
    attachments.push({ start, bytes: raw.subarray(start, stop) });
    end = stop;
  }
  rest.push(raw.subarray(end));
  return { rest, attachments };
}

/** The bytes that `detach` took apart; `attachments` in the order of their start. */
export function attach(rest: Uint8Array, attachments: readonly Attachment[]): Uint8Array {
  let size = rest.length;
  for (const attachment of attachments) size += attachment.bytes.length;
  const raw = new Uint8Array(size);
  let at = 0;
  let from = 0;
  for (const { start, bytes } of attachments) {
    raw.set(rest.subarray(from, from + start - at), at);
    from += start - at;
    raw.set(bytes, start);
    at = start + bytes.length;
  }
  raw.set(rest.subarray(from), at);
  return raw;
}
