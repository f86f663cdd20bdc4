import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Receipt } from '../../core/outcome.ts';
import { fakeIntake, negative, positive } from '../../core/testing/fake-intake.ts';
import { readAck } from '../../protocols/hl7v2/read-ack.ts';
import { http } from './http.ts';
import { type Config, runSource } from './testing/run-source.ts';

let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

const unmatched: Receipt = {
  outcome: {
    status: 'error',
    error: { code: 'unmatched', kind: 'permanent', scope: 'message', message: 'routing: nobody wants it' },
  },
};
const message = (ack = '', time = '20260101120000') =>
  `MSH|^~\\&|EHR|NORTH|WEIR|LAB|${time}||ADT^A01^ADT_A01|7|P|2.5.1|||${ack}\rPID|1||P1^^^NORTH^MR||Doe^Jane\r`;

async function send(
  body: string,
  receipt: Receipt = positive,
  config: Config = {},
  contentType = 'application/hl7-v2',
) {
  const intake = fakeIntake(() => receipt);
  const source = open.use(await runSource(intake, { format: 'hl7v2', ...config }));
  const response = await fetch(source.url, { method: 'POST', body, headers: { 'Content-Type': contentType } });
  return { intake, response, bytes: Buffer.from(await response.arrayBuffer()) };
}

describe('HL7 over HTTP', () => {
  it.each([
    ['AA', positive, '', 200],
    ['CA', positive, 'AL|NE', 200],
    ['AA', positive, 'NE|AL', 200],
    ['AE', negative, '', 500],
    ['AR', unmatched, '', 400],
  ] as const)('§2.6: answers %s with its status', async (code, receipt, ack, status) => {
    const { response, bytes } = await send(message(ack), receipt);
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('application/hl7-v2');
    expect(readAck(bytes)).toMatchObject({ code, controlId: '7' });
    expect(bytes.toString()).not.toContain('Doe');
  });

  it('§2.4: reads and answers in the character set of the content type', async () => {
    const { intake, response } = await send(message(), positive, {}, 'application/hl7-v2; charset=UTF-8');
    expect(response.headers.get('content-type')).toBe('application/hl7-v2; charset=UTF-8');
    expect(intake.arrivals[0]!.meta).toMatchObject({
      ...{ 'hl7.charset': 'UTF-8', 'hl7.controlId': '7', 'hl7.type': 'ADT^A01' },
    });
  });

  it('rule 13: answers a query that nobody answered with RSP, QAK and the query itself', async () => {
    const query = `${message().split('PID')[0]!.replace('ADT^A01', 'QBP^Q22^QBP_Q21')}QPD|IHE PDQ Query|T1|@PID.5.1^Doe\r`;
    const { response, bytes } = await send(query, negative);
    expect(response.status).toBe(500);
    expect(bytes.toString()).toMatch(
      /\|RSP\^K22\^RSP_K21\|.*\rMSA\|AE\|7\|.*\rQAK\|T1\|AE\|IHE PDQ Query\rQPD\|IHE PDQ Query\|T1\|/s,
    );
  });

  it('rule 13: passes on what a destination answered', async () => {
    const reply = Buffer.from('MSH|^~\\&|LAB\rMSA|AA|7\r');
    const { response, bytes } = await send(message(), { ...positive, reply });
    expect([response.status, response.headers.get('content-type'), bytes]).toEqual([200, 'application/hl7-v2', reply]);
  });

  it('answers another content type, and a channel of another format, with JSON', async () => {
    expect((await send(message(), positive, {}, 'text/plain')).bytes.toString()).toContain('"status":"sent"');
    expect((await send(message(), positive, { format: 'bytes' })).bytes.toString()).toContain('"status":"sent"');
  });

  it('refuses what has no MSH', async () => {
    const { intake, response } = await send('PID|1\r');
    expect(response.status).toBe(400);
    expect(intake.arrivals).toEqual([]);
  });

  it('rule 14: knows a message that comes again by MSH-3, MSH-4 and MSH-10, whatever its time', async () => {
    const [first, second] = [await send(message()), await send(message('', '20260101130000'))];
    const { dedupeKey, contentHash } = first.intake.arrivals[0]!;
    expect(dedupeKey).toBe('EHR|NORTH|7');
    expect(second.intake.arrivals[0]).toMatchObject({ dedupeKey, contentHash });
    const other = await send(message().replace('Jane', 'Joan'));
    expect(other.intake.arrivals[0]!.contentHash).not.toBe(contentHash);
  });

  it('gives each format to the channel', () => {
    const formats = (['bytes', 'json', 'hl7v2'] as const).map((format) => http({ endpoint: 'in', format }).format.id);
    expect(formats).toEqual(['bytes', 'json', 'hl7v2']);
  });

  it('takes every synthetic message of the fixtures', async () => {
    const raw = readFileSync(join(import.meta.dirname, '../../test-fixtures/hl7v2/adt-a01.hl7'), 'latin1');
    expect((await send(raw)).response.status).toBe(200);
  });
});
