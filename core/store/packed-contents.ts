/** What one part was sent, and was answered; `place` is its place in the settlement. */
export interface PlacedContent {
  readonly place: number;
  readonly bytes?: Uint8Array;
  readonly reply?: Uint8Array;
}

const none = 0xffffffff;
const entrySize = 12;

/** The pieces that, one after another, are the contents of a settlement as its row holds them: an index, then the bytes. */
export function packContents(contents: readonly PlacedContent[]): readonly Uint8Array[] {
  const index = new DataView(new ArrayBuffer(4 + contents.length * entrySize));
  const pieces: Uint8Array[] = [new Uint8Array(index.buffer)];
  index.setUint32(0, contents.length, true);
  contents.forEach(({ place, bytes, reply }, i) => {
    const at = 4 + i * entrySize;
    index.setUint32(at, place, true);
    index.setUint32(at + 4, bytes?.length ?? none, true);
    index.setUint32(at + 8, reply?.length ?? none, true);
    if (bytes) pieces.push(bytes);
    if (reply) pieces.push(reply);
  });
  return pieces;
}

/** Views of `packed`. */
export function unpackContents(packed: Uint8Array): readonly PlacedContent[] {
  const index = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const count = index.getUint32(0, true);
  let from = 4 + count * entrySize;
  const take = (length: number) => (length === none ? undefined : packed.subarray(from, (from += length)));
  return Array.from({ length: count }, (_, i) => {
    const at = 4 + i * entrySize;
    const bytes = take(index.getUint32(at + 4, true));
    const reply = take(index.getUint32(at + 8, true));
    return { place: index.getUint32(at, true), ...(bytes ? { bytes } : {}), ...(reply ? { reply } : {}) };
  });
}
