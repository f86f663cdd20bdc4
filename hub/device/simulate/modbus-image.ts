import type { ContentOf } from '../../../contracts/device-profile/keys.ts';
import { type ModbusPoint, modbusPoints } from '../../../contracts/device-profile/modbus-points.ts';
import { bitAt, packBits } from '../../../protocols/modbus/bits.ts';
import { encodeValue, maskOf } from '../../../protocols/modbus/encode-value.ts';
import { ModbusFault } from '../../../protocols/modbus/fault.ts';
import { FUNCTION_CODES } from '../../../protocols/modbus/functions.ts';
import type { ModbusRequest, ModbusResponse } from '../../../protocols/modbus/message.ts';
import type { PlayedValue } from './played-values.ts';

type Content = ContentOf<'modbus-tcp'> | ContentOf<'modbus-rtu'>;
type Table = ModbusPoint['table'];

const ILLEGAL_FUNCTION = 1;
const ILLEGAL_ADDRESS = 2;

/** The tables of one unit: the points of its profile, zeros between them, and what was written to it. */
export class ModbusImage {
  readonly #points: readonly ModbusPoint[];
  readonly #registers = new Map<Table, Map<number, number>>();
  readonly #written = new Map<string, number>();

  constructor({ modbus, points }: Content) {
    this.#points = modbusPoints(modbus, points);
  }

  /** Puts values where the profile reads them; one that its registers cannot hold is left out. */
  show(values: ReadonlyMap<string, PlayedValue>): void {
    this.#registers.clear();
    for (const point of this.#points) {
      const value = values.get(point.id);
      if (value !== undefined) this.#put(point, value);
    }
    for (const [place, word] of this.#written) {
      const [table, address] = place.split(' ') as [Table, string];
      this.#table(table).set(Number(address), word);
    }
  }

  /** What the device says to a request: reads and writes of its points; anything else it does not know. */
  answer(request: ModbusRequest): ModbusResponse {
    switch (request.function) {
      case 'read-coils':
        return { function: request.function, bits: this.#bits('coils', request.address, request.quantity) };
      case 'read-discrete-inputs':
        return { function: request.function, bits: this.#bits('discrete-inputs', request.address, request.quantity) };
      case 'read-holding-registers':
        return this.#words('holding-registers', request.function, request.address, request.quantity);
      case 'read-input-registers':
        return this.#words('input-registers', request.function, request.address, request.quantity);
      case 'write-coil':
        this.#written.set(`coils ${request.address}`, Number(request.value));
        return request;
      case 'write-register':
        this.#written.set(`holding-registers ${request.address}`, request.value);
        return request;
      case 'write-coils': {
        const { address, quantity, bits } = request;
        for (let at = 0; at < quantity; at++) this.#written.set(`coils ${address + at}`, Number(bitAt(bits, at)));
        return { function: request.function, address, quantity };
      }
      case 'write-registers': {
        const { address, registers } = request;
        const quantity = registers.length / 2;
        for (let at = 0; at < quantity; at++)
          this.#written.set(`holding-registers ${address + at}`, registers.readUInt16BE(2 * at));
        return { function: request.function, address, quantity };
      }
      default:
        return { function: 'exception', of: FUNCTION_CODES[request.function], exception: ILLEGAL_FUNCTION };
    }
  }

  #words(
    table: Table,
    name: 'read-holding-registers' | 'read-input-registers',
    address: number,
    quantity: number,
  ): ModbusResponse {
    if (!this.#knows(table, address, quantity))
      return { function: 'exception', of: FUNCTION_CODES[name], exception: ILLEGAL_ADDRESS };
    const registers = Buffer.alloc(2 * quantity);
    for (let at = 0; at < quantity; at++) registers.writeUInt16BE(this.#table(table).get(address + at) ?? 0, 2 * at);
    return { function: name, registers };
  }

  #bits(table: Table, address: number, quantity: number): Buffer {
    return packBits(Array.from({ length: quantity }, (_, at) => this.#table(table).get(address + at) === 1));
  }

  /** A device answers for what it has: some point of its profile is in what was asked for. */
  #knows(table: Table, address: number, quantity: number): boolean {
    return this.#points.some(
      (point) =>
        point.table === table && point.address < address + quantity && point.address + point.quantity > address,
    );
  }

  #put({ table, address, holds }: ModbusPoint, value: PlayedValue): void {
    const words = this.#table(table);
    if (!holds) {
      words.set(address, Number(Boolean(value)));
      return;
    }
    if (holds.type === 'bit' || holds.type === 'bitfield') {
      const mask = typeof value === 'string' ? undefined : maskOf(holds.type === 'bit' ? Boolean(value) : value, holds);
      if (mask && !(mask instanceof ModbusFault))
        words.set(address, ((words.get(address) ?? 0) & mask.and) | (mask.or & ~mask.and));
      return;
    }
    const encoded = encodeValue(value, holds);
    if (encoded instanceof ModbusFault) return;
    for (let at = 0; at < encoded.length / 2; at++) words.set(address + at, encoded.readUInt16BE(2 * at));
  }

  #table(table: Table): Map<number, number> {
    let words = this.#registers.get(table);
    if (!words) this.#registers.set(table, (words = new Map()));
    return words;
  }
}
