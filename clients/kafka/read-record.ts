import type { RecordsBatch } from '@platformatic/kafka';

/** A record as a topic has it. */
export interface ReadRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Milliseconds since the epoch: when it was appended, or made, as the topic is told to keep it. */
  readonly at: number;
  /** Undefined: it has none. */
  readonly key: Buffer | undefined;
  /** Undefined: a tombstone, which says that the key has no value any more. */
  readonly value: Buffer | undefined;
  /** In their order; a name can be there more than once. */
  readonly headers: readonly (readonly [Buffer | null, Buffer | null])[];
}

const isTransactional = 1 << 4;
const isControl = 1 << 5;
const appendTime = 1 << 3;

/**
 * The records from an offset on, without those of transactions that were aborted. The driver filters, too, but of several aborted
 * transactions of one producer only the last.
 */
export function recordsIn(
  topic: string,
  partition: number,
  from: bigint,
  batches: readonly RecordsBatch[],
  aborted: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[],
): ReadRecord[] {
  const records: ReadRecord[] = [];
  const open = [...aborted].sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  const aborting = new Set<bigint>();
  for (const batch of batches) {
    const { firstOffset, attributes, producerId, maxTimestamp } = batch;
    const last = firstOffset + BigInt(batch.lastOffsetDelta);
    while (open[0] && open[0].firstOffset <= last) aborting.add(open.shift()!.producerId);
    if (attributes & isControl) {
      // The key of a control record is version and type, of which 0 is "abort".
      if (batch.records[0]?.key?.readInt16BE(2) === 0) aborting.delete(producerId);
      continue;
    }
    if (attributes & isTransactional && aborting.has(producerId)) continue;
    // Offsets and times are whole numbers far below 2^53, and those much faster than bigints.
    const [first, start, appended] = [Number(firstOffset), Number(batch.firstTimestamp), Number(maxTimestamp)];
    const wanted = Number(from);
    for (const { offsetDelta, timestampDelta, key, value, headers } of batch.records) {
      const offset = first + offsetDelta;
      if (offset < wanted) continue;
      records.push({
        topic,
        partition,
        offset,
        at: attributes & appendTime ? appended : start + Number(timestampDelta),
        key: key ?? undefined,
        value: value ?? undefined,
        headers,
      });
    }
  }
  return records;
}

/** One past the last offset of the batches, control records included; undefined where there are none. */
export function endOf(batches: readonly RecordsBatch[]): bigint | undefined {
  const last = batches.at(-1);
  return last && last.firstOffset + BigInt(last.lastOffsetDelta) + 1n;
}

/** Names come again and again: one that was read before is not decoded anew. */
const knownNames: { readonly bytes: Buffer; readonly name: string }[] = [];
const maxKnownNames = 64;

export function headerName(bytes: Buffer | null): string {
  if (bytes === null) return '';
  for (const known of knownNames)
    if (known.bytes.length === bytes.length && known.bytes.equals(bytes)) return known.name;
  const name = bytes.toString();
  if (knownNames.length < maxKnownNames) knownNames.push({ bytes: Buffer.from(bytes), name });
  return name;
}
