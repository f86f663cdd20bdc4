import { join } from 'node:path';
import { command } from './command.ts';
import { configurationFile, passwordOf } from './configuration.ts';
import { checkoutId } from './folder.ts';
import { portsOf } from './ports.ts';
import type { StartRecord } from './record.ts';
import type { ServiceName } from './service.ts';
import type { StartRequest } from './start.ts';

const file = join(import.meta.dirname, 'compose.yml');
/** Images may have to come first. */
const startMs = 600_000;
const stopMs = 60_000;
const askMs = 10_000;

/** Whether a Docker engine with Compose answers. */
export async function composeAnswers(): Promise<boolean> {
  try {
    await command('docker', ['compose', 'version'], { timeoutMs: askMs });
    await command('docker', ['info', '--format', '{{.ServerVersion}}'], { timeoutMs: askMs });
    return true;
  } catch {
    return false;
  }
}

/**
 * Starts a service as a container and resolves once its health check passes. Its port of this machine is chosen before, because
 * Kafka has to tell it to its clients. Rejects with what Compose said; nothing of it runs then.
 */
export async function startWithCompose({ name, directory, behind, kept, options }: StartRequest): Promise<StartRecord> {
  if (options.brokers !== 1 || Object.keys(options.settings).length > 0)
    throw new Error(
      `starting ${name} with Docker Compose: it is one server with the settings of deploy/services/compose.yml`,
    );
  const place = { directory, user: undefined };
  // Whoever stands behind another has that one's users.
  const password = behind === undefined ? passwordOf(place) : new URL(behind).password;
  const ports = portsOf(directory);
  const port = await ports.port(name);
  const management = name === 'rabbitmq' ? await ports.port('management') : undefined;
  const variables = `PORT=${port}\nPASSWORD=${password}\nMANAGEMENT_PORT=${management ?? 0}\n`;
  configurationFile(place, 'environment', variables);
  try {
    await compose(directory, ['up', '-d', '--no-deps', '--wait', name], startMs);
  } catch (thrown) {
    await stopWithCompose(name, directory).catch(() => {});
    throw thrown;
  }
  return {
    by: 'compose',
    address: address(name, port, password),
    management: management === undefined ? undefined : `http://weir:${password}@127.0.0.1:${management}`,
    processes: [],
    starting: undefined,
    kept,
  };
}

/** Whether its container runs. */
export async function composeRuns(name: ServiceName, directory: string): Promise<boolean> {
  const ids = await compose(directory, ['ps', '--status', 'running', '-q', name], askMs).catch(() => '');
  return ids.trim() !== '';
}

/** Ends its container and removes it; its data stays in its volume. */
export async function stopWithCompose(name: ServiceName, directory: string): Promise<void> {
  await compose(directory, ['rm', '--stop', '--force', name], stopMs, false);
}

function compose(directory: string, args: readonly string[], timeoutMs: number, interruptible = true): Promise<string> {
  const project = ['-p', `weir-services-${checkoutId}`, '--env-file', join(directory, 'environment'), '-f', file];
  return command('docker', ['compose', ...project, ...args], { timeoutMs, interruptible });
}

function address(name: ServiceName, port: number, password: string): string {
  const at = `127.0.0.1:${port}`;
  switch (name) {
    case 'postgres':
    case 'pgbouncer':
      return `postgres://weir:${password}@${at}/postgres`;
    case 'redis':
      return `redis://:${password}@${at}`;
    case 'mosquitto':
      return `mqtt://weir:${password}@${at}`;
    case 'rabbitmq':
      return `amqp://weir:${password}@${at}`;
    case 'kafka':
      return at;
    default:
      return name satisfies never;
  }
}
