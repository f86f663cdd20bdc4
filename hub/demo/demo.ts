import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { HubError } from '../../core/errors.ts';
import type { Hub } from '../hub.ts';
import { interruption } from '../interruption.ts';
import { settingsSchema } from '../settings.ts';
import { installation } from '../version.ts';
import { type Delivered, deliveries } from './delivery.ts';
import { startDemoHub } from './demo-hub.ts';
import { interfaces } from './interfaces.ts';
import { Laboratory } from './laboratory.ts';
import { morning } from './morning.ts';
import { type Played, play, settled } from './play.ts';
import { Screen } from './screen.ts';
import { stateFolder } from './state-folder.ts';
import { alarmLine, channelTable, deliveryTable, ms, number, percentiles, wardTable } from './summary.ts';
import { Ward } from './ward.ts';

const usage = `npm run demo -- [--once] [--seconds <n>] [--patients <n>]
  --once          ends after the table: 0 when every sample was delivered, else 1
  --seconds <n>   how long the morning takes (15); 0 plays as fast as answers come
  --patients <n>  how many there are (200)`;

const settleMs = 60_000;
const stopMs = 10_000;

/** Plays a synthetic hospital's morning through the shipped channels, and shows what went where and how fast. */
async function demo({ once, seconds, patients }: Options): Promise<number> {
  const signal = interruption();
  const screen = new Screen();
  const root = fileURLToPath(installation);
  await using opened = new AsyncDisposableStack();
  const state = opened.use(await stateFolder(root));
  const laboratory = opened.use(await Laboratory.open());
  const ward = opened.use(await Ward.open(join(root, 'channels'), state.path, screen));
  const startedAt = performance.now();
  const { hub, ports } = await startDemoHub(ward.channels, state.path, laboratory.port, ward.broker, screen.log);
  opened.defer(() => goodbye(hub, screen));
  opened.defer(() => ward.end());
  screen.line(
    `hub started in ${ms(performance.now() - startedAt)}, fsync on; channels on ${portsOf(ports)}, laboratory on ${laboratory.port}`,
  );

  const samples = morning({ patients });
  screen.line(`playing a hospital's morning: ${number(samples.length)} messages of people who do not exist`);
  ward.begin(hub.engine.events, ports['chemistry-analyzer-in'] ?? 0);
  const played = await play(samples, { ports, seconds, laboratory, screen, signal });
  const alarm = await ward.alarm(signal);
  const said = ward.said();
  const complete = !signal.aborted && (await settled(hub.engine, screen, settleMs, signal));
  if (signal.aborted) return once ? 1 : 0;
  const far = { events: hub.engine.events, store: hub.engine.store, laboratory, archives: archives(state.path) };
  const delivered = await deliveries(samples, far);
  const rows = await ward.rows(said, hub.engine.events);
  const good = verdict(screen, complete, samples.length, played, delivered);
  const wardIsGood = rows.every(({ wrong }) => wrong === undefined) && (alarm !== undefined || !ward.broker);
  const status = await hub.engine.status();
  screen.line(
    `\n${channelTable(status, played.feeds)}\n\n${deliveryTable(delivered)}\n\n${laboratoryLine(laboratory, played)}\n\n${wardTable(rows)}\n${alarmLine(alarm)}\n`,
  );
  screen.line(good.text);
  if (!once) await untilInterrupted(hub, screen, signal);
  return (good.all && wardIsGood) || !once ? 0 : 1;
}

/** Of the channels that the morning goes through. */
function portsOf(ports: Readonly<Record<string, number>>): string {
  return Object.values(interfaces)
    .map(({ endpoint }) => ports[endpoint])
    .join(', ');
}

function archives(folder: string) {
  return { adt: join(folder, 'archive', 'adt'), orders: join(folder, 'archive', 'orders') };
}

function verdict(
  screen: Screen,
  complete: boolean,
  count: number,
  { feeds, seconds }: Played,
  delivered: readonly Delivered[],
) {
  const refused = [...feeds.values()].flatMap((each) => each.refused);
  const answered = [...feeds.values()].reduce((sum, each) => sum + each.latenciesMs.length, 0);
  if (!complete) screen.line(`not everything was settled within ${settleMs / 1_000} s`);
  if (refused.length > 0) screen.line(`${refused.length} samples were not accepted: ${refused.slice(0, 5).join(', ')}`);
  const all =
    complete && refused.length === 0 && answered === count && delivered.every(({ wrong }) => wrong.length === 0);
  const rate = `${number(answered)} messages acknowledged in ${seconds.toFixed(1)} s`;
  return { all, text: all ? `${rate}; every sample was delivered` : `${rate}; NOT every sample was delivered` };
}

function laboratoryLine(laboratory: Laboratory, { feeds }: Played): string {
  const { accepted, refusals, hangUps, repeats } = laboratory;
  const sentAt = feeds.get('orders-to-lab')?.sentAt ?? new Map<string, number>();
  const took = [...accepted].flatMap(([id, at]) => {
    const sent = sentAt.get(id);
    return sent === undefined ? [] : [at - sent];
  });
  const { p50, p99 } = percentiles(took);
  return [
    `the laboratory refused ${refusals} orders at first, and took ${hangUps} without an answer`,
    `and so got ${repeats} twice; from the EHR to its acceptance p50 ${ms(p50)}, p99 ${ms(p99)}`,
  ].join('\n');
}

async function untilInterrupted({ admin }: Hub, screen: Screen, signal: AbortSignal): Promise<void> {
  const address = `http://${admin.host}:${admin.port}`;
  const elsewhere = admin.port === settingsSchema.parse({}).admin.port ? '' : ` --admin ${address}`;
  const commands = [
    'channels',
    'status',
    'messages --limit 5',
    'messages --channel orders-to-lab --meta hl7.controlId=ORD000075',
    'show <id> --reason "a look around"',
    'replay <id> --reason "a try"',
    'alarms --reason "a look around"',
  ];
  screen.line(`\nThe hub goes on until Ctrl-C; its admin API is ${address}. In another terminal:`);
  for (const command of commands) screen.line(`  npm run -s weir -- ${command}${elsewhere}`);
  if (!signal.aborted)
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

async function goodbye(hub: Hub, screen: Screen): Promise<void> {
  const { left } = await hub.close(stopMs);
  screen.done();
  screen.line(
    left === 0 ? 'drained and stopped; nothing was left in flight' : `stopped; ${left} messages were left in flight`,
  );
}

interface Options {
  readonly once: boolean;
  readonly seconds: number;
  readonly patients: number;
}

/** Undefined when the command line is wrong. */
function optionsOf(argv: readonly string[]): Options | undefined {
  const options = { once: { type: 'boolean' }, seconds: { type: 'string' }, patients: { type: 'string' } } as const;
  try {
    const { once = false, seconds = '15', patients = '200' } = parseArgs({ args: [...argv], options }).values;
    const read = { once, seconds: Number(seconds), patients: Number(patients) };
    return Number.isFinite(read.seconds) && read.seconds >= 0 && Number.isInteger(read.patients) && read.patients > 0
      ? read
      : undefined;
  } catch {
    return undefined;
  }
}

/** @returns the exit code: 2 for a wrong command line, 1 when the demo cannot run, with one line that says why */
async function main(): Promise<number> {
  const options = optionsOf(process.argv.slice(2));
  if (!options) {
    process.stderr.write(`${usage}\n`);
    return 2;
  }
  try {
    return await demo(options);
  } catch (thrown) {
    if (!(thrown instanceof HubError)) throw thrown;
    process.stderr.write(`demo: ${thrown.message}\n`);
    return 1;
  }
}

process.exitCode = await main();
