const SMALLEST = 4_096;
const LARGEST = 1_048_576;

/**
 * The content of one frame while it comes in piecemeal. Pieces are copied into blocks that grow, so that neither a
 * message of one-byte chunks nor a small piece of a large chunk holds more memory than its bytes; joined, it has cost
 * twice its size.
 */
export class Assembly {
  #full: Buffer[] = [];
  #block: Buffer | undefined;
  #used = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  append(bytes: Buffer): void {
    let from = 0;
    while (from < bytes.length) {
      if (this.#block === undefined || this.#used === this.#block.length) this.#grow(bytes.length - from);
      const block = this.#block!;
      const copied = bytes.copy(block, this.#used, from);
      this.#used += copied;
      from += copied;
    }
    this.#length += bytes.length;
  }

  /** Everything so far as one buffer that nobody else has; the assembly is empty then. */
  take(): Buffer {
    const last = this.#block?.subarray(0, this.#used) ?? Buffer.alloc(0);
    const whole = this.#full.length === 0 ? last : Buffer.concat([...this.#full, last], this.#length);
    this.clear();
    return whole;
  }

  clear(): void {
    this.#full = [];
    this.#block = undefined;
    this.#used = 0;
    this.#length = 0;
  }

  #grow(needed: number): void {
    if (this.#block) this.#full.push(this.#block);
    const size = Math.min(LARGEST, Math.max(SMALLEST, needed, this.#length));
    this.#block = Buffer.allocUnsafeSlow(size);
    this.#used = 0;
  }
}
