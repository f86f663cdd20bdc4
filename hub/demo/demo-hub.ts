import { cp, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, relative } from 'node:path';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import type { Log } from '../../core/component.ts';
import type { EndpointOf } from '../../core/endpoint.ts';
import { HubError } from '../../core/errors.ts';
import { type Hub, startHub } from '../hub.ts';
import { settingsSchema } from '../settings.ts';

export interface DemoHub {
  readonly hub: Hub;
  /** Where the channels listen, by the name of the endpoint. */
  readonly ports: Readonly<Record<string, number>>;
}

const attempts = 5;

/**
 * Starts the shipped channels with their state in the folder, on the ports of `channels/env/demo.yaml` where these are free, else
 * on others; every endpoint that connects leads to the laboratory, or to the ward’s broker. Throws HubError as `startHub` does.
 */
export async function startDemoHub(
  channels: string,
  folder: string,
  laboratoryPort: number,
  broker: EndpointOf<'mqtt'> | undefined,
  log: Log,
): Promise<DemoHub> {
  const defaults = settingsSchema.parse({ services: { alarms: {} } });
  for (let attempt = 1; ; attempt++) {
    const { environment, ports } = await writeEnvironment(channels, folder, laboratoryPort, broker);
    const admin = { ...defaults.admin, port: await freePort(defaults.admin.port) };
    try {
      return { hub: await startHub({ ...defaults, channels, environment, stateDir: folder, admin }, log), ports };
    } catch (thrown) {
      // Between looking and listening somebody else may have taken the port: another demo that starts beside this one.
      if (!(thrown instanceof HubError && thrown.code === 'port-in-use') || attempt === attempts) throw thrown;
    }
  }
}

const environmentFile = z.looseObject({
  endpoints: z.record(
    z.string(),
    z.looseObject({ kind: z.string(), listen: z.int().optional(), port: z.int().optional() }),
  ),
});

/** Writes the environment once more into the folder, with the ports that hold here; named as settings name it, from `channels/env`. */
async function writeEnvironment(
  channels: string,
  folder: string,
  laboratoryPort: number,
  broker: EndpointOf<'mqtt'> | undefined,
) {
  const file = environmentFile.parse(parse(await readFile(join(channels, 'env', 'demo.yaml'), 'utf8')));
  const ports: Record<string, number> = {};
  for (const [name, endpoint] of Object.entries(file.endpoints)) {
    if (endpoint.listen !== undefined) endpoint.listen = ports[name] = await freePort(endpoint.listen);
    if (endpoint.kind === 'mqtt')
      file.endpoints[name] = {
        ...endpoint,
        ...broker,
        ...(broker?.password && { password: '${file:broker.password}' }),
      };
    else if (endpoint.port !== undefined) endpoint.port = laboratoryPort;
  }
  // What its references name stands beside it there too.
  await cp(join(channels, 'env'), folder, { recursive: true });
  if (broker?.password) await writeFile(join(folder, 'broker.password'), broker.password, { mode: 0o600 });
  const path = join(folder, 'demo');
  await writeFile(`${path}.yaml`, stringify(file));
  return { environment: relative(join(channels, 'env'), path), ports };
}

/** The port of 127.0.0.1 if nobody listens on it, else any that is free; 0 for any. */
export async function freePort(wanted: number): Promise<number> {
  return (await portOf(wanted)) ?? (await portOf(0)) ?? wanted;
}

function portOf(wanted: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(wanted, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : undefined));
    });
  });
}
