import { join } from 'node:path';
import type { Channel } from '../core/builder.ts';
import type { Log } from '../core/component.ts';
import type { Endpoint } from '../core/endpoint.ts';
import { openEmbeddedLog } from '../core/events/embedded-log.ts';
import { createEngine } from '../core/runtime/create-engine.ts';
import type { Engine } from '../core/runtime/engine.ts';
import { openSqliteStore } from '../core/store/sqlite/sqlite-store.ts';
import { systemClock } from '../hub/system-clock.ts';

export interface EngineSettings {
  readonly directory: string;
  readonly endpoints: Readonly<Record<string, Endpoint>>;
}

const silent = () => undefined;
const log: Log = {
  debug: silent,
  info: silent,
  warn: silent,
  error: (fields, text) => console.error(text, JSON.stringify(fields)),
};

/** An engine as the hub runs it, on the embedded store and event log with fsync on. Resolves when its channels listen. */
export async function startEngine(
  { directory, endpoints }: EngineSettings,
  channels: readonly Channel<never, never>[],
): Promise<Engine> {
  const store = await openSqliteStore({ directory: join(directory, 'messages'), now: systemClock.now });
  const events = await openEmbeddedLog({
    directory: join(directory, 'events'),
    now: systemClock.now,
    onError: (error) => log.error({ code: error.code }, error.message),
  });
  const engine = await createEngine({
    store,
    events,
    clock: systemClock,
    random: Math.random,
    log,
    endpoints: { get: (name) => endpoints[name] },
  });
  for (const { definition } of channels) await engine.deploy(definition, 'bench');
  return engine;
}
