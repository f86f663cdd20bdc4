/** What a sender over MLLP is answered by channels that validate, refuse another processing, or answer queries. */
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { mllp as mllpIn } from '../adapters/mllp/mllp.ts';
import { mllp as mllpOut } from '../connectors/mllp/mllp.ts';
import { defineChannel } from '../core/builder.ts';
import type { Endpoint } from '../core/endpoint.ts';
import { freePort } from '../core/testing/free-port.ts';
import { parse } from '../protocols/hl7v2/message.ts';
import { type ChannelHarness, channelHarness } from './testing/channel-harness.ts';
import { loadFiles, loadOne } from './testing/channels-folder.ts';

const opened: (() => void)[] = [];
afterEach(() => {
  for (const close of opened.splice(0)) close();
});

const msh = (type: string, processing = 'P') =>
  `MSH|^~\\&|EHR|HOSP|WEIR|HOSP|20260302081500||${type}|C1|${processing}|2.5.1\r`;
const admission = (sex: string, processing?: string) =>
  `${msh('ADT^A01^ADT_A01', processing)}EVN||20260302081500\rPID|1||7^^^H^MR||Berger||19600101|${sex}\rPV1|1|I\r`;
const query = `${msh('QBP^Q22^QBP_Q21')}QPD|IHE PDQ Query|T4711|@PID.5.1^Berger\rRCP|I\r`;

/** Sends one message and gives the answer. */
function ask(port: number, text: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect(port, '127.0.0.1', () => socket.write(`\x0b${text}\x1c\r`));
  let answer = '';
  socket.on('data', (data) => {
    answer += data.toString('latin1');
    if (answer.endsWith('\x1c\r')) resolve(answer.slice(1, -2));
  });
  socket.on('error', reject);
  opened.push(() => socket.destroy());
  return promise;
}

/** A far end that answers each message so; undefined: never. */
async function farEnd(answer: (message: string) => string | undefined): Promise<Endpoint> {
  const server = createServer((socket: Socket) => {
    let open = '';
    socket.on('data', (data) => {
      open += data.toString('latin1');
      if (!open.endsWith('\x1c\r')) return;
      const reply = answer(open.slice(1, -2));
      open = '';
      if (reply !== undefined) socket.write(`\x0b${reply}\x1c\r`);
    });
    socket.on('error', () => undefined);
    opened.push(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push(() => server.close());
  return { kind: 'tcp-connect', host: '127.0.0.1', port: (server.address() as { port: number }).port };
}

async function harnessOf(yaml: string, endpoints: Readonly<Record<string, Endpoint>> = {}) {
  const port = await freePort();
  const given = { in: { kind: 'tcp-listen', listen: port, host: '127.0.0.1' } as const, ...endpoints };
  const harness = await channelHarness((await loadOne({ 'c.channel.yaml': yaml })).definition, given);
  return { harness, port };
}

const counters = async ({ engine }: ChannelHarness) => (await engine.status())[0]?.counters ?? {};
const acknowledgement = (text: string) => {
  const message = parse(Buffer.from(text, 'latin1'));
  return {
    code: message.get('MSA-1'),
    errors: message.segments('ERR').map((each) => `${each.get('2')} ${each.get('3.1')}`),
  };
};

describe('validation', () => {
  const yaml = (mode: string, more = '') =>
    `channel: c\nsource: { mllp: { endpoint: in } }\nvalidation: ${mode}\n${more}destinations: { kept: { to: { file: { endpoint: archive, name: "\${seq}" } } } }\n`;

  it('reject refuses a message with errors, and tells the places that are wrong', async () => {
    const { harness, port } = await harnessOf(yaml('reject', 'ackAfter: transformed\n'));
    await using _ = harness;
    const refused = await ask(port, admission('').replace('PV1|1|I', 'PV1|1'));
    expect(acknowledgement(refused)).toEqual({ code: 'AE', errors: ['PV1^1^2^1 101'] });
    expect(refused).not.toContain('Berger');
    expect(acknowledgement(await ask(port, admission('M')))).toEqual({ code: 'AA', errors: [] });
    const [message] = (await harness.engine.store.find({ limit: 5 })).messages.filter((each) => each.error);
    expect(message?.error?.code).toBe('validation-failed');
    expect(message?.error?.message).toMatch(/^validating: 1 errors: PV1\[1\]-2: /);
    expect(await counters(harness)).toMatchObject({ validation_rejected_total: 1 });
  });

  it('report lets it through, counts it, and keeps what is wrong beside the message', async () => {
    const { harness, port } = await harnessOf(yaml('report'));
    await using _ = harness;
    expect(acknowledgement(await ask(port, admission('').replace('PV1|1|I', 'PV1|1'))).code).toBe('AA');
    const find = async () => (await harness.engine.store.find({ limit: 5 })).messages[0];
    await expect.poll(async () => (await find())?.status).toBe('sent');
    expect((await find())?.meta).toMatchObject({
      'validation.errors': '1',
      'validation.findings': expect.stringMatching(/^PV1\[1\]-2: /),
    });
    expect(await counters(harness)).toMatchObject({ validation_reported_total: 1 });
    expect(harness.engine.findings('c')).toEqual([
      expect.objectContaining({ code: 'missing-field', path: 'PV1-2', count: 1, severity: 'error' }),
    ]);
  });

  it('reject with an answer after stored is a mistake (rule 10)', async () => {
    expect((await loadFiles({ 'c.channel.yaml': yaml('reject') })).problems).toEqual([
      'c.channel.yaml:3:13 wiring-invalid validation: reject needs ackAfter transformed or settled, for after stored a message has been accepted',
    ]);
    expect(() =>
      defineChannel('c', { validation: 'reject' })
        .from(mllpIn({ endpoint: 'in' }))
        .to('kept', mllpOut({ endpoint: 'far' })),
    ).toThrow('validation: reject needs ackAfter transformed or settled');
  });
});

describe('the processing of an environment', () => {
  const yaml = 'channel: c\nsource: { mllp: { endpoint: in } }\ndestinations: { kept: { to: { discard: {} } } }\n';

  it('P refuses messages of training and debugging with AR, keeps them as errors and counts them', async () => {
    const port = await freePort();
    const { definition } = await loadOne({ 'c.channel.yaml': yaml });
    const endpoints = { in: { kind: 'tcp-listen', listen: port, host: '127.0.0.1' } } as const;
    await using harness = await channelHarness(definition, endpoints, { id: 'P', accepts: ['P'] });
    for (const processing of ['T', 'D', 'T^I']) {
      expect(acknowledgement(await ask(port, admission('M', processing)))).toEqual({
        code: 'AR',
        errors: ['undefined 202'],
      });
    }
    for (const processing of ['P', '', 'P^T'])
      expect(acknowledgement(await ask(port, admission('M', processing))).code).toBe('AA');
    expect(await counters(harness)).toMatchObject({ processing_refused_total: 3 });
    const [fault] = (await harness.engine.store.find({ limit: 10 })).messages.filter((each) => each.error);
    expect(fault?.error).toMatchObject({
      code: 'processing-refused',
      message: expect.stringMatching(/^accepting a message: it is for processing [TD], and this hub \(P\) takes P$/),
    });
  });
});

describe('mode: query', () => {
  const yaml = (more = '') =>
    `channel: c\nsource: { mllp: { endpoint: in } }\nmode: query\nreplyFrom: mpi\nackTimeoutMs: 500\n${more}destinations: { mpi: { to: { mllp: { endpoint: far } } } }\n`;
  const response = (code: string) => `${msh('RSP^K22^RSP_K21')}MSA|${code}|C1\rQAK|T4711|OK\r`;

  it('gives the far end’s answer back as it came, the negative one too', async () => {
    let code = 'AA';
    const { harness, port } = await harnessOf(yaml(), { far: await farEnd(() => response(code)) });
    await using _ = harness;
    expect(await ask(port, query)).toBe(response('AA'));
    code = 'AE';
    expect(await ask(port, query)).toBe(response('AE'));
  });

  it('answers a query that nobody answered in time with RSP, QAK and the query itself', async () => {
    const { harness, port } = await harnessOf(yaml(), { far: await farEnd(() => undefined) });
    await using _ = harness;
    const answer = parse(Buffer.from(await ask(port, query)));
    expect([answer.get('MSH-9'), answer.get('MSA-1'), answer.get('MSA-2')]).toEqual(['RSP^K22^RSP_K21', 'AE', 'C1']);
    expect(['1', '2', '3.1'].map((field) => answer.segments('QAK')[0]?.get(field))).toEqual([
      'T4711',
      'AE',
      'IHE PDQ Query',
    ]);
    expect(answer.segments('QPD')[0]?.text).toBe('QPD|IHE PDQ Query|T4711|@PID.5.1^Berger');
    expect(answer.segments().map(({ name }) => name)).toEqual(['MSH', 'MSA', 'ERR', 'QAK', 'QPD']);
    expect(parse(Buffer.from(await ask(port, admission('M')))).get('MSA-1')).toBe('AE');
  });

  it('queues nothing, and is neither tried again nor replayed', async () => {
    const gone: Endpoint = { kind: 'tcp-connect', host: '127.0.0.1', port: await freePort() };
    // It is to fail at the destination, not at the clock of a busy machine.
    const { harness, port } = await harnessOf(yaml().replace('ackTimeoutMs: 500', 'ackTimeoutMs: 20000'), {
      far: gone,
    });
    await using _ = harness;
    expect(parse(Buffer.from(await ask(port, query))).get('QAK-2')).toBe('AE');
    const [message] = (await harness.engine.store.find({ limit: 1 })).messages;
    expect(message?.parts.map(({ status }) => status)).toEqual(['error']);
    const by = { actor: 'test', reason: 'test' };
    for (const again of [harness.engine.retry(message!.id, by), harness.engine.replay(message!.id, by)])
      await expect(again).rejects.toMatchObject({
        code: 'not-allowed',
        message: expect.stringContaining('asked again'),
      });
  });

  it('needs a destination that answers', async () => {
    expect((await loadFiles({ 'c.channel.yaml': yaml().replace('replyFrom: mpi\n', '') })).problems).toEqual([
      'c.channel.yaml:3:7 wiring-invalid mode: query needs replyFrom, the destination that answers',
    ]);
  });

  it('has its answer transformed by the steps of reply, in YAML and in TypeScript', async () => {
    const text = yaml('reply: [script: ./shown.ts]\n');
    const shown = (message: { set(path: string, value: string): unknown }) => message.set('MSH-3', 'WEIR');
    const { definition } = await loadOne({ 'c.channel.yaml': text }, { exports: { 'shown.ts': { default: shown } } });
    const port = await freePort();
    const endpoints: Record<string, Endpoint> = {
      in: { kind: 'tcp-listen', listen: port, host: '127.0.0.1' },
      far: await farEnd(() => response('AA')),
    };
    await using _ = await channelHarness(definition, endpoints);
    expect(await ask(port, query)).toBe(response('AA').replace('|EHR|', '|WEIR|'));
    const built = defineChannel('c', { mode: 'query', replyFrom: 'mpi', ackTimeoutMs: 500 })
      .from(mllpIn({ endpoint: 'in' }))
      .to('mpi', mllpOut({ endpoint: 'far' }))
      .reply(shown as never);
    expect(built.definition.reply?.steps).toHaveLength(1);
    expect(definition.reply?.steps).toHaveLength(1);
  });
});
