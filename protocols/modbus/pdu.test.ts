import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerFault } from './answer.ts';
import { ModbusFault } from './fault.ts';
import type { ModbusRequest, ModbusResponse } from './message.ts';
import { decodeRequest, encodeRequest } from './request.ts';
import { decodeResponse, encodeResponse } from './response.ts';
import { anyRequest, responseTo } from './testing/requests.ts';
import { hex, specificationExamples } from './testing/specification-examples.ts';

describe('a Modbus PDU', () => {
  it.each(
    specificationExamples,
  )('is what the specification shows in %s, both ways', (_, request, message, response, answer) => {
    expect(encodeRequest(message)).toEqual(hex(request));
    expect(decodeRequest(hex(request))).toEqual(message);
    expect(encodeResponse(answer)).toEqual(hex(response));
    expect(decodeResponse(hex(response))).toEqual(answer);
    expect(answerFault(message, answer)).toBeUndefined();
  });

  it('tells which object of a device identification comes next', () => {
    const response = hex('2B 0E 01 01 FF 02 01 00 01 41');
    expect(decodeResponse(response)).toMatchObject({ next: 2 });
    expect(encodeResponse(decodeResponse(response) as ModbusResponse)).toEqual(response);
  });

  it('is an exception for any function code with the high bit', () => {
    expect(decodeResponse(hex('E4 01'))).toEqual({ function: 'exception', of: 0x64, exception: 1 });
    expect(decodeResponse(hex('E4 01 00'))).toMatchObject({ code: 'modbus.bad-length' });
  });

  const registers = (count: number) => Buffer.alloc(2 * count);
  const limits: readonly [what: string, request: ModbusRequest, fault: string | undefined][] = [
    ['2,000 coils', { function: 'read-coils', address: 0, quantity: 2_000 }, undefined],
    ['2,001 coils', { function: 'read-coils', address: 0, quantity: 2_001 }, 'modbus.bad-quantity'],
    ['2,001 inputs', { function: 'read-discrete-inputs', address: 0, quantity: 2_001 }, 'modbus.bad-quantity'],
    ['no coils', { function: 'read-coils', address: 0, quantity: 0 }, 'modbus.bad-quantity'],
    ['125 registers', { function: 'read-holding-registers', address: 0, quantity: 125 }, undefined],
    ['126 registers', { function: 'read-holding-registers', address: 0, quantity: 126 }, 'modbus.bad-quantity'],
    ['126 input registers', { function: 'read-input-registers', address: 0, quantity: 126 }, 'modbus.bad-quantity'],
    ['half a register', { function: 'read-input-registers', address: 0, quantity: 1.5 }, 'modbus.bad-quantity'],
    ['the last register', { function: 'read-input-registers', address: 65_535, quantity: 1 }, undefined],
    ['one beyond it', { function: 'read-input-registers', address: 65_535, quantity: 2 }, 'modbus.bad-address'],
    ['a register before 0', { function: 'read-input-registers', address: -1, quantity: 1 }, 'modbus.bad-address'],
    [
      '1,968 coils to write',
      { function: 'write-coils', address: 0, quantity: 1_968, bits: Buffer.alloc(246) },
      undefined,
    ],
    [
      '1,969 coils to write',
      { function: 'write-coils', address: 0, quantity: 1_969, bits: Buffer.alloc(247) },
      'modbus.bad-quantity',
    ],
    ['bits too few', { function: 'write-coils', address: 0, quantity: 9, bits: Buffer.alloc(1) }, 'modbus.bad-length'],
    ['123 registers to write', { function: 'write-registers', address: 0, registers: registers(123) }, undefined],
    [
      '124 registers to write',
      { function: 'write-registers', address: 0, registers: registers(124) },
      'modbus.bad-quantity',
    ],
    [
      'half a register to write',
      { function: 'write-registers', address: 0, registers: Buffer.alloc(3) },
      'modbus.bad-length',
    ],
    [
      '121 registers to write while reading 125',
      { function: 'read-write-registers', address: 0, quantity: 125, writeAddress: 0, registers: registers(121) },
      undefined,
    ],
    [
      '122 registers to write while reading',
      { function: 'read-write-registers', address: 0, quantity: 125, writeAddress: 0, registers: registers(122) },
      'modbus.bad-quantity',
    ],
    ['65,536 in a register', { function: 'write-register', address: 0, value: 65_536 }, 'modbus.bad-value'],
    ['a negative mask', { function: 'mask-write-register', address: 0, and: -1, or: 0 }, 'modbus.bad-value'],
    ['no file record', { function: 'read-file-records', ranges: [] }, 'modbus.bad-quantity'],
    ['file 0', { function: 'read-file-records', ranges: [{ file: 0, record: 0, quantity: 1 }] }, 'modbus.bad-value'],
    [
      'record 10,000',
      { function: 'read-file-records', ranges: [{ file: 1, record: 9_999, quantity: 2 }] },
      'modbus.bad-address',
    ],
    [
      'more file records than a response has room for',
      { function: 'read-file-records', ranges: [{ file: 1, record: 0, quantity: 122 }] },
      'modbus.bad-quantity',
    ],
  ];
  it.each(limits)('keeps the limits: %s', (_, request, fault) => {
    const encoded = encodeRequest(request);
    if (fault === undefined) expect(encoded).toBeInstanceOf(Buffer);
    else expect(encoded).toMatchObject({ code: fault });
  });

  it.each([
    ['an empty PDU', '', 'modbus.unknown-function'],
    ['a function that is not known', '63 00', 'modbus.unknown-function'],
    ['another MEI type', '2B 0D 00 00', 'modbus.unknown-function'],
    ['a coil that is neither on nor off', '05 0000 0001', 'modbus.bad-value'],
    ['126 registers', '03 0000 007E', 'modbus.bad-quantity'],
    ['a byte count that is not the quantity', '10 0000 0002 02 0000', 'modbus.bad-length'],
    ['a category that is not known', '2B 0E 05 00', 'modbus.bad-value'],
  ])('is no request: %s', (_, pdu, code) => {
    expect(decodeRequest(hex(pdu))).toMatchObject({ code });
  });

  it.each([
    ['half a register', '03 03 000000'],
    ['no register', '03 00'],
    ['a byte count beyond the end', '03 04 0000'],
    ['32 registers of a FIFO', `18 0042 0020 ${'0000'.repeat(32)}`],
    ['an object beyond the end', '2B 0E 01 01 00 00 01 00 05 41'],
    ['bytes after the last object', '2B 0E 01 01 00 00 00 00'],
    ['a file group of length 0', '14 01 00'],
  ])('is no response: %s', (_, pdu) => {
    expect(decodeResponse(hex(pdu))).toMatchObject({ code: 'modbus.bad-length' });
  });

  it('is not encoded where a number is beyond its field or it is too long', () => {
    expect(encodeResponse({ function: 'read-coils', bits: Buffer.alloc(252) })).toMatchObject({
      code: 'modbus.bad-length',
    });
    expect(encodeResponse({ function: 'read-fifo', registers: registers(32) })).toMatchObject({
      code: 'modbus.bad-length',
    });
    expect(encodeResponse({ function: 'write-coils', address: 65_536, quantity: 1 })).toMatchObject({
      code: 'modbus.bad-value',
    });
    expect(encodeResponse({ function: 'exception', of: 3, exception: 256 })).toMatchObject({
      code: 'modbus.bad-value',
    });
    expect(encodeResponse({ function: 'write-register', address: 0, value: -1 })).toBeInstanceOf(ModbusFault);
  });

  it('property: every request and its answer come back, fit into a PDU, and answer each other', () => {
    fc.assert(
      fc.property(anyRequest, fc.nat(), (request, seed) => {
        const pdu = encodeRequest(request) as Buffer;
        expect(pdu.length).toBeLessThanOrEqual(253);
        expect(decodeRequest(pdu)).toEqual(request);
        const response = responseTo(request, seed);
        const answer = encodeResponse(response) as Buffer;
        expect(answer.length).toBeLessThanOrEqual(253);
        expect(decodeResponse(answer)).toEqual(response);
        expect(answerFault(request, response)).toBeUndefined();
      }),
      { numRuns: 1_000 },
    );
  });

  it('property: no truncated PDU is read as the whole one, and nothing throws on any bytes', () => {
    fc.assert(
      fc.property(anyRequest, fc.nat(), fc.uint8Array({ maxLength: 260 }), (request, seed, noise) => {
        const pdu = encodeRequest(request) as Buffer;
        const answer = encodeResponse(responseTo(request, seed)) as Buffer;
        for (let length = 0; length < pdu.length; length++) {
          expect(decodeRequest(pdu.subarray(0, length))).not.toEqual(request);
        }
        for (let length = 0; length < answer.length; length++) {
          const cut = decodeResponse(answer.subarray(0, length));
          if (!(cut instanceof ModbusFault)) expect(encodeResponse(cut)).toEqual(answer.subarray(0, length));
        }
        for (const code of [noise, Uint8Array.of(pdu[0]!, ...noise)]) {
          const bytes = Buffer.from(code);
          const asked = decodeRequest(bytes);
          if (!(asked instanceof ModbusFault)) expect(encodeRequest(asked)).toEqual(bytes);
          decodeResponse(bytes);
        }
      }),
    );
  });
});

describe('an answer', () => {
  const read: ModbusRequest = { function: 'read-holding-registers', address: 100, quantity: 2 };
  const cases: readonly [what: string, request: ModbusRequest, response: ModbusResponse, code: string][] = [
    ['too few registers', read, { function: 'read-holding-registers', registers: hex('0001') }, 'modbus.wrong-echo'],
    ['another table', read, { function: 'read-input-registers', registers: hex('00010002') }, 'modbus.wrong-function'],
    ['another function’s exception', read, { function: 'exception', of: 4, exception: 2 }, 'modbus.wrong-function'],
    [
      'another address',
      { function: 'write-register', address: 1, value: 5 },
      { function: 'write-register', address: 2, value: 5 },
      'modbus.wrong-echo',
    ],
    [
      'another value',
      { function: 'write-coil', address: 1, value: true },
      { function: 'write-coil', address: 1, value: false },
      'modbus.wrong-echo',
    ],
    [
      'another quantity',
      { function: 'write-registers', address: 1, registers: hex('00010002') },
      { function: 'write-registers', address: 1, quantity: 1 },
      'modbus.wrong-echo',
    ],
    [
      'other test data',
      { function: 'diagnostics', subfunction: 0, data: hex('A537') },
      { function: 'diagnostics', subfunction: 0, data: hex('A538') },
      'modbus.wrong-echo',
    ],
  ];
  it.each(cases)('is none with %s', (_, request, response, code) => {
    expect(answerFault(request, response)).toMatchObject({ code });
  });

  it('brings a counter where the subfunction is not 0', () => {
    const request: ModbusRequest = { function: 'diagnostics', subfunction: 11, data: hex('0000') };
    expect(answerFault(request, { function: 'diagnostics', subfunction: 11, data: hex('0042') })).toBeUndefined();
  });
});
