import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ModbusFault } from './fault.ts';
import type { ModbusRequest } from './message.ts';
import { decodeRequest } from './request.ts';
import { encodeResponse } from './response.ts';
import { encodeTcp, TcpDecoder } from './tcp.ts';
import { type TcpAnswer, TcpExchanges } from './tcp-exchanges.ts';
import { anyRequest, responseTo } from './testing/requests.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const byteByByte = (bytes: Buffer) => [...bytes].map((byte) => Buffer.of(byte));
const decoded = (chunks: readonly Buffer[]) => {
  const decoder = new TcpDecoder();
  return chunks.flatMap((chunk) => decoder.decode(Buffer.from(chunk)));
};

describe('a decoder of Modbus over TCP', () => {
  const frame = hex('0001 0000 0006 11 03 006B 0003');

  it('reads what is encoded', () => {
    const pdu = hex('03 006B 0003');
    expect(encodeTcp(1, 0x11, pdu)).toEqual(frame);
    expect(decoded([frame])).toEqual([{ transaction: 1, unit: 0x11, pdu }]);
  });

  it.each([
    ['a protocol that is not 0', '0001 0001 0006 11 03 006B 0003', 'modbus.bad-protocol'],
    ['a length of 60,000', '0001 0000 EA60 11 03 006B 0003', 'modbus.bad-header-length'],
    ['a length of 255', '0001 0000 00FF 11 03', 'modbus.bad-header-length'],
    ['a length of 1', '0001 0000 0001 11', 'modbus.bad-header-length'],
  ])('ends with a fault at %s, and takes nothing afterwards', (_, bytes, code) => {
    for (const chunks of [[hex(bytes)], byteByByte(hex(bytes))]) {
      const decoder = new TcpDecoder();
      const found = [Buffer.from(frame), ...chunks].flatMap((chunk) => decoder.decode(chunk));
      expect(found).toHaveLength(2);
      expect(found[1]).toMatchObject({ code });
      expect(decoder.broken).toBe(true);
      expect(decoder.decode(frame)).toEqual([]);
      expect(decoder.buffered).toBe(0);
    }
  });

  it('tells a bad protocol before the header is complete', () => {
    expect(decoded([hex('0001 01')])).toMatchObject([{ code: 'modbus.bad-protocol' }]);
  });

  it('takes lengths of 2 and of 254', () => {
    expect(decoded([encodeTcp(0, 0, Buffer.alloc(1)), encodeTcp(0, 0, Buffer.alloc(253))])).toMatchObject([
      { pdu: Buffer.alloc(1) },
      { pdu: Buffer.alloc(253) },
    ]);
  });

  it('property: any stream gives the same, however it is cut, and less than a frame is held', () => {
    const part = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.uint8Array({ minLength: 1, maxLength: 253 }).map((pdu) => encodeTcp(7, 1, Buffer.from(pdu))),
      },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)) },
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), fc.array(fc.nat(2_000), { maxLength: 12 }), (parts, cuts) => {
        const whole = Buffer.concat(parts);
        const places = [0, ...cuts.map((cut) => Math.min(cut, whole.length)).toSorted((a, b) => a - b), whole.length];
        const decoder = new TcpDecoder();
        const found = places.slice(1).flatMap((end, index) => {
          const frames = decoder.decode(Buffer.from(whole.subarray(places[index], end)));
          expect(decoder.buffered).toBeLessThan(260);
          return frames;
        });
        expect(found).toEqual(decoded([whole]));
      }),
    );
  });
});

describe('the exchanges of a TCP connection', () => {
  const read: ModbusRequest = { function: 'read-holding-registers', address: 0, quantity: 1 };
  const started = (maxOpen = 4) => {
    const exchanges = new TcpExchanges(maxOpen);
    const sent = exchanges.request(1, read);
    if (sent instanceof ModbusFault) throw new Error(sent.reason);
    return { exchanges, transaction: sent.transaction };
  };
  const good = hex('03 02 002A');

  it('give an answer the request that it answers, in whatever order they come', () => {
    const exchanges = new TcpExchanges(2);
    const other: ModbusRequest = { function: 'read-coils', address: 5, quantity: 1 };
    const [first, second] = [exchanges.request(1, read), exchanges.request(2, other)];
    if (first instanceof ModbusFault || second instanceof ModbusFault) throw new Error('refused');
    expect(exchanges.request(1, read)).toMatchObject({ code: 'modbus.busy' });
    const answers = exchanges.receive(
      Buffer.concat([encodeTcp(second.transaction, 2, hex('01 01 01')), encodeTcp(first.transaction, 1, good)]),
    );
    expect(answers).toMatchObject([
      { kind: 'answer', unit: 2, request: other, response: { function: 'read-coils' } },
      { kind: 'answer', unit: 1, request: read, response: { registers: hex('002A') } },
    ]);
    expect(exchanges.open).toBe(0);
  });

  it('give an exception as an answer', () => {
    const { exchanges, transaction } = started();
    expect(exchanges.receive(encodeTcp(transaction, 1, hex('83 0B')))).toMatchObject([
      { kind: 'answer', response: { function: 'exception', of: 3, exception: 11 } },
    ]);
  });

  it.each([
    ['another transaction', (t: number) => encodeTcp(t + 1, 1, good), 'modbus.wrong-transaction'],
    ['another unit', (t: number) => encodeTcp(t, 2, good), 'modbus.wrong-unit'],
    ['another function', (t: number) => encodeTcp(t, 1, hex('04 02 002A')), 'modbus.wrong-function'],
    ['another quantity', (t: number) => encodeTcp(t, 1, hex('03 04 002A002B')), 'modbus.wrong-echo'],
    ['half a register', (t: number) => encodeTcp(t, 1, hex('03 01 00')), 'modbus.bad-length'],
    [
      'a header that cannot be',
      (t: number) => hex(`${t.toString(16).padStart(4, '0')} 0000 EA60 01`),
      'modbus.bad-header-length',
    ],
  ])('end at a response of %s', (_, response, code) => {
    const { exchanges, transaction } = started();
    expect(exchanges.receive(response(transaction))).toMatchObject([{ code }]);
    expect(exchanges.broken).toBe(true);
    expect(exchanges.receive(encodeTcp(transaction, 1, good))).toEqual([]);
    expect(exchanges.request(1, read)).toMatchObject({ code: 'modbus.busy' });
  });

  it('never give a late answer as the next one’s', () => {
    const { exchanges, transaction } = started(2);
    exchanges.expire(transaction);
    const next = exchanges.request(1, read);
    if (next instanceof ModbusFault) throw new Error(next.reason);
    expect(exchanges.request(1, read)).toMatchObject({ code: 'modbus.busy' });
    expect(exchanges.receive(encodeTcp(transaction, 1, hex('03 02 0001')))).toEqual([{ kind: 'late', transaction }]);
    const [answer] = exchanges.receive(encodeTcp(next.transaction, 1, good)) as TcpAnswer[];
    expect(answer!.response).toMatchObject({ registers: hex('002A') });
  });

  it('count transactions on beyond 65,535 and pass over those that are open', () => {
    const exchanges = new TcpExchanges(2);
    const first = exchanges.request(1, read);
    if (first instanceof ModbusFault) throw new Error(first.reason);
    const seen = new Set<number>();
    for (let n = 0; n < 70_000; n++) {
      const sent = exchanges.request(1, read);
      if (sent instanceof ModbusFault) throw new Error(sent.reason);
      expect(sent.transaction === first.transaction).toBe(false);
      seen.add(sent.transaction);
      exchanges.receive(encodeTcp(sent.transaction, 1, good));
    }
    expect(seen.size).toBe(65_535);
  });

  it('refuse a unit and a request that cannot be', () => {
    const exchanges = new TcpExchanges(1);
    expect(exchanges.request(256, read)).toMatchObject({ code: 'modbus.bad-unit' });
    expect(exchanges.request(1, { ...read, quantity: 126 })).toMatchObject({ code: 'modbus.bad-quantity' });
    expect(exchanges.open).toBe(0);
  });

  it('property: whatever is asked and answered at once comes back matched', () => {
    fc.assert(
      fc.property(
        fc.array(anyRequest, { maxLength: 8 }),
        fc.nat(),
        fc.integer({ min: 1, max: 40 }),
        (requests, seed, size) => {
          const exchanges = new TcpExchanges(8);
          const stream = Buffer.concat(
            requests.map((request, index) => {
              const sent = exchanges.request(index, request);
              if (sent instanceof ModbusFault) throw new Error(sent.reason);
              const [asked] = new TcpDecoder().decode(sent.adu);
              if (asked === undefined || asked instanceof ModbusFault) throw new Error('not a frame');
              expect(decodeRequest(asked.pdu)).toEqual(request);
              return encodeTcp(asked.transaction, asked.unit, encodeResponse(responseTo(request, seed)) as Buffer);
            }),
          );
          const answers: unknown[] = [];
          for (let at = 0; at < stream.length; at += size)
            answers.push(...exchanges.receive(stream.subarray(at, at + size)));
          expect(answers).toMatchObject(
            requests.map((request, unit) => ({ kind: 'answer', unit, request, response: responseTo(request, seed) })),
          );
        },
      ),
    );
  });
});
