import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, isFree } from '../../core/testing/free-port.ts';
import { replaceFile } from './record.ts';

/** Ports of one service by name: those of its last start, where nobody else has them now. */
export interface Ports {
  /** The port of this name, free now unless this process has asked for it before. */
  port(name: string): Promise<number>;
  /** All that were asked for. */
  all(): Readonly<Record<string, number>>;
  /** Whether somebody listens on one of these now. */
  taken(): Promise<boolean>;
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
      let port = last !== undefined && (await isFree(last)) ? last : undefined;
      while (port === undefined || Object.values(ports).includes(port)) port = await freePort();
      ports[name] = port;
      chosen[name] = port;
      replaceFile(file, ports);
      return port;
    },
    all: () => chosen,
    async taken() {
      for (const port of Object.values(chosen)) if (!(await isFree(port))) return true;
      return false;
    },
    forget() {
      ports = {};
      for (const name of Object.keys(chosen)) delete chosen[name];
    },
  };
}
