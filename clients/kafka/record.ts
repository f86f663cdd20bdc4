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
/** By name, the value that the last record had there: most headers of a channel say the same of each message. */
const lastValues = new Map<string, { readonly text: string; readonly bytes: Buffer }>();
const longestKept = 64;

export function prepared({ topic, partition, key, value, headers }: NewRecord): PreparedRecord {
  const encoded = new Map<Buffer, Buffer>();
  let bytes = overheadBytes + value.byteLength + (key?.byteLength ?? 0);
  for (const name in headers) {
    const field = nameOf(name);
    const text = bytesOf(name, headers[name]!);
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

function bytesOf(name: string, text: string): Buffer {
  const last = lastValues.get(name);
  if (last?.text === text) return last.bytes;
  const bytes = Buffer.from(text);
  if (text.length <= longestKept && (last || lastValues.size < maxNames)) lastValues.set(name, { text, bytes });
  return bytes;
}

/** The same memory. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
