/**
 * What an exception is about, and so what helps. `configuration`: the profile asks for what the device does not have;
 * repeating does not help. `retry`: the device is busy. `device`: the device is out of order. `unit`: a gateway does not
 * reach this unit; the others on its line are well.
 */
export type ExceptionKind = 'configuration' | 'retry' | 'device' | 'unit';

export interface ExceptionMeaning {
  readonly name: string;
  readonly kind: ExceptionKind;
}

/** Exception codes and their names (MODBUS Application Protocol V1.1b3 §7); 7 is of older editions. */
const EXCEPTIONS: Readonly<Record<number, ExceptionMeaning>> = {
  1: { name: 'ILLEGAL FUNCTION', kind: 'configuration' },
  2: { name: 'ILLEGAL DATA ADDRESS', kind: 'configuration' },
  3: { name: 'ILLEGAL DATA VALUE', kind: 'configuration' },
  4: { name: 'SERVER DEVICE FAILURE', kind: 'device' },
  5: { name: 'ACKNOWLEDGE', kind: 'retry' },
  6: { name: 'SERVER DEVICE BUSY', kind: 'retry' },
  7: { name: 'NEGATIVE ACKNOWLEDGE', kind: 'configuration' },
  8: { name: 'MEMORY PARITY ERROR', kind: 'device' },
  10: { name: 'GATEWAY PATH UNAVAILABLE', kind: 'unit' },
  11: { name: 'GATEWAY TARGET DEVICE FAILED TO RESPOND', kind: 'unit' },
};

/** The meaning of any exception code; a code that is in no edition is the device's own fault. */
export function exceptionMeaning(code: number): ExceptionMeaning {
  return EXCEPTIONS[code] ?? { name: `EXCEPTION ${code}`, kind: 'device' };
}
