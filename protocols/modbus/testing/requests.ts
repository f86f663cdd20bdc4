import fc from 'fast-check';
import { bytesForBits } from '../bits.ts';
import type { FileRange, FileRecords, ModbusRequest, ModbusResponse } from '../message.ts';

const word = fc.nat(0xffff);
const registers = (most: number) => fc.integer({ min: 1, max: most }).chain((count) => bytes(2 * count));
const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((raw) => Buffer.from(raw));
/** An address and a quantity that stay within 0 to 65,535. */
const range = (most: number) =>
  fc
    .integer({ min: 1, max: most })
    .chain((quantity) => fc.nat(0x10000 - quantity).map((address) => ({ address, quantity })));

/** Any request that the specification allows. */
export const anyRequest: fc.Arbitrary<ModbusRequest> = fc.oneof(
  fc
    .tuple(fc.constantFrom('read-coils' as const, 'read-discrete-inputs' as const), range(2_000))
    .map(([name, at]) => ({ function: name, ...at })),
  fc
    .tuple(fc.constantFrom('read-holding-registers' as const, 'read-input-registers' as const), range(125))
    .map(([name, at]) => ({ function: name, ...at })),
  fc.record({ function: fc.constant('write-coil' as const), address: word, value: fc.boolean() }),
  fc.record({ function: fc.constant('write-register' as const), address: word, value: word }),
  fc.record({ function: fc.constant('mask-write-register' as const), address: word, and: word, or: word }),
  range(1_968).chain((at) =>
    bytes(bytesForBits(at.quantity)).map((bits) => ({ function: 'write-coils' as const, ...at, bits })),
  ),
  registers(123).chain((written) =>
    fc
      .nat(0x10000 - written.length / 2)
      .map((address) => ({ function: 'write-registers' as const, address, registers: written })),
  ),
  fc.tuple(range(125), registers(121)).chain(([at, written]) =>
    fc.nat(0x10000 - written.length / 2).map((writeAddress) => ({
      function: 'read-write-registers' as const,
      ...at,
      writeAddress,
      registers: written,
    })),
  ),
  fc.record({ function: fc.constant('read-fifo' as const), address: word }),
  fc.constantFrom(
    { function: 'read-exception-status' as const },
    { function: 'read-event-counter' as const },
    { function: 'read-event-log' as const },
    { function: 'report-server-id' as const },
  ),
  fc.record({ function: fc.constant('diagnostics' as const), subfunction: fc.nat(20), data: bytes(2) }),
  fc
    .array(
      fc.record<FileRange>({
        file: fc.integer({ min: 1, max: 9 }),
        record: fc.nat(9_000),
        quantity: fc.integer({ min: 1, max: 10 }),
      }),
      {
        minLength: 1,
        maxLength: 8,
      },
    )
    .map((ranges) => ({ function: 'read-file-records' as const, ranges })),
  fc
    .array(
      fc.record<FileRecords>({ file: fc.integer({ min: 1, max: 9 }), record: fc.nat(9_000), registers: registers(10) }),
      {
        minLength: 1,
        maxLength: 8,
      },
    )
    .map((records) => ({ function: 'write-file-records' as const, records })),
  fc.record({
    function: fc.constant('read-device-identification' as const),
    category: fc.constantFrom(1 as const, 2 as const, 3 as const, 4 as const),
    object: fc.nat(0xff),
  }),
);

/** An answer to a request, its content made from `seed`. */
export function responseTo(request: ModbusRequest, seed: number): ModbusResponse {
  const content = (length: number) => Buffer.from(Array.from({ length }, (_, at) => (seed * 31 + at * 7) & 0xff));
  switch (request.function) {
    case 'read-coils':
    case 'read-discrete-inputs':
      return { function: request.function, bits: content(bytesForBits(request.quantity)) };
    case 'read-holding-registers':
    case 'read-input-registers':
    case 'read-write-registers':
      return { function: request.function, registers: content(2 * request.quantity) };
    case 'write-coils':
      return { function: request.function, address: request.address, quantity: request.quantity };
    case 'write-registers':
      return { function: request.function, address: request.address, quantity: request.registers.length / 2 };
    case 'read-fifo':
      return { function: request.function, registers: content(2 * (seed % 32)) };
    case 'read-exception-status':
      return { function: request.function, status: seed & 0xff };
    case 'read-event-counter':
      return { function: request.function, status: 0xffff, events: seed & 0xffff };
    case 'read-event-log':
      return { function: request.function, status: 0, events: seed & 0xffff, messages: 3, log: content(seed % 65) };
    case 'report-server-id':
      return { function: request.function, id: content(seed % 200) };
    case 'read-file-records':
      return { function: request.function, ranges: request.ranges.map(({ quantity }) => content(2 * quantity)) };
    case 'read-device-identification': {
      const objects = Array.from({ length: seed % 4 }, (_, id) => ({ id, value: content((seed >> 2) % 50) }));
      const response = { function: request.function, category: request.category, conformity: 0x83, objects };
      return seed % 2 === 0 ? response : { ...response, next: seed & 0xff };
    }
    default:
      return request;
  }
}
