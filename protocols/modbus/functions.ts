/** Function codes (MODBUS Application Protocol V1.1b3 §6) by the names that requests and responses have here. */
export const FUNCTION_CODES = {
  'read-coils': 1,
  'read-discrete-inputs': 2,
  'read-holding-registers': 3,
  'read-input-registers': 4,
  'write-coil': 5,
  'write-register': 6,
  'read-exception-status': 7,
  diagnostics: 8,
  'read-event-counter': 11,
  'read-event-log': 12,
  'write-coils': 15,
  'write-registers': 16,
  'report-server-id': 17,
  'read-file-records': 20,
  'write-file-records': 21,
  'mask-write-register': 22,
  'read-write-registers': 23,
  'read-fifo': 24,
  /** Encapsulated interface transport with MEI type 14; type 13 (CANopen) is not known here. */
  'read-device-identification': 43,
} as const;

export type FunctionName = keyof typeof FUNCTION_CODES;
export type ReadBitsName = 'read-coils' | 'read-discrete-inputs';
export type ReadRegistersName = 'read-holding-registers' | 'read-input-registers';

/** The four tables of a device (§4.3). */
export type Table = 'coils' | 'discrete-inputs' | 'holding-registers' | 'input-registers';

/** The most that one request may have (§6.1 to §6.18), so that request and response fit into a PDU. */
export const LIMITS = {
  pdu: 253,
  readBits: 2_000,
  readRegisters: 125,
  writeBits: 1_968,
  writeRegisters: 123,
  /** Of read-write-registers: what it writes; it reads up to `readRegisters`. */
  writeWhileReading: 121,
  fifoRegisters: 31,
  /** Addresses are 0 to 65,535; a request must not go beyond. */
  addresses: 65_536,
} as const;

/** Set in the function code of a response that is an exception (§7). */
export const EXCEPTION_BIT = 0x80;

const NAMES = new Map<number, FunctionName>(
  (Object.entries(FUNCTION_CODES) as [FunctionName, number][]).map(([name, code]) => [code, name]),
);

/** The function of this code, without the exception bit; undefined where it is not known here. */
export function functionOf(code: number): FunctionName | undefined {
  return NAMES.get(code);
}

/** The function that reads a table. */
export function readFunction(table: Table): ReadBitsName | ReadRegistersName {
  return `read-${table}`;
}

/** Whether a table has bits; else it has registers of 16. */
export function hasBits(table: Table): table is 'coils' | 'discrete-inputs' {
  return table === 'coils' || table === 'discrete-inputs';
}
