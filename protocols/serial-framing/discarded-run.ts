import { SERIAL_FAULT_CODES, SerialFault, type SerialFaultCode } from './fault.ts';

/** Of a run of bytes that became no frame so many are shown; the others are only counted. */
export const RUN_SHOWN = 1_024;

/** The bytes since the last frame that became none: told once, when the run ends or as soon as there is enough to show. */
export class DiscardedRun {
  #shown: Buffer | undefined;
  #length = 0;
  #worst = 0;
  #told = false;
  #counted = 0;

  /** Bytes so far that are in no frame and in no fault's content. */
  get counted(): number {
    return this.#counted;
  }

  get empty(): boolean {
    return this.#length === 0 && !this.#told;
  }

  /** Takes `bytes[start, end)` into the run; the fault, where there is now enough of it to tell. */
  add(code: SerialFaultCode, bytes: Buffer, start: number, end: number): SerialFault | undefined {
    if (this.#told) {
      this.#counted += end - start;
      return undefined;
    }
    this.#shown ??= Buffer.allocUnsafe(RUN_SHOWN);
    const copied = bytes.copy(this.#shown, this.#length, start, end);
    this.#length += copied;
    this.#counted += end - start - copied;
    this.#worst = Math.max(this.#worst, SERIAL_FAULT_CODES.indexOf(code));
    if (this.#length < RUN_SHOWN) return undefined;
    const fault = this.#tell();
    this.#told = true;
    return fault;
  }

  /** Ends the run: what has not been told of it yet. */
  end(): SerialFault | undefined {
    this.#told = false;
    return this.#length > 0 ? this.#tell() : undefined;
  }

  #tell(): SerialFault {
    const content = Buffer.from(this.#shown!.subarray(0, this.#length));
    const code = SERIAL_FAULT_CODES[this.#worst]!;
    this.#length = 0;
    this.#worst = 0;
    return new SerialFault(code, content);
  }
}
