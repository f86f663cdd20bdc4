import { readFileSync } from 'node:fs';

const CONTROL_ID = 'K000000N00000000';
const PATIENT = 'P000000';
const POSITIVE = 'MSA|AA|';

/**
 * A framed message of a test fixture whose patient and number are set in place, so that a sender makes no garbage. Its control id
 * says both: `K000012N00000345` is message 345 of patient 12. It asks for one acknowledgement (original mode).
 */
export class Frame {
  readonly bytes: Buffer;
  /** What a positive acknowledgement of it holds. */
  readonly positive = Buffer.from(`${POSITIVE}${CONTROL_ID}`, 'latin1');
  readonly #controlAt: number;
  readonly #patientAt: number;

  constructor(fixture: string) {
    const text = readFileSync(new URL(`../test-fixtures/hl7v2/${fixture}`, import.meta.url), 'latin1');
    const [msh = '', ...rest] = text.split('\r');
    const header = msh.split('|');
    header[9] = CONTROL_ID;
    // MSH-15 and MSH-16: a sender that asks for no mode of acknowledgement.
    for (const field of [14, 15]) if (header[field] !== undefined) header[field] = '';
    const pid = rest.findIndex((segment) => segment.startsWith('PID|'));
    const fields = rest[pid]!.split('|');
    fields[3] = `${PATIENT}^^^HOSP^MR`;
    rest[pid] = fields.join('|');
    this.bytes = Buffer.from(`\x0b${[header.join('|'), ...rest].join('\r')}\x1c\r`, 'latin1');
    this.#controlAt = this.bytes.indexOf(CONTROL_ID);
    this.#patientAt = this.bytes.indexOf(PATIENT);
  }

  /** At most 999,999 patients and 99,999,999 messages of each. */
  set(patient: number, n: number): void {
    writeDigits(this.bytes, this.#controlAt + 6, 6, patient);
    writeDigits(this.bytes, this.#controlAt + 15, 8, n);
    writeDigits(this.bytes, this.#patientAt + 6, 6, patient);
    this.bytes.copy(this.positive, POSITIVE.length, this.#controlAt, this.#controlAt + CONTROL_ID.length);
  }
}

/** Patient and number of a control id that a frame has. */
export function readControlId(id: string): { readonly key: number; readonly n: number } {
  const [, key, n] = /^K(\d{6})N(\d{8})$/.exec(id) ?? [];
  if (key === undefined || n === undefined) throw new Error(`${id} is not the control id of a message from here`);
  return { key: Number(key), n: Number(n) };
}

function writeDigits(bytes: Buffer, last: number, count: number, value: number): void {
  let left = value;
  for (let at = last; at > last - count; at--) {
    bytes[at] = 0x30 + (left % 10);
    left = Math.floor(left / 10);
  }
}
