import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Writes a channels folder with a channel for each port: a filter, a map with a code table of its own, and three destinations with
 * filters of their own, one of which has another map.
 */
export async function writeChannels(folder: string, ports: readonly number[]): Promise<void> {
  for (const below of ['env', 'maps', 'tables']) await mkdir(join(folder, below), { recursive: true });
  const endpoints = ports.flatMap((port, n) => [
    `  in-${n}: { kind: tcp-listen, listen: ${port} }`,
    `  lab-${n}: { kind: tcp-connect, host: 127.0.0.1, port: 1 }`,
    `  archive-${n}: { kind: directory, path: '\${stateDir}/archive/${n}' }`,
  ]);
  await writeFile(join(folder, 'env', 'bench.yaml'), `endpoints:\n${endpoints.join('\n')}\n`);
  for (const n of ports.keys()) {
    await writeFile(join(folder, `channel-${n}.channel.yaml`), channel(n, 'first'));
    await writeFile(join(folder, 'maps', `map-${n}.map.yaml`), map(n));
    await writeFile(join(folder, 'tables', `codes-${n}.csv`), table(n));
  }
}

/** Makes another channel of one, so that it has to be deployed anew. */
export async function changeChannel(folder: string, n: number, round: number): Promise<void> {
  await writeFile(join(folder, `channel-${n}.channel.yaml`), channel(n, `round-${round}`));
}

function channel(n: number, label: string): string {
  return `channel: channel-${n}
labels: { group: bench, round: ${label} }
source: { mllp: { endpoint: in-${n} } }
filter: { MSH-9.1: ADT }
key: ['PID-3[5=MR]', 'MRG-1[5=MR]']
duplicates: detect
steps:
  - mapping: { file: maps/map-${n}.map.yaml }
destinations:
  lab:
    filter: { MSH-9.2: [A28], PV1-2: { not: P } }
    to: { mllp: { endpoint: lab-${n} } }
    response: { AE: dead-letter, AR: retry, none: retry }
    retry: { initialMs: 1000, maxMs: 60000 }
  archive:
    input: source
    filter: { any: [{ MSH-9.2: A40 }, { PV1-2: { exists: false } }] }
    to: { file: { endpoint: archive-${n} } }
  rest:
    filter: { PID-8: [F, M, O, U] }
    to: { discard: {} }
`;
}

function map(n: number): string {
  const sets = Array.from({ length: 10 }, (_, i) => `      NK1-${i + 10}: { from: NK1-${i + 10}, do: [trim] }`).join(
    '\n',
  );
  return `map: map-${n}
from: hl7v2
to: hl7v2
zone: Europe/Berlin
rules:
  - set:
      MSH-3: WEIR-${n}
      PV1-2: { from: PV1-2, table: codes-${n}, unknown: pass }
      PID-5.1: { from: PID-5.1, do: [upper] }
      PID-13.1: { from: [PID-13.1, PID-14.1], default: none }
      PID-11.3: '\${PID-11.3|trim}'
  - when: { NK1-1: { exists: true } }
    set:
${sets}
  - when: { MSH-9.2: A03 }
    delete: [NK1, AL1]
`;
}

function table(n: number): string {
  const rows = Array.from({ length: 40 }, (_, i) => `C${i},L${i}`).join('\n');
  return `# table: codes-${n}\n# owner: Bench\n# version: 1\ncode,lab\nI,INP\nO,OUT\nE,EMG\n${rows}\n`;
}
