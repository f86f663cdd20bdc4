/** Values at least this long become a piece of their own instead of being copied into the buffer with the small ones. */
const ownPiece = 64 * 1024;
/** CopyData: its letter and length, which `take` fills in. */
const frameHead = 5;
/** Of COPY's binary format: signature, flags, length of an extension (PostgreSQL 15, "COPY", "Binary Format"). */
const signature = Buffer.from('5047434f50590aff0d0a000000000000000000', 'hex');
const trailer = Buffer.from('ffff', 'hex');
const copyDone = Buffer.from('6300000004', 'hex');
const hyphen = 0x2d;
const twoTo32 = 0x1_0000_0000;

/** Rows of one table in COPY's binary format, written one value after another and reused for the next COPY. */
export class CopyRows {
  /** Of the COPY statement: the table and its columns in the order in which the values of a row are written. */
  readonly into: string;
  readonly #columns: number;
  #buffer = Buffer.allocUnsafe(64 * 1024);
  #at = 0;
  #from = 0;
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #rows = 0;

  constructor(table: string, columns: readonly string[]) {
    this.into = `COPY ${table} (${columns.join(', ')}) FROM STDIN (FORMAT binary)`;
    this.#columns = columns.length;
    this.clear();
  }

  get rows(): number {
    return this.#rows;
  }

  row(): void {
    this.#room(2);
    this.#at = this.#buffer.writeInt16BE(this.#columns, this.#at);
    this.#rows++;
  }

  int2(value: number | null): void {
    if (value === null) {
      this.null();
      return;
    }
    this.#room(6);
    this.#at = this.#buffer.writeInt32BE(2, this.#at);
    this.#at = this.#buffer.writeInt16BE(value, this.#at);
  }

  int4(value: number | null): void {
    if (value === null) {
      this.null();
      return;
    }
    this.#room(8);
    this.#at = this.#buffer.writeInt32BE(4, this.#at);
    this.#at = this.#buffer.writeInt32BE(value, this.#at);
  }

  /** A safe integer. */
  int8(value: number | null): void {
    if (value === null) {
      this.null();
      return;
    }
    const high = Math.floor(value / twoTo32);
    this.#room(12);
    this.#at = this.#buffer.writeInt32BE(8, this.#at);
    this.#at = this.#buffer.writeInt32BE(high, this.#at);
    this.#at = this.#buffer.writeUInt32BE(value - high * twoTo32, this.#at);
  }

  text(value: string | null): void {
    if (value === null) {
      this.null();
      return;
    }
    this.#room(4 + value.length * 3);
    const length = this.#buffer.write(storable(value), this.#at + 4, 'utf8');
    this.#buffer.writeInt32BE(length, this.#at);
    this.#at += 4 + length;
  }

  uuid(value: string | null): void {
    if (value === null) {
      this.null();
      return;
    }
    this.#room(20);
    this.#at = this.#buffer.writeInt32BE(16, this.#at);
    for (let at = 0; at < value.length; at++) {
      if (value.charCodeAt(at) === hyphen) continue;
      this.#buffer[this.#at++] = (nibble(value.charCodeAt(at)) << 4) | nibble(value.charCodeAt(++at));
    }
  }

  bytea(value: Uint8Array | null): void {
    if (value === null) {
      this.null();
      return;
    }
    this.pieces([value]);
  }

  /** Bytes in pieces, which make one value. */
  pieces(values: readonly Uint8Array[]): void {
    let length = 0;
    for (const value of values) length += value.length;
    this.#room(4);
    this.#at = this.#buffer.writeInt32BE(length, this.#at);
    for (const value of values) {
      if (value.length >= ownPiece) this.#own(value);
      else {
        this.#room(value.length);
        this.#buffer.set(value, this.#at);
        this.#at += value.length;
      }
    }
  }

  null(): void {
    this.#room(4);
    this.#at = this.#buffer.writeInt32BE(-1, this.#at);
  }

  /** What goes over the wire after CopyInResponse: one CopyData and CopyDone. Valid until `clear`. */
  take(): readonly Uint8Array[] {
    this.#raw(trailer);
    const bytes = this.#bytes + this.#at - this.#from - frameHead;
    this.#raw(copyDone);
    this.#cut();
    const head = this.#pieces[0]! as Buffer;
    head[0] = 0x64;
    head.writeUInt32BE(bytes + 4, 1);
    return this.#pieces;
  }

  /** Forgets the rows, for the next. A buffer that one large commit has made grow is given back. */
  clear(): void {
    if (this.#buffer.length > 16 * ownPiece) this.#buffer = Buffer.allocUnsafe(ownPiece);
    this.#pieces = [];
    this.#bytes = 0;
    this.#rows = 0;
    this.#from = 0;
    this.#at = frameHead;
    this.#raw(signature);
  }

  /** A copy of its own: what is handed over may be a view of shared memory, which a socket does not take. */
  #own(value: Uint8Array): void {
    this.#cut();
    const own = Buffer.allocUnsafeSlow(value.length);
    own.set(value);
    this.#pieces.push(own);
    this.#bytes += own.length;
  }

  #cut(): void {
    if (this.#at === this.#from) return;
    this.#pieces.push(this.#buffer.subarray(this.#from, this.#at));
    this.#bytes += this.#at - this.#from;
    this.#from = this.#at;
  }

  #raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    // Pieces that were cut keep the old buffer; what is open moves to the new one.
    const open = this.#at - this.#from;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, open + bytes));
    this.#buffer.copy(larger, 0, this.#from, this.#at);
    this.#buffer = larger;
    this.#from = 0;
    this.#at = open;
  }
}

/** The value of a hexadecimal digit. */
function nibble(code: number): number {
  return (code & 0xf) + (code >> 6) * 9;
}

/** PostgreSQL's text cannot hold U+0000: it is stored as its picture U+2400. */
export function storable(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\u2400') : text;
}
