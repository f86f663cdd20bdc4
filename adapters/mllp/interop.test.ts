import { Hl7Message } from '@medplum/core';
import { Hl7Client, type Hl7MessageEvent, Hl7Server, ReturnAckCategory } from '@medplum/hl7';
import Client, { Message } from 'node-hl7-client';
import { afterEach, describe, expect, it } from 'vitest';
import { mllp as mllpOut } from '../../connectors/mllp/mllp.ts';
import { fakeDestinationContext } from '../../core/testing/contexts.ts';
import { patient } from '../../core/testing/destination-suite.ts';
import { fakeIntake, negative, positive } from '../../core/testing/fake-intake.ts';
import { outgoing } from '../../core/testing/outgoing.ts';
import { parse } from '../../protocols/hl7v2/message.ts';
import { numbered } from './testing/peer.ts';
import { runSource } from './testing/run-source.ts';

let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

// @medplum/hl7 brings a copy of @medplum/core of its own, whose private fields make its types another's.
const medplum = (message: string) => Hl7Message.parse(message) as unknown as Parameters<Hl7Client['send']>[0];
const refusingThird = () => fakeIntake((_, index) => (index === 2 ? negative : positive));

describe('@medplum/hl7, an independent MLLP implementation', () => {
  it('sends to our source and understands each answer', async () => {
    const intake = refusingThird();
    const source = open.use(await runSource(intake));
    const client = new Hl7Client({ host: '127.0.0.1', port: source.listener.port });
    open.defer(() => client.close());
    const codes: string[] = [];
    for (let number = 1; number <= 4; number++) {
      const ack = await client.sendAndWait(medplum(numbered(number)));
      codes.push(`${ack.getSegment('MSA')?.getField(1)} ${ack.getSegment('MSA')?.getField(2)}`);
    }
    expect(codes).toEqual(['AA 1', 'AA 2', 'AE 3', 'AA 4']);
    expect(intake.arrivals.map((arrival) => parse(arrival.raw).controlId)).toEqual(['1', '2', '3', '4']);
  });

  it('sends many at once to our source, and finds its answers in order', async () => {
    const source = open.use(await runSource(fakeIntake(() => positive)));
    const client = new Hl7Client({ host: '127.0.0.1', port: source.listener.port });
    open.defer(() => client.close());
    await client.connect();
    const acks = await Promise.all(
      Array.from({ length: 50 }, (_, number) => client.sendAndWait(medplum(numbered(number)))),
    );
    expect(acks.map((ack) => String(ack.getSegment('MSA')?.getField(2)))).toEqual(
      Array.from({ length: 50 }, (_, number) => String(number)),
    );
  });

  it('gets both answers of enhanced mode from our source', async () => {
    const source = open.use(
      await runSource(
        fakeIntake(() => positive),
        {},
        { ackAfter: 'settled' },
      ),
    );
    const client = new Hl7Client({ host: '127.0.0.1', port: source.listener.port });
    open.defer(() => client.close());
    const ack = await client.sendAndWait(medplum(numbered(1, { ack: 'AL|AL' })), {
      returnAck: ReturnAckCategory.APPLICATION,
    });
    expect(String(ack.getSegment('MSA')?.getField(1))).toBe('AA');
  });

  it.each([false, true])('receives from our destination, in enhanced mode %s', async (enhanced) => {
    const received: string[] = [];
    const server = new Hl7Server((connection) => {
      connection.addEventListener('message', ({ message }: Hl7MessageEvent) => {
        received.push(String(message.getSegment('MSH')?.getField(10)));
        connection.send(message.buildAck());
      });
    });
    await server.start(0, undefined, enhanced);
    open.defer(() => server.stop({ forceDrainTimeoutMs: 100 }));
    const address = server.server?.address();
    if (!address || typeof address === 'string') throw new Error('the server has no TCP address');
    const endpoints = { lab: { kind: 'tcp-connect', host: 'localhost', port: address.port } } as const;
    const destination = open.use(mllpOut({ endpoint: 'lab' }).create(fakeDestinationContext({ endpoints })));
    for (let number = 1; number <= 3; number++) {
      const bytes = Buffer.from(numbered(number, enhanced ? { ack: 'AL|AL' } : {}));
      const outcomes = await destination.write([outgoing({ number, payload: parse(bytes), bytes })], patient);
      expect(outcomes).toMatchObject([{ status: 'sent' }]);
    }
    expect(received).toEqual(['1', '2', '3']);
  });
});

describe('node-hl7-client, an independent MLLP implementation', () => {
  it('sends to our source and understands each answer', async () => {
    const intake = refusingThird();
    const source = open.use(await runSource(intake));
    const client = new Client({ host: '127.0.0.1', version: '2.5.1' });
    const codes: string[] = [];
    let answered = Promise.withResolvers<void>();
    const connection = client.createConnection({ port: source.listener.port, version: '2.5.1' }, async (response) => {
      const answer = response.getMessage();
      codes.push(`${answer.get('MSA.1')} ${answer.get('MSA.2')}`);
      answered.resolve();
    });
    open.defer(() => connection.close());
    for (let number = 1; number <= 4; number++) {
      answered = Promise.withResolvers<void>();
      await connection.sendMessage(new Message({ text: numbered(number) }));
      await answered.promise;
    }
    expect(codes).toEqual(['AA 1', 'AA 2', 'AE 3', 'AA 4']);
    expect(intake.arrivals.map((arrival) => parse(arrival.raw).controlId)).toEqual(['1', '2', '3', '4']);
  });
});
