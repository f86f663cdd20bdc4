/**
 * How hot calls cross to the writer's thread: one exact-size SharedArrayBuffer that both threads view (rule 27). It starts with
 * the length of its head; the head holds the calls as flat fields, and after it lie the byte arrays that they name, in order.
 * A posted Uint8Array would be cloned with the whole 64 KB socket chunk that it views.
 */
const none = 0xffffffff;
const prefix = 4;

/** A call as both sides see it: what is asked, and the id that its answer carries. */
export interface CallHead {
  readonly kind: number;
  readonly id: number;
}

export class SlabWriter {
  #head = Buffer.allocUnsafe(64 * 1024);
  #at = 0;
  #callAt = 0;
  #callBytes = 0;
  #blobs: Uint8Array[] = [];
  #bytes = 0;

  get empty(): boolean {
    return this.#at === 0;
  }

  beginCall(kind: number, id: number): void {
    this.#callAt = this.#at;
    this.#callBytes = this.#bytes;
    this.u32(kind);
    this.u32(id);
    // Filled in when the call ends: where its fields end, and how many bytes it names.
    this.u32(0);
    this.number(0);
  }

  endCall(): void {
    this.#head.writeUInt32LE(this.#at - this.#callAt, this.#callAt + 8);
    this.#head.writeDoubleLE(this.#bytes - this.#callBytes, this.#callAt + 12);
  }

  /** Takes back what was written since `beginCall`. */
  dropCall(): void {
    this.#at = this.#callAt;
    while (this.#bytes > this.#callBytes) this.#bytes -= this.#blobs.pop()?.length ?? 0;
  }

  u32(value: number): void {
    this.#room(4);
    this.#at = this.#head.writeUInt32LE(value, this.#at);
  }

  number(value: number): void {
    this.#room(8);
    this.#at = this.#head.writeDoubleLE(value, this.#at);
  }

  text(value: string | undefined): void {
    if (value === undefined) {
      this.u32(none);
      return;
    }
    this.#room(4 + value.length * 3);
    const length = this.#head.write(value, this.#at + 4, 'utf8');
    this.#head.writeUInt32LE(length, this.#at);
    this.#at += 4 + length;
  }

  /** 16 bytes in the head. */
  uuid(value: string): void {
    this.#room(16);
    this.#at += this.#head.write(value.replaceAll('-', ''), this.#at, 'hex');
  }

  /** Bytes that follow the head, in the order in which they are named. */
  bytes(value: Uint8Array | undefined): void {
    this.u32(value?.length ?? none);
    if (value) this.#push(value);
  }

  /** Bytes in pieces, which the reader takes as one array. */
  pieces(values: readonly Uint8Array[]): void {
    let length = 0;
    for (const value of values) length += value.length;
    this.u32(length);
    for (const value of values) this.#push(value);
  }

  take(): SharedArrayBuffer {
    const slab = new SharedArrayBuffer(prefix + this.#at + this.#bytes);
    const view = new Uint8Array(slab);
    new DataView(slab).setUint32(0, this.#at, true);
    view.set(this.#head.subarray(0, this.#at), prefix);
    let at = prefix + this.#at;
    for (const blob of this.#blobs) {
      view.set(blob, at);
      at += blob.length;
    }
    this.#at = 0;
    this.#bytes = 0;
    this.#blobs = [];
    return slab;
  }

  #push(value: Uint8Array): void {
    if (value.length === 0) return;
    this.#blobs.push(value);
    this.#bytes += value.length;
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#head.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#head.length * 2, this.#at + bytes));
    this.#head.copy(larger, 0, 0, this.#at);
    this.#head = larger;
  }
}

/** Reads a slab call by call. The byte arrays that it hands out are views of the slab. */
export class SlabReader {
  readonly #slab: Buffer;
  readonly #end: number;
  #at = prefix;
  #bytesAt: number;
  #callStart = prefix;
  #callBytesStart: number;
  #callEnd = prefix;
  #callBytesEnd: number;

  constructor(slab: SharedArrayBuffer) {
    this.#slab = Buffer.from(slab);
    this.#end = prefix + this.#slab.readUInt32LE(0);
    this.#bytesAt = this.#end;
    this.#callBytesStart = this.#end;
    this.#callBytesEnd = this.#end;
  }

  /** The next call, whether or not all of the one before was read; undefined after the last. */
  nextCall(): CallHead | undefined {
    this.#at = this.#callEnd;
    this.#bytesAt = this.#callBytesEnd;
    if (this.#at >= this.#end) return undefined;
    const start = this.#at;
    const kind = this.u32();
    const id = this.u32();
    this.#callEnd = start + this.u32();
    this.#callBytesEnd = this.#bytesAt + this.number();
    this.#callStart = this.#at;
    this.#callBytesStart = this.#bytesAt;
    return { kind, id };
  }

  /** The fields of the call that was taken last are read from the first again. */
  rewindCall(): void {
    this.#at = this.#callStart;
    this.#bytesAt = this.#callBytesStart;
  }

  u32(): number {
    const value = this.#slab.readUInt32LE(this.#at);
    this.#at += 4;
    return value;
  }

  number(): number {
    const value = this.#slab.readDoubleLE(this.#at);
    this.#at += 8;
    return value;
  }

  text(): string | null {
    const length = this.u32();
    if (length === none) return null;
    const text = this.#slab.toString('utf8', this.#at, this.#at + length);
    this.#at += length;
    return text;
  }

  uuid(): Uint8Array {
    return this.#slab.subarray(this.#at, (this.#at += 16));
  }

  bytes(): Uint8Array | null {
    const length = this.u32();
    return length === none ? null : this.#slab.subarray(this.#bytesAt, (this.#bytesAt += length));
  }
}
