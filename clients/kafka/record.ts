import type { MessageRecord } from '@platformatic/kafka';

/** A record as it is handed to a broker; `partition` undefined: by its key, or any where it has none. */
export interface NewRecord {
  readonly topic: string;
  readonly partition?: number;
  readonly key?: Uint8Array;
  readonly value: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}

/** A record on its way, encoded as far as it can be without knowing the topic. */
export interface PreparedRecord extends MessageRecord {
  /** About what it takes in a request. */
  readonly bytes: number;
}

/** Framing of a record: lengths, time and offset deltas. */
const overheadBytes = 24;
/** Header names are few: those of our own, and of the mapping of a channel. */
const maxNames = 256;
const names = new Map<string, Buffer>();

export function prepared({ topic, partition, key, value, headers }: NewRecord): PreparedRecord {
  const encoded = new Map<Buffer, Buffer>();
  let bytes = overheadBytes + value.byteLength + (key?.byteLength ?? 0);
  for (const name in headers) {
    const field = nameOf(name);
    const text = Buffer.from(headers[name]!);
    encoded.set(field, text);
    bytes += field.byteLength + text.byteLength + 4;
  }
  return {
    topic,
    ...(partition !== undefined && { partition }),
    ...(key && { key: bufferOf(key) }),
    value: bufferOf(value),
    headers: encoded,
    bytes,
  };
}

function nameOf(name: string): Buffer {
  let field = names.get(name);
  if (field) return field;
  field = Buffer.from(name);
  if (names.size < maxNames) names.set(name, field);
  return field;
}

/** The same memory. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
