import { ModbusFault } from './fault.ts';
import { LIMITS, type Table } from './functions.ts';

/**
 * How a device's manual counts. `zero-based`: addresses as they travel. `one-based`: the first of each table is 1. `modicon`:
 * the first digit names the table (0 coils, 1 discrete inputs, 3 input registers, 4 holding registers), the other four
 * or five count from 1, such as 40001 or 400001.
 */
export type AddressBase = 'zero-based' | 'one-based' | 'modicon';

export interface TableAddress {
  readonly table: Table;
  /** As it travels: 0 to 65,535. */
  readonly address: number;
}

const MODICON_TABLES: Readonly<Record<string, Table>> = {
  '0': 'coils',
  '1': 'discrete-inputs',
  '3': 'input-registers',
  '4': 'holding-registers',
};

/**
 * The address that a manual means. `table` is required but for `modicon`, where it may be given and must agree. A Modicon
 * address with six digits that begins with 0 must be a text: as a number it has lost its zeros and is read with five.
 */
export function readAddress(written: number | string, base: AddressBase, table?: Table): TableAddress | ModbusFault {
  if (base === 'modicon') return readModicon(String(written).padStart(5, '0'), table);
  const number = typeof written === 'number' ? written : /^\d{1,5}$/.test(written) ? Number(written) : Number.NaN;
  if (table === undefined) return badAddress('its table is not known');
  const address = base === 'zero-based' ? number : number - 1;
  if (!Number.isInteger(address) || address < 0 || address >= LIMITS.addresses) return badAddress('it is out of range');
  return { table, address };
}

function readModicon(digits: string, table: Table | undefined): TableAddress | ModbusFault {
  if (!/^[0134]\d{4,5}$/.test(digits)) return badAddress('it is not 0, 1, 3 or 4 and four or five digits');
  const named = MODICON_TABLES[digits[0]!]!;
  const address = Number(digits.slice(1)) - 1;
  if (address < 0 || address >= LIMITS.addresses) return badAddress('it is out of range');
  if (table !== undefined && table !== named) return badAddress('its first digit names another table');
  return { table: named, address };
}

function badAddress(reason: string): ModbusFault {
  return new ModbusFault('modbus.bad-address', `reading an address: ${reason}`);
}
