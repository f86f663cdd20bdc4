/** Rule 7 of the architecture: what was in the messages is in no log line, metric or error. */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { connectPeer, framed } from '../adapters/mllp/testing/peer.ts';
import type { ChannelStatus } from '../core/runtime/engine.ts';
import { freePort } from '../core/testing/free-port.ts';
import { parse } from '../protocols/hl7v2/message.ts';
import { feedReport, playFeed } from './demo/feed.ts';
import { feeds, interfaces } from './demo/interfaces.ts';
import { Laboratory } from './demo/laboratory.ts';
import { morning } from './demo/morning.ts';
import { playPortal } from './demo/portal.ts';
import type { Sample } from './demo/samples.ts';
import { hubProcess, weir, workplace } from './testing/hub-process.ts';

const shipped = join(import.meta.dirname, '../channels');

/** Who it is about, and which visit, order or specimen. */
const identifying = [
  'PID-3.1',
  'PID-5.1',
  'PID-5.2',
  'PID-7',
  'PV1-19.1',
  'MRG-1.1',
  'ORC-2.1',
  'OBR-2.1',
  'OBR-3.1',
  'SCH-1.1',
];

it('rule 7: a morning with refusals, hang-ups, mistakes and dead letters leaves no name or identifier in the log', async () => {
  await using laboratory = await Laboratory.open();
  const ports = {
    'ehr-adt-in': await freePort(),
    'ehr-orders-in': await freePort(),
    'lab-oru-in': await freePort(),
    'scheduling-siu-in': await freePort(),
    'ehr-vxu-in': await freePort(),
    'ehr-dft-in': await freePort(),
    'portal-fhir': await freePort(),
    broken: await freePort(),
  };
  const played = new Set(Object.values(interfaces).map(({ channel }) => channel));
  const channels = (await readdir(shipped)).filter((name) =>
    played.has(/^(.+)\.channel\.(ts|yaml)$/.exec(name)?.[1] ?? ''),
  );
  expect(channels).toHaveLength(played.size);
  const files = await Promise.all(
    channels.map(async (name) => [`channels/${name}`, await readFile(join(shipped, name), 'utf8')]),
  );
  await using place = await workplace({
    ...Object.fromEntries(files),
    // A step of a hospital's own whose errors quote what it was given.
    'channels/broken.channel.ts': `import { adapters, connectors, defineChannel, type Hl7Message } from 'weir';
export default defineChannel('broken')
  .from(adapters.mllp({ endpoint: 'broken' }))
  .through(function refuse(message: Hl7Message): Hl7Message {
    throw new Error('cannot map ' + message.get('PID-5.1') + ' ' + message.get('PID-3.1'));
  })
  .to('gone', connectors.discard({}));
`,
    'channels/env/test.yaml': `endpoints:
${Object.entries(ports)
  .map(([name, port]) => `  ${name}: { kind: tcp-listen, listen: ${port} }\n`)
  .join('')}
  lab-orders: { kind: tcp-connect, host: 127.0.0.1, port: ${laboratory.port} }
  archive-adt: { kind: directory, path: '\${stateDir}/archive/adt' }
  archive-orders: { kind: directory, path: '\${stateDir}/archive/orders' }
`,
    'weir.yaml': 'log: { level: debug }\n',
  });
  await using hub = await hubProcess(place);
  const samples = morning({ patients: 40 });
  const signal = AbortSignal.timeout(30_000);
  await Promise.all(
    feeds.map((feed) => {
      const mine = samples.filter((sample) => sample.feed === feed);
      const port = ports[interfaces[feed].endpoint as keyof typeof ports];
      return (feed === 'portal' ? playPortal : playFeed)(mine, feedReport(), {
        ...{ host: '127.0.0.1', port, signal },
        due: () => 0,
      });
    }),
  );
  const [bundles, feedMessages] = [samples.filter(isBundle), samples.filter((sample) => !isBundle(sample))];
  expect(bundles.length).toBeGreaterThan(0);
  const messages = feedMessages.map(({ raw }) => Buffer.from(raw).toString('latin1'));
  await refused(ports['portal-fhir'], Buffer.from(bundles[0]!.raw).toString());
  await mistreat(ports, messages.slice(0, 10));
  const errors = async () =>
    (await hub.get<{ channels: readonly ChannelStatus[] }>('/api/channels')).channels
      .filter(({ channel }) => channel === 'broken')
      .map(({ counts }) => counts.errored);
  await expect.poll(errors).toEqual([10]);

  const metrics = await (await fetch(new URL('/metrics', hub.admin))).text();
  const listed = [
    await weir(['messages', '--status', 'open-error', '--json'], hub.admin),
    await weir(['channels'], hub.admin),
    ...(await Promise.all(
      [['errors'], ['errors', '--group'], ['report', '--by', 'type'], ['changes'], ['conns']].map((args) =>
        weir([...args, '--json'], hub.admin),
      ),
    )),
  ];
  const failed = await weir(['show', messages[0]!.slice(0, 40), '--reason', 'test'], hub.admin);
  hub.process.kill('SIGTERM');
  await hub.exited;
  const written = [hub.printed(), metrics, ...listed.flatMap(({ out, err }) => [out, err]), failed.out].join('\n');
  expect(hub.printed()).toMatch(/"level":"(warn|error)"/);
  expect(hub.printed().split('\n').length).toBeGreaterThan(10);

  const words = new Set(written.split(/[^\w-]+/));
  const secrets = new Set(feedMessages.flatMap(({ raw }) => identifying.flatMap((path) => parse(raw).all(path))));
  for (const { raw } of bundles)
    for (const each of identifyingIn(JSON.parse(Buffer.from(raw).toString()).entry)) secrets.add(each);
  secrets.delete('');
  expect(secrets.size).toBeGreaterThan(300);
  expect([...secrets].filter((secret) => words.has(secret))).toEqual([]);
}, 60_000);

const isBundle = ({ feed }: Sample) => feed === 'portal';

/** Names, birth dates and values of identifiers, wherever they are. */
function identifyingIn(json: unknown, key = ''): readonly string[] {
  if (typeof json === 'string') return ['family', 'given', 'birthDate', 'identifier.value'].includes(key) ? [json] : [];
  if (Array.isArray(json)) return json.flatMap((each) => identifyingIn(each, key));
  if (json === null || typeof json !== 'object') return [];
  return Object.entries(json).flatMap(([name, value]) =>
    identifyingIn(value, key === 'identifier' ? `identifier.${name}` : name),
  );
}

/** The content of a bundle in one that breaks off, and in one that is not valid. */
async function refused(port: number, bundle: string): Promise<void> {
  for (const body of [bundle.slice(0, -20), bundle.replace('"resourceType":"Bundle"', '"resourceType":"Bundel"')]) {
    const headers = { 'content-type': 'application/fhir+json' };
    const answer = await fetch(`http://127.0.0.1:${port}/fhir`, { method: 'POST', headers, body });
    expect(answer.status).toBeGreaterThanOrEqual(400);
  }
}

/** The same content as what breaks the framing, is no message, or fails in a step. */
async function mistreat(ports: Readonly<Record<string, number>>, messages: readonly string[]): Promise<void> {
  const broken = await connectPeer(ports.broken!);
  for (const message of messages) broken.write(framed(message));
  await broken.answers(messages.length);
  broken.socket.destroy();
  for (const port of [ports['ehr-adt-in']!, ports['ehr-orders-in']!]) {
    const peer = await connectPeer(port);
    for (const message of messages) peer.write(framed(message.slice(message.indexOf('PID'))));
    for (const message of messages) peer.write(framed(message.replace('|ADT^', '|QRY^')));
    peer.write(messages[0]!);
    peer.write(framed(messages[1]!).slice(0, -20));
    peer.socket.end();
    await peer.closed;
  }
}
