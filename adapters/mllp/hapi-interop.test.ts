import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { mllp as mllpOut } from '../../connectors/mllp/mllp.ts';
import { fakeDestinationContext } from '../../core/testing/contexts.ts';
import { patient } from '../../core/testing/destination-suite.ts';
import { fakeIntake, positive } from '../../core/testing/fake-intake.ts';
import { freePort } from '../../core/testing/free-port.ts';
import { outgoing } from '../../core/testing/outgoing.ts';
import { javaPeer } from '../../deploy/services/java-peer.ts';
import { parse } from '../../protocols/hl7v2/message.ts';
import { numbered } from './testing/peer.ts';
import { runSource } from './testing/run-source.ts';

const peer = await javaPeer(join(import.meta.dirname, '../../test-fixtures/interop/HapiPeer.java'), 'hapi');
let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

const hapi = (...args: readonly string[]) => peer.start(open, ...args);

describe.skipIf(peer.missing)('HAPI, an independent MLLP implementation', () => {
  it('sends to our source and understands each answer', async () => {
    const intake = fakeIntake((_, index) =>
      index === 2
        ? {
            outcome: {
              status: 'error',
              error: { code: 'unmatched', kind: 'permanent', scope: 'message', message: '' },
            },
          }
        : positive,
    );
    const source = open.use(await runSource(intake));
    const { lines } = hapi('client', String(source.listener.port), '5');
    const answers: string[] = [];
    for await (const line of lines) answers.push(line);
    expect(answers).toEqual(['AA 1', 'AA 2', 'AR 3', 'AA 4', 'AA 5']);
    expect(intake.arrivals).toHaveLength(5);
    expect(intake.arrivals.map((arrival) => parse(arrival.raw).get('PID-5.1'))).toEqual(Array(5).fill('Muñoz'));
  });

  it('receives from our destination, and its answers decide', async () => {
    const port = await freePort();
    const { child, lines } = hapi('server', String(port));
    expect((await lines.next()).value).toBe('listening');
    const endpoints = { lab: { kind: 'tcp-connect', host: '127.0.0.1', port } } as const;
    const destination = open.use(mllpOut({ endpoint: 'lab' }).create(fakeDestinationContext({ endpoints })));
    const statuses: (string | undefined)[] = [];
    for (const id of ['1', 'BAD-2', '3']) {
      const bytes = Buffer.from(numbered(id));
      const [outcome] =
        (await destination.write([outgoing({ number: 1, payload: parse(bytes), bytes })], patient)) ?? [];
      statuses.push(outcome?.status);
      expect((await lines.next()).value).toBe(`${id} Doe`);
    }
    expect(statuses).toEqual(['sent', 'error', 'sent']);
    child.stdin.end();
    await once(child, 'exit');
  });
});
