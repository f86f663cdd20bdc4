import { parseArgs } from 'node:util';
import { endOrderly, interrupted } from './interrupted.ts';
import { runOwn, sweep } from './own.ts';
import { leaveRun, obtain, provide } from './runs.ts';
import { addressVariables, type ServiceName, serviceNames } from './service.ts';
import { down, standing, up } from './services.ts';

const usage = `Servers for tests and development, each a real one.

  npm run services up [name …]       finds or starts them; addresses come in .services/addresses.json, too
  npm run services down [name …]     ends those that this checkout started; with -- --clean removes their data
  npm run services status [name …]   says what runs

Names: ${serviceNames.join(', ')}; without a name, all.
  -- --brokers 3                     Kafka with three brokers
A service that runs elsewhere is named by ${Object.values(addressVariables).join(', ')}.
`;

interface Flags {
  /** Undefined where it was not said. */
  readonly brokers: number | undefined;
  readonly clean: boolean;
  /** Process of the test run that asks. */
  readonly run: number | undefined;
  readonly settings: Readonly<Record<string, string>>;
  readonly behind: string | undefined;
}

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      brokers: { type: 'string' },
      clean: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      run: { type: 'string' },
      settings: { type: 'string', default: '{}' },
      behind: { type: 'string' },
    },
  });
  const [verb, ...wanted] = positionals;
  const unknown = wanted.filter((name) => !(serviceNames as readonly string[]).includes(name));
  if (values.help) return say(usage, 0);
  if (unknown.length > 0) return say(`no service ${unknown.join(', ')}; there are ${serviceNames.join(', ')}\n`, 2);
  const names = (wanted.length > 0 ? wanted : serviceNames) as readonly ServiceName[];
  const run = values.run === undefined ? undefined : Number(values.run);
  const settings = JSON.parse(values.settings) as Record<string, string>;
  const brokers = values.brokers === undefined ? undefined : Number(values.brokers);
  const flags = { brokers, clean: values.clean, run, settings, behind: values.behind };
  await sweep();
  switch (verb) {
    case 'up':
      if (run === undefined) return await bringUp(names, flags);
      await Promise.all(names.map((name) => provide(name, run)));
      return 0;
    case 'down':
      return await bringDown(names, flags);
    case 'status':
      return await show(names);
    // For tests: core/testing/services.ts.
    case 'obtain':
      await Promise.all(names.map((name) => obtain(name, run ?? 0)));
      return 0;
    case 'own':
      await runOwn(names[0] ?? 'postgres', { brokers: brokers ?? 1, settings }, flags.behind);
      return 0;
    case 'leave':
      await leaveRun(run ?? 0);
      return 0;
    default:
      return say(usage, 2);
  }
}

async function bringUp(names: readonly ServiceName[], { brokers, settings }: Flags): Promise<number> {
  const results = await Promise.all(
    names.map(async (name) => {
      const began = performance.now();
      try {
        const { by, address } = await up(name, { brokers: brokers ?? 1, settings, kept: true });
        const running = address.split(',').length;
        if (name === 'kafka' && by === 'processes' && running !== (brokers ?? running))
          throw new Error(`it runs with ${running} of ${brokers} brokers; end it first: down kafka`);
        say(`${name.padEnd(10)} ${address}  (${by}, ${((performance.now() - began) / 1000).toFixed(1)} s)\n`, 0);
        return true;
      } catch (thrown) {
        const why = interrupted.aborted ? 'interrupted' : (thrown as Error).message;
        process.stderr.write(`${name.padEnd(10)} NOT AVAILABLE: ${why}\n`);
        return false;
      }
    }),
  );
  interrupted.throwIfAborted();
  return results.every(Boolean) ? 0 : 1;
}

async function bringDown(names: readonly ServiceName[], { clean }: Flags): Promise<number> {
  for (const name of [...names].reverse()) {
    const ended = await down(name, { clean });
    say(`${name.padEnd(10)} ${ended ? 'ended' : 'did not run'}\n`, 0);
  }
  return 0;
}

async function show(names: readonly ServiceName[]): Promise<number> {
  for (const name of names) {
    say(`${name.padEnd(10)} ${await standing(name)}\n`, 0);
  }
  return 0;
}

function say(text: string, code: number): number {
  process.stdout.write(text);
  return code;
}

endOrderly();
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (thrown) {
  process.stderr.write(`${(thrown as Error).message}\n`);
  process.exitCode = interrupted.aborted ? 130 : 1;
}
// A stream of orders that was cut short would keep the process.
process.stdin.unref?.();
