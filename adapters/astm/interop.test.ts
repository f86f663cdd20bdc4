import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Analyzer, framesOf, numbered } from '../../clients/astm-link/testing/analyzer.ts';
import { ptys } from '../../clients/serial-port/testing/pty.ts';
import { astm as astmOut } from '../../connectors/astm/astm.ts';
import { astm as format } from '../../contracts/astm.ts';
import { deviceArrival } from '../../contracts/device-arrival.ts';
import { readDeviceProfile } from '../../contracts/device-profile/device-profile.ts';
import { YamlFile } from '../../core/config/yaml-file.ts';
import { noMeta } from '../../core/format.ts';
import type { Message } from '../../core/message.ts';
import { fakeDestinationContext } from '../../core/testing/contexts.ts';
import { outcomesOf } from '../../core/testing/destination-suite.ts';
import { type FakeIntake, fakeIntake, positive } from '../../core/testing/fake-intake.ts';
import { freePort } from '../../core/testing/free-port.ts';
import { outgoing } from '../../core/testing/outgoing.ts';
import type { Many } from '../../core/transform.ts';
import { astmPython } from '../../deploy/services/astm-python.ts';
import { deviceLabResults } from '../../transforms/device-to-lab-result/device-to-lab-result.ts';
import { arrived, hasty, receiving, texts } from './testing/receiving.ts';

const python = await astmPython();
const serial = await ptys();
const taking = (): FakeIntake => fakeIntake(() => positive);

/** The package is of Python 2: it misses two names, and takes a text for a list. */
const names = `
import builtins, collections, collections.abc, json, sys
collections.Iterable = collections.abc.Iterable
builtins.buffer = lambda data, start, size: data[start:start + size]
import astm.codec
astm.codec.Iterable = (list, tuple)
`;

const client = `${names}
from astm.client import Client
def emitter():
    for number in range(3):
        yield ['H', [[None], [None, '&']], None, None, ['CHEM', '1.0'], None, None, None, None, None, None, 'P', 'LIS2-A2', '20260302091500']
        yield ['P', '1', None, 'P%d' % number]
        yield ['O', '1', 'S%d' % number, None, [[None, None, None, 'NA'], [None, None, None, 'K']]]
        yield ['R', '1', [None, None, None, 'NA'], '139', 'mmol/L']
        yield ['C', '1', 'I', 'x' * 700]
        yield ['L', '1', 'N']
Client(emitter, port=int(sys.argv[1]), encoding='latin-1', timeout=10, chunk_size=int(sys.argv[2]) or None,
       bulk_mode=sys.argv[3] == 'bulk', flow_map={None: ['H'], **{k: ['*'] for k in 'HPORCL'}}).run()
`;

const server = `${names}
from astm.server import BaseRecordsDispatcher, Server
class Dispatcher(BaseRecordsDispatcher):
    def _default_handler(self, record):
        print(json.dumps(record), flush=True)
server = Server(host='127.0.0.1', port=int(sys.argv[1]), dispatcher=Dispatcher, timeout=10)
print('"listening"', flush=True)
server.serve_forever()
`;

function run(program: string, ...args: readonly string[]): ChildProcessWithoutNullStreams {
  const child = spawn('python3', ['-c', program, ...args], { env: { ...process.env, PYTHONPATH: python.path } });
  onTestFinished(async () => {
    if (child.exitCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  return child;
}

describe.skipIf(python.missing)('the Python package astm-2025', () => {
  it.each([
    ['a frame for each record', '0', 'record'],
    ['frames of 247 bytes', '240', 'record'],
    ['one long frame for a message', '0', 'bulk'],
  ])(
    'sends results in %s, and gets each acknowledged',
    async (_, chunk, mode) => {
      const intake = taking();
      const source = await receiving(intake);
      const probe = await source.connect();
      const { remotePort } = probe.stream as import('node:net').Socket;
      probe.close();
      await probe.closed;
      const child = run(client, String(remotePort), chunk, mode);
      await arrived(intake, 3);
      child.kill();
      const read = intake.arrivals.map(({ raw }) => format.decode(raw, noMeta));
      expect(read.map((message) => message.get('O-3'))).toEqual(['S0', 'S1', 'S2']);
      expect(read[2]!.get('C-4')).toBe('x'.repeat(700));
      expect(read[0]!.records.map(({ type }) => type).join('')).toBe('HPORCL');
    },
    30_000,
  );

  it('takes orders, record by record', async () => {
    const port = await freePort();
    const child = run(server, String(port));
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const next = async (): Promise<unknown> => JSON.parse((await lines.next()).value ?? 'null');
    expect(await next()).toBe('listening');
    const endpoints = { far: { kind: 'tcp-connect', host: '127.0.0.1', port } } as const;
    const destination = astmOut({ connect: 'far' }).create(fakeDestinationContext({ endpoints }));
    onTestFinished(() => destination[Symbol.asyncDispose]());
    const bytes = Buffer.from('H|\\^&|||WEIR\rP|1||4711||Müller^Anna\rO|1|S1||^^^NA\\^^^K|R\rL|1|N\r', 'latin1');
    const batch = [outgoing({ number: 0, payload: format.decode(bytes, noMeta), bytes })];
    expect(await outcomesOf(destination, batch)).toEqual([{ status: 'sent' }]);
    expect(await next()).toMatchObject(['H', expect.anything(), null, null, 'WEIR']);
    expect(await next()).toEqual(['P', '1', null, '4711', null, ['Müller', 'Anna']]);
    expect(await next()).toMatchObject([
      'O',
      '1',
      'S1',
      null,
      [
        [null, null, null, 'NA'],
        [null, null, null, 'K'],
      ],
      'R',
    ]);
    expect(await next()).toEqual(['L', '1', 'N']);
  });
});

const corpus = new URL('../../../shared/data/hl7-corpus/astm/python-astm/', import.meta.url);

it.skipIf(!existsSync(corpus))('every message of the corpus is taken as it was sent', async () => {
  const samples = readdirSync(corpus)
    .sort()
    .map((name) => readFileSync(new URL(name, corpus), 'latin1'))
    // Frames and single records are among them: what is a message begins with H.
    .filter((text) => text.startsWith('H'))
    .map((text) => `${text.replaceAll(/\r?\n|\r/g, '\r').replace(/\r*$/, '\r')}`);
  expect(samples.length).toBeGreaterThan(0);
  const intake = taking();
  const analyzer = await (await receiving(intake, { link: { messageEnd: 'frame', packing: 'message' } })).connect();
  for (const sample of samples) expect(await analyzer.send(sample, 'message')).toBe('ACK');
  await arrived(intake, intake.arrivals.length);
  expect(texts(intake).join('')).toBe(samples.join(''));
});

describe.skipIf(serial.missing)('an analyzer on a serial line', () => {
  async function cable() {
    const pair = await serial.pair();
    onTestFinished(() => pair[Symbol.asyncDispose]());
    const endpoints = { lab: { kind: 'serial', path: pair.host } } as const;
    const device = async () => {
      const { SerialPort } = await import('serialport');
      const port = new SerialPort({ path: pair.device, baudRate: 9_600 });
      await once(port, 'open');
      onTestFinished(() => void (port.isOpen && port.close()));
      return new Analyzer(port);
    };
    const open = async (source: Awaited<ReturnType<typeof receiving>>) =>
      expect.poll(() => source.context.reported.at(-1)?.state).toBe('connected');
    return { pair, endpoints, device, open };
  }

  it('sends results and takes orders in turns: source and destination have one port between them', async () => {
    const { endpoints, device, open } = await cable();
    const intake = taking();
    const source = await receiving(intake, { port: 'lab' }, { endpoints });
    await open(source);
    const analyzer = await device();
    expect(await analyzer.send(numbered(1))).toBe('ACK');
    const destination = astmOut({ port: 'lab', link: hasty }).create(fakeDestinationContext({ endpoints }));
    const bytes = Buffer.from(numbered(7));
    const writing = outcomesOf(destination, [outgoing({ number: 0, payload: format.decode(bytes, noMeta), bytes })]);
    expect(await analyzer.take()).toBe(numbered(7));
    expect(await writing).toEqual([{ status: 'sent' }]);
    await destination[Symbol.asyncDispose]();
    // The port is still the source's.
    expect(await analyzer.send(numbered(2))).toBe('ACK');
    expect(texts(intake)).toEqual([numbered(1), numbered(2)]);
  });

  it('unplugged in the middle of a message: what came is quarantined, and it comes again whole', async () => {
    const { pair, endpoints, device, open } = await cable();
    const intake = taking();
    const source = await receiving(intake, { port: 'lab' }, { endpoints });
    await open(source);
    const before = await device();
    before.write('\x05');
    expect(await before.next()).toBe(6);
    before.write(framesOf(numbered(1))[0]!);
    expect(await before.next()).toBe(6);
    await pair.unplug();
    await arrived(intake, 1);
    await pair.plug();
    await expect.poll(() => source.context.reported.at(-1)?.state).toBe('connected');
    const after = await device();
    await pause(100);
    expect(await after.send(numbered(1))).toBe('ACK');
    expect(texts(intake)).toEqual([expect.stringMatching(/^frame-malformed: H/), numbered(1)]);
  });
});

it('with a profile its messages are what device-to-lab-result reads', async () => {
  const text = readFileSync(new URL('../../channels/devices/chemistry-analyzer.profile.yaml', import.meta.url), 'utf8');
  const profile = readDeviceProfile(new YamlFile('p', text), { environment: {}, readFile: () => undefined })!;
  const intake = taking();
  const source = await receiving(intake, { profile: 'chemistry-analyzer' }, { deviceProfiles: [profile] });
  expect(await (await source.connect()).send(numbered(1).replace('^^^NA|139', '^^^NA^Sodium|139'))).toBe('ACK');
  const [{ raw, meta, key }] = intake.arrivals as [(typeof intake.arrivals)[0]];
  expect(key).toBe('chem-1');
  const step = deviceLabResults([profile]).create();
  const { outputs } = step(deviceArrival.decode(raw, meta!), {} as Message<never>) as Many<unknown>;
  expect(outputs).toMatchObject([
    { order: { placer: 'S1' }, observations: [{ code: { code: '2951-2' }, values: ['139'] }] },
  ]);
});
