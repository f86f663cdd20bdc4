import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { shownPath } from '../../../core/config/shown-path.ts';
import { isMapping, YamlFile } from '../../../core/config/yaml-file.ts';
import { readSettings } from '../../settings.ts';
import { CommandFailure, type ExitCode, exit } from '../exit.ts';
import { type FolderOptions, isShipped } from '../offline/folder.ts';
import { print } from '../output.ts';
import { admission } from './messages.ts';
import { newChannel, newMapping, newProfile, newTable } from './templates.ts';
import { writeNew } from './write-new.ts';

export const kinds = ['channel', 'profile', 'mapping', 'table'] as const;
export type NewKind = (typeof kinds)[number];

/** `weir new <kind> <name>`: a file to begin with, with comments; a channel with a first test. What is there is never overwritten. */
export async function createNew(kind: NewKind, name: string, options: FolderOptions): Promise<ExitCode> {
  if (!/^[a-z0-9][a-z0-9-]*$/.test(name))
    throw new CommandFailure(exit.usage, `a name has lower-case letters, digits and "-", not ${name}`);
  if (isShipped(options))
    throw new CommandFailure(
      exit.failed,
      'there is no weir.yaml here or above: weir init <folder> makes a folder of your own, --channels names one',
    );
  const { channels, environment } = readSettings({
    config: options.config,
    channels: options.channels,
    environment: options.env,
  });
  if (!existsSync(channels))
    throw new CommandFailure(exit.failed, `${shownPath(channels)}: there is no such folder; weir init makes one`);
  switch (kind) {
    case 'channel': {
      await writeNew(channels, { [`${name}.channel.yaml`]: newChannel(name), [`tests/${name}.hl7`]: admission });
      await addEndpoint(join(channels, 'env', `${environment}.yaml`), `${name}-in`);
      print(
        `\nweir test ${shownPath(join(channels, `${name}.channel.yaml`))} runs its first test; weir explain ${name} says what it does`,
      );
      break;
    }
    case 'profile':
      await writeNew(channels, { [`profiles/${name}.profile.yaml`]: newProfile(name) });
      print(`\na channel takes it with profile: ${name}; weir docs profile lists the keys`);
      break;
    case 'mapping':
      await writeNew(channels, { [`maps/${name}.map.yaml`]: newMapping(name) });
      print(
        `\na channel takes it with steps: [mapping: { file: maps/${name}.map.yaml }]; weir docs map lists the keys`,
      );
      break;
    case 'table':
      await writeNew(channels, { [`tables/${name}.csv`]: newTable(name) });
      print(`\na map takes it with { from: PV1-2, table: ${name} }; weir docs table lists the keys`);
      break;
    default:
      kind satisfies never;
  }
  return exit.done;
}

/** Adds a listening endpoint at the end of an environment file, on a port that it does not use. What stands there stays as it is. */
async function addEndpoint(path: string, name: string): Promise<void> {
  const before = existsSync(path) ? await readFile(path, 'utf8') : undefined;
  const port = freePortIn(before);
  const line = `  ${name}: { kind: tcp-listen, listen: ${port} }\n`;
  if (before === undefined) {
    await writeNew(dirname(path), {
      [path.slice(dirname(path).length + 1)]: `# Where endpoints are: weir docs environment\nendpoints:\n${line}`,
    });
    return;
  }
  const after = `${before.trimEnd()}\n${line}`;
  const there = endpointsOf(before);
  const then = endpointsOf(after);
  if (there && Object.hasOwn(there, name)) return;
  if (there && then && Object.hasOwn(then, name) && Object.keys(then).length === Object.keys(there).length + 1) {
    await writeFile(path, after);
    print(`${shownPath(path)}: ${name} added, listening on ${port}`);
  } else print(`add this to endpoints: in ${shownPath(path)}:\n${line}`);
}

function endpointsOf(text: string): Readonly<Record<string, unknown>> | undefined {
  const { value, problems } = new YamlFile('', text);
  return problems.length === 0 && isMapping(value) && isMapping(value.endpoints) ? value.endpoints : undefined;
}

function freePortIn(text: string | undefined): number {
  const ports = Object.values((text && endpointsOf(text)) || {}).map((each) =>
    isMapping(each) ? Number(each.listen ?? each.port) : Number.NaN,
  );
  const used = new Set(ports);
  let port = 2600;
  while (used.has(port)) port += 1;
  return port;
}
