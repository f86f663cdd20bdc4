import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { replaceFile } from './record.ts';

/** Ports of one service by name: those of its last start, where nobody else has them now. */
export interface Ports {
  /** The port of this name, free now unless this process has asked for it before. */
  port(name: string): Promise<number>;
  /** All that were asked for. */
  all(): Readonly<Record<string, number>>;
  /** From here on other ports are chosen. */
  forget(): void;
}

export function portsOf(directory: string): Ports {
  const file = join(directory, 'ports.json');
  let ports: Record<string, number> = {};
  try {
    ports = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    // The first start.
  }
  const chosen: Record<string, number> = {};
  return {
    async port(name) {
      if (chosen[name] !== undefined) return chosen[name];
      const last = ports[name];
      delete ports[name];
      let port = last === undefined ? undefined : await bindable(last);
      while (port === undefined || Object.values(ports).includes(port)) port = await bindable(0);
      ports[name] = port;
      chosen[name] = port;
      replaceFile(file, ports);
      return port;
    },
    all: () => chosen,
    forget() {
      ports = {};
      for (const name of Object.keys(chosen)) delete chosen[name];
    },
  };
}

/** The port, or any where it is 0; undefined when somebody listens there. */
async function bindable(wanted: number): Promise<number | undefined> {
  const server = createServer();
  try {
    server.listen(wanted, '127.0.0.1');
    await once(server, 'listening');
  } catch {
    return undefined;
  }
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
