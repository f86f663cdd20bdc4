import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Analyzer, numbered } from '../../clients/astm-link/testing/analyzer.ts';
import { astm as astmOut } from '../../connectors/astm/astm.ts';
import { astm as format } from '../../contracts/astm.ts';
import { defineChannel, when } from '../../core/builder.ts';
import { defineConnector } from '../../core/define.ts';
import { noMeta } from '../../core/format.ts';
import { harnessPerTest, manualSource } from '../../core/testing/engine-harness.ts';
import { freePort } from '../../core/testing/free-port.ts';
import type { AstmMessage } from '../../protocols/astm/message.ts';
import { astm } from './astm.ts';
import { hasty } from './testing/receiving.ts';

const engines = harnessPerTest();

/** A laboratory system that knows one order for every specimen. */
const laboratory = defineConnector({
  type: 'laboratory',
  summary: 'Answers queries.',
  accepts: format,
  batching: 'independent',
  effect: 'atLeastOnce',
  maxBatch: 1,
  config: z.strictObject({}),
  examples: [{ title: 'A test', config: {} }],
  create: () => ({
    write: async (batch) =>
      batch.map(({ payload }) => {
        const specimen = payload.all('Q')[0]?.get('3.2');
        return { status: 'sent', reply: Buffer.from(`H|\\^&\rP|1\rO|1|${specimen}||^^^PT\rL|1|F\r`) };
      }),
    [Symbol.asyncDispose]: async () => undefined,
  }),
});

const isQuery = (message: AstmMessage): boolean => message.all('Q').length > 0;

describe('in a hub', () => {
  it('results, queries and orders share one line, each channel knowing nothing of the other', async () => {
    const listen = await freePort();
    const { engine } = await engines({ endpoints: { lab: { kind: 'tcp-listen', host: '127.0.0.1', listen } } });
    const channel = defineChannel('coagulation', { replyFrom: 'laboratory', ackTimeoutMs: 3_000 })
      .from(astm({ endpoint: 'lab', queries: 'reply', link: hasty }))
      .to('laboratory', when(isQuery, laboratory({})));
    await engine.deploy(channel.definition, 'v1');
    const orders = manualSource('orders');
    const sending = defineChannel('orders')
      .from(orders.spec)
      .through((specimen) => format.decode(Buffer.from(numbered(specimen)), noMeta), format)
      .to('analyzer', astmOut({ endpoint: 'lab', link: hasty }));
    await engine.deploy(sending.definition, 'v1');

    const analyzer = await Analyzer.connect(listen);
    expect(await analyzer.send(numbered(1))).toBe('ACK');
    expect(await analyzer.send('H|\\^&|||COAG\rQ|1|^S42||ALL\rL|1|N\r')).toBe('ACK');
    expect(await analyzer.take()).toBe('H|\\^&\rP|1\rO|1|S42||^^^PT\rL|1|F\r');
    await orders.offer('77');
    expect(await analyzer.take()).toBe(numbered(77));
    analyzer.close();
  });
});
