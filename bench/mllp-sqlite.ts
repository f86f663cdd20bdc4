import { freePort } from '../core/testing/free-port.ts';
import { Child } from './child.ts';
import { fdatasyncMs, runDirectory } from './disk.ts';
import { type Measured, runFullSpeed } from './full-speed.ts';
import { type Gate, report } from './gates.ts';
import { interruptible } from './interruptible.ts';
import { productArguments } from './product-arguments.ts';
import { median, spread } from './statistics.ts';

const STORED_SHARE = 0.4;
const SETTLED_SHARE = 0.25;
const ONE_CONNECTION = 1_500;
/** The disk that absolute figures assume. */
const FDATASYNC_MS = 0.2;
const P99_MS = 20;
const RSS_MB = 350;
const START_MS = 1_500;

export interface MllpOptions {
  readonly rounds: number;
  readonly durationMs: number;
  /** Where the server's CPU profiles go, if anywhere. */
  readonly profile: string | undefined;
}

/**
 * `npm run bench:mllp`: the embedded store and, in alternate rounds, a bare server that frames, appends, fdatasyncs and acknowledges.
 * Each server has a process of its own.
 */
export async function measureOnSqlite({ rounds, durationMs, profile }: MllpOptions): Promise<void> {
  await using open = interruptible();
  const directory = open.use(await runDirectory('mllp'));
  const syncMs = fdatasyncMs(directory.path);
  console.log(`node ${process.version}, fsync on, fdatasync of this disk ${syncMs.toFixed(2)} ms (median)`);
  console.log(
    `${rounds} alternate rounds of ${durationMs / 1000} s each, messages per second: median (lowest–highest)`,
  );

  const port = { bare: await freePort(), stored: await freePort(), settled: await freePort() };
  const started = performance.now();
  const weir = new Child(
    'discard-server.ts',
    { directory: directory.path, stored: port.stored, settled: port.settled },
    profile ? [...productArguments, '--cpu-prof', `--cpu-prof-dir=${profile}`] : productArguments,
  );
  await weir.ready;
  const startMs = performance.now() - started;
  const bare = new Child('bare-server.ts', { directory: directory.path, port: port.bare });
  await bare.ready;

  const adt = 'adt-a01.hl7';
  const oru = 'oru-r01-20-obx.hl7';
  const runs = [
    {
      name: 'stored, ADT 740 B, 50 connections',
      fixture: adt,
      port: port.stored,
      connections: 50,
      share: STORED_SHARE,
    },
    {
      name: 'stored, ORU 2.9 KB, 50 connections',
      fixture: oru,
      port: port.stored,
      connections: 50,
      share: STORED_SHARE,
    },
    {
      name: 'settled, ADT 740 B, 50 connections',
      fixture: adt,
      port: port.settled,
      connections: 50,
      share: SETTLED_SHARE,
    },
    { name: 'stored, ADT 740 B, 1 connection', fixture: adt, port: port.stored, connections: 1, share: undefined },
  ];

  const gates: Gate[] = [];
  for (const run of runs) {
    const measured = await compare(run);
    const rate = median(measured.weir.map((each) => each.rate));
    if (run.share === undefined) {
      // The disk of this moment: that of the beginning may have been twice as fast.
      const scaled = ONE_CONNECTION * Math.min(1, FDATASYNC_MS / Math.max(syncMs, fdatasyncMs(directory.path)));
      gates.push({
        name: `${run.name} (bare server ${spread(measured.bare.map((each) => each.rate))})`,
        figure: rate,
        limit: scaled,
        must: 'reach',
        unit: 'messages/s',
      });
      continue;
    }
    gates.push({
      name: `${run.name}, share of the bare server`,
      figure: 100 * share(measured),
      limit: 100 * run.share,
      must: 'reach',
      unit: '%',
    });
    if (run.port === port.stored) {
      const p99 = median(measured.weir.map((each) => each.p99));
      gates.push({ name: `${run.name}, p99`, figure: p99, limit: P99_MS, must: 'stay-within', unit: 'ms' });
    }
  }
  gates.push({
    name: 'most resident memory',
    figure: weir.memory().peak,
    limit: RSS_MB,
    must: 'stay-within',
    unit: 'MB',
  });
  gates.push({ name: 'start to listening', figure: startMs, limit: START_MS, must: 'stay-within', unit: 'ms' });
  await weir.stop();
  await bare.stop();
  report('bench:mllp', gates);

  async function compare(run: (typeof runs)[number]): Promise<{ weir: Measured[]; bare: Measured[] }> {
    const { fixture, connections } = run;
    const warmUp = { fixture, connections, durationMs: durationMs / 3 };
    await runFullSpeed({ ...warmUp, port: port.bare });
    await runFullSpeed({ ...warmUp, port: run.port });
    const results = { weir: [] as Measured[], bare: [] as Measured[] };
    for (let round = 0; round < rounds; round++) {
      results.bare.push(await runFullSpeed({ port: port.bare, fixture, connections, durationMs }));
      results.weir.push(await runFullSpeed({ port: run.port, fixture, connections, durationMs }));
    }
    console.log(run.name);
    for (const [name, measured] of Object.entries(results)) {
      const latency = (['p50', 'p99'] as const).map(
        (of) => `${of} ${median(measured.map((each) => each[of])).toFixed(2)} ms`,
      );
      console.log(`  ${name.padEnd(4)} ${spread(measured.map((each) => each.rate))}, ${latency.join(', ')}`);
    }
    console.log(`  share ${share(results).toFixed(2)}, resident ${weir.memory().rss.toFixed(0)} MB`);
    return results;
  }
}

/** Of ours in the bare server's rate: the median over pairs of neighbouring rounds, so that a busy moment of the machine weighs on both. */
function share(results: { readonly weir: readonly Measured[]; readonly bare: readonly Measured[] }): number {
  return median(results.weir.map(({ rate }, round) => rate / results.bare[round]!.rate));
}
