/**
 * `npm run bench:two-hubs` – one hub, and then two on the same store in PostgreSQL, under the same load: 50 stop-and-wait senders,
 * spread over channels and hubs, acknowledged after the commit. Rounds with one hub and with two alternate; a hub that is not of a
 * round is stopped, and its channels have gone to the other. `-- --rounds 3 --seconds 4`
 */
import { parseArgs } from 'node:util';
import { newDatabase, once, serverOf } from '../clients/postgres/testing/database.ts';
import { freePort } from '../core/testing/free-port.ts';
import { service, uniqueName } from '../core/testing/services.ts';
import { Child } from './child.ts';
import type { DiscardServer } from './discard-server.ts';
import { runDirectory } from './disk.ts';
import { runFullSpeed } from './full-speed.ts';
import { report } from './gates.ts';
import { interruptible } from './interruptible.ts';
import { ProcessorTime } from './processor-time.ts';
import { containerArguments } from './product-arguments.ts';
import { median, spread } from './statistics.ts';

const CHANNELS = 4;
const CONNECTIONS = 48;
/**
 * Under load before it is measured: a hub is given its share of the channels one by one, and what it runs has to be compiled (in its first
 * seconds a message costs twice what it costs then).
 */
const SETTLING_MS = 8_000;

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, seconds: { type: 'string', default: '4' } },
});
const durationMs = Number(values.seconds) * 1000;

await using open = interruptible();
const postgres = await service('postgres', import.meta.filename);
if (postgres.missing !== undefined) throw new Error(`there is no PostgreSQL: ${postgres.missing}`);
const database = open.use(await newDatabase(serverOf(postgres.address), uniqueName(import.meta.filename)));
const directory = open.use(await runDirectory('two-hubs'));
console.log(
  `node ${process.version}, ${CONNECTIONS} senders on ${CHANNELS} channels, fsync and synchronous_commit on, ${values.rounds} rounds each of ${values.seconds} s`,
);

const rates = { one: [] as number[], two: [] as number[] };
const p99s = { one: [] as number[], two: [] as number[] };
/** Microseconds of the processors for a message, and messages in a commit. */
const costs = { one: [] as ReadonlyMap<string, number>[], two: [] as ReadonlyMap<string, number>[] };
const groups = { one: [] as number[], two: [] as number[] };
for (let round = 0; round < Number(values.rounds); round++) {
  const first = await startHub('a');
  await measure('one', [first]);
  const second = await startHub('b');
  await measure('two', [first, second]);
  await second.hub.stop();
  await first.hub.stop();
}
for (const hubs of ['one', 'two'] as const) {
  console.log(`${hubs.padEnd(3)} ${spread(rates[hubs])} messages/s, p99 ${spread(p99s[hubs])} ms`);
  const used = [...(costs[hubs][0]?.keys() ?? [])].map(
    (name) => `${name} ${median(costs[hubs].map((cost) => cost.get(name) ?? 0)).toFixed(0)} µs`,
  );
  console.log(`    processor time of a message: ${used.join(', ')}; ${median(groups[hubs]).toFixed(0)} in a commit`);
}
report('bench:two-hubs', [
  {
    name: 'two hubs, share of what one takes',
    figure: 100 * median(rates.two.map((rate, round) => rate / rates.one[round]!)),
    limit: 100,
    must: 'reach',
    unit: '%',
  },
]);

interface Hub {
  readonly hub: Child;
  readonly ports: readonly number[];
}

async function startHub(name: string): Promise<Hub> {
  const ports: number[] = [];
  for (let channel = 0; channel < CHANNELS; channel++) ports.push(await freePort());
  const [stored = 0, ...more] = ports;
  const settings: DiscardServer = {
    ...{ directory: `${directory.path}/${name}`, stored, settled: await freePort(), more },
    postgres: { server: database.server, hub: name },
  };
  const hub = new Child('discard-server.ts', settings, containerArguments);
  await hub.ready;
  return { hub, ports };
}

/** Once they have settled. */
async function measure(what: 'one' | 'two', hubs: readonly Hub[]): Promise<void> {
  await run(hubs, SETTLING_MS);
  const whose = {
    hubs: (_: string, pid: number) => hubs.some(({ hub }) => hub.processId === pid),
    PostgreSQL: (command: string) => command.startsWith('postgres: '),
    senders: (_: string, pid: number) => pid === process.pid,
  };
  const before = await commits();
  const began = new ProcessorTime(whose);
  const { rate, p99 } = await run(hubs, durationMs);
  const messages = (rate * durationMs) / 1000;
  costs[what].push(began.perMessage(new ProcessorTime(whose), messages));
  groups[what].push(messages / ((await commits()) - before));
  rates[what].push(rate);
  p99s[what].push(p99);
}

async function commits(): Promise<number> {
  return Number((await once(database.server, 'SELECT sum(commits)::int8 FROM weir.hub'))[0]?.[0]);
}

/** As many senders on each channel of each hub. */
async function run(hubs: readonly Hub[], durationMs: number): Promise<{ readonly rate: number; readonly p99: number }> {
  const ports = hubs.flatMap(({ ports }) => ports);
  const connections = CONNECTIONS / ports.length;
  const load = { fixture: 'adt-a01.hl7', connections, durationMs };
  const all = await Promise.all(ports.map((port) => runFullSpeed({ ...load, port })));
  return { rate: all.reduce((sum, { rate }) => sum + rate, 0), p99: Math.max(...all.map(({ p99 }) => p99)) };
}
