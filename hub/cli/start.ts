import { HubError } from '../../core/errors.ts';
import type { StopReport } from '../../core/runtime/engine.ts';
import { until } from '../../core/until.ts';
import type { Hub } from '../hub.ts';
import { interruption } from '../interruption.ts';
import { createLog } from '../log.ts';
import { readSettings, type Settings, type SettingsOverrides } from '../settings.ts';
import { type ExitCode, exit } from './exit.ts';
import { print } from './output.ts';

/**
 * `weir start`: waits for its database, runs until SIGINT or SIGTERM, drains, and says what is left. A second signal, or the loss of the
 * store, ends it at once, with exit code 1.
 */
export async function start(overrides: SettingsOverrides): Promise<ExitCode> {
  const settings = readSettings(overrides);
  const log = await createLog(settings.log);
  const { startHub } = await import('../hub.ts');
  const stop = interruption(() => print('stopped now: what was in flight goes on from the store at the next start'));
  const hub = await startHub(settings, log, stop).catch((thrown: unknown) => {
    if (!stop.aborted || !(thrown instanceof HubError)) throw thrown;
    print(`stopped; it had not started: ${thrown.message}`);
  });
  if (!hub) return exit.done;
  await announce(hub, settings);
  const lost = await Promise.race([until(stop), hub.failed]);
  if (lost) {
    // Not by `close`: a drain would wait for a store that does not answer any more.
    print(`ended: ${lost.message}; what was acknowledged goes on from the store at the next start`);
    process.exit(exit.failed);
  }
  print(`stopping: waiting up to ${settings.stopMs / 1_000} s for what is in flight; again to stop now`);
  print(farewell(await hub.close(settings.stopMs)));
  return exit.done;
}

async function announce({ engine, admin }: Hub, { channels, environment, stateDir }: Settings): Promise<void> {
  const status = await engine.status();
  for (const { channel, state, source } of status)
    print(`${channel.padEnd(24)} ${state.padEnd(8)} ${source.type} ${source.resources.join(' ')}`);
  print(`${status.length} channels of ${channels}, environment ${environment}, state in ${stateDir}`);
  print(
    `admin API on http://${admin.host.includes(':') ? `[${admin.host}]` : admin.host}:${admin.port}, up after ${Math.round(performance.now())} ms`,
  );
}

function farewell({ left, channels }: StopReport): string {
  if (left === 0) return 'stopped; nothing was left in flight';
  const each = Object.entries(channels).map(([channel, count]) => `${channel} ${count}`);
  return `stopped; ${left} messages were in flight and go on from the store at the next start: ${each.join(', ')}`;
}
