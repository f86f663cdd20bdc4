import { newDatabase, once, serverOf } from '../clients/postgres/testing/database.ts';
import { freePort } from '../core/testing/free-port.ts';
import { service, uniqueName } from '../core/testing/services.ts';
import type { BareRun } from './bare-copy.ts';
import { Child } from './child.ts';
import { fdatasyncMs, runDirectory } from './disk.ts';
import { type Measured, runFullSpeed } from './full-speed.ts';
import { type Gate, report } from './gates.ts';
import { interruptible } from './interruptible.ts';
import type { MllpOptions } from './mllp-sqlite.ts';
import { ProcessorTime } from './processor-time.ts';
import { containerArguments } from './product-arguments.ts';
import { median, spread } from './statistics.ts';

const RATE = 12_000;
const P99_MS = 40;
/**
 * Messages per second of the bare server where RATE is asked: what it takes on two such processors when nothing else uses their host. Of a
 * machine that is slower just then less is asked, in proportion.
 */
const BARE_SERVER = 43_000;
/** A hub that has just begun takes twice the processor time. */
const WARM_UP_MS = 8_000;
/** Groups of one message say nothing of a limit. */
const LEAST_GROUP = 2;

interface Run {
  readonly name: string;
  readonly fixture: string;
  readonly port: number;
  readonly connections: number;
  readonly gates?: true;
}

/** A round of ours, one of the bare server before it, and the bare COPY that followed it with as many messages in a transaction. */
interface Round extends Measured {
  readonly group: number;
  readonly bare: number;
  /** Of gated runs alone. */
  readonly server: number | undefined;
  /** Microseconds of the processors for a message. */
  readonly used: ReadonlyMap<string, number>;
}

/**
 * `npm run bench:mllp -- --store postgres`: the same senders and channels with the store in PostgreSQL, acknowledged after the commit
 * (fsync and synchronous_commit on). Each round is followed by one of bare COPY of the same bytes with as many messages in a
 * transaction as ours had in that round. Before it the bare server of `bench:mllp` says how fast the machine is just then.
 */
export async function measureOnPostgres({ rounds, durationMs, profile }: MllpOptions): Promise<void> {
  await using open = interruptible();
  const postgres = await service('postgres', import.meta.filename);
  if (postgres.missing !== undefined) throw new Error(`there is no PostgreSQL: ${postgres.missing}`);
  const database = open.use(await newDatabase(serverOf(postgres.address), uniqueName(import.meta.filename)));
  const directory = open.use(await runDirectory('mllp'));
  const sql = (text: string) => once(database.server, text);
  const [[version] = []] = await sql('SHOW server_version');
  console.log(
    `node ${process.version}, PostgreSQL ${version}, fsync and synchronous_commit on, fdatasync of this disk ${fdatasyncMs(directory.path).toFixed(2)} ms (median)`,
  );
  console.log(
    `${rounds} alternate rounds of ${durationMs / 1000} s each, messages per second: median (lowest–highest)`,
  );

  const port = { bare: await freePort(), stored: await freePort(), settled: await freePort() };
  const weir = new Child(
    'discard-server.ts',
    {
      directory: directory.path,
      stored: port.stored,
      settled: port.settled,
      postgres: { server: database.server, hub: 'bench' },
    },
    profile ? [...containerArguments, '--cpu-prof', `--cpu-prof-dir=${profile}`] : containerArguments,
  );
  await weir.ready;
  const bare = new Child('bare-copy.ts', { server: database.server });
  await bare.ready;
  const server = new Child('bare-server.ts', { directory: directory.path, port: port.bare });
  await server.ready;
  const whose = {
    hub: (_: string, pid: number) => pid === weir.processId,
    PostgreSQL: (command: string) => command.startsWith('postgres: '),
    senders: (_: string, pid: number) => pid === process.pid,
  };
  const commits = async () => Number((await sql('SELECT sum(commits)::int8 FROM weir.hub'))[0]?.[0]);

  const [adt, oru] = ['adt-a01.hl7', 'oru-r01-20-obx.hl7'];
  const runs: readonly Run[] = [
    { name: 'stored, ADT 740 B, 50 connections', fixture: adt, port: port.stored, connections: 50, gates: true },
    { name: 'stored, ORU 2.9 KB, 50 connections', fixture: oru, port: port.stored, connections: 50 },
    { name: 'settled, ADT 740 B, 50 connections', fixture: adt, port: port.settled, connections: 50 },
    { name: 'stored, ADT 740 B, 1 connection', fixture: adt, port: port.stored, connections: 1 },
  ];
  const gates: Gate[] = [];
  for (const run of runs) {
    if (run.gates) await runFullSpeed({ ...run, port: port.bare, durationMs: durationMs / 2 });
    await runFullSpeed({ ...run, durationMs: WARM_UP_MS });
    const measured: Round[] = [];
    for (let round = 0; round < rounds; round++) measured.push(await measure(run));
    print(run, measured);
    if (!run.gates) continue;
    const rate = median(measured.map((each) => each.rate));
    const p99 = median(measured.map((each) => each.p99));
    const speed = median(measured.map(({ server = BARE_SERVER }) => server)) / BARE_SERVER;
    const name = speed < 1 ? `${run.name}, machine at ${(100 * speed).toFixed(0)} %` : run.name;
    gates.push({ name, figure: rate, limit: RATE * Math.min(1, speed), must: 'reach', unit: 'messages/s' });
    gates.push({ name: `${run.name}, p99`, figure: p99, limit: P99_MS, must: 'stay-within', unit: 'ms' });
  }
  console.log(`resident ${weir.memory().rss.toFixed(0)} MB, at most ${weir.memory().peak.toFixed(0)} MB`);
  await weir.stop();
  await bare.stop();
  await server.stop();
  report('bench:mllp, store in PostgreSQL', gates);

  async function measure({ fixture, port: to, connections, gates }: Run): Promise<Round> {
    const load = { fixture, connections, durationMs };
    const server = gates && (await runFullSpeed({ ...load, port: port.bare, durationMs: durationMs / 2 })).rate;
    const before = await commits();
    const began = new ProcessorTime(whose);
    const ours = await runFullSpeed({ ...load, port: to });
    const ended = new ProcessorTime(whose);
    const messages = (ours.rate * durationMs) / 1000;
    const group = Math.max(LEAST_GROUP, Math.round(messages / ((await commits()) - before)));
    const asked: BareRun = { fixture, group, durationMs };
    const used = began.perMessage(ended, messages);
    return { ...ours, group, used, server, bare: await bare.ask<number>('run', asked) };
  }
}

function print({ name }: Run, measured: readonly Round[]): void {
  const of = (read: (round: Round) => number) => measured.map(read);
  const latency = (['p50', 'p99'] as const).map(
    (which) => `${which} ${median(of((each) => each[which])).toFixed(2)} ms`,
  );
  const share = (beside: (round: Round) => number | undefined) =>
    median(of((round) => round.rate / (beside(round) ?? Number.NaN))).toFixed(2);
  console.log(name);
  const servers = measured.flatMap(({ server = [] }) => server);
  if (servers.length > 0) console.log(`  bare server ${spread(servers)}, weir ${share(({ server }) => server)} of it`);
  console.log(`  weir      ${spread(of(({ rate }) => rate))}, ${latency.join(', ')}`);
  console.log(
    `  bare COPY ${spread(of(({ bare }) => bare))}, ${median(of(({ group }) => group))} in a transaction, weir ${share(({ bare }) => bare)} of it`,
  );
  const used = [...(measured[0]?.used.keys() ?? [])].map(
    (name) => `${name} ${median(of((round) => round.used.get(name) ?? 0)).toFixed(0)} µs`,
  );
  console.log(`  processor time of a message: ${used.join(', ')}`);
}
