/** A replacement of `[start, end)` by `bytes`. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly bytes: Buffer;
}

/** A copy of `bytes` with the edits made, which are in order and do not overlap; `bytes` itself when there are none. */
export function splice(bytes: Buffer, edits: readonly Edit[]): Buffer {
  if (edits.length === 0) return bytes;
  const pieces: Buffer[] = [];
  let done = 0;
  for (const edit of edits) {
    pieces.push(bytes.subarray(done, edit.start), edit.bytes);
    done = edit.end;
  }
  pieces.push(bytes.subarray(done));
  return Buffer.concat(pieces);
}
