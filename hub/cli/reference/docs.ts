import { stringify } from 'yaml';
import type { z } from 'zod';
import { profileKeys } from '../../../contracts/sender-profile/keys.ts';
import { channelKeys, destinationKeys } from '../../../core/config/channel-keys.ts';
import { channelTest } from '../../../core/config/channel-tests.ts';
import { environmentKeys } from '../../../core/config/environment.ts';
import { problemCodes } from '../../../core/config/problem.ts';
import { profileFileKeys } from '../../../core/config/profile-format.ts';
import { choices, type Registry } from '../../../core/config/registry.ts';
import { didYouMean } from '../../../core/config/suggestion.ts';
import { endpointKinds } from '../../../core/endpoint.ts';
import { errorCodes } from '../../../core/errors.ts';
import { tableHeader } from '../../../core/tables/table-header.ts';
import { inputSchema } from '../../../docs/json-schema.ts';
import { keyRows } from '../../../docs/key-table.ts';
import { functions } from '../../../transforms/mapping/functions.ts';
import { expressionSchema, mapTop, ruleSchemas } from '../../../transforms/mapping/map-schema.ts';
import { shippedRegistry } from '../../registry.ts';
import { settingsSchema } from '../../settings.ts';
import { CommandFailure, type ExitCode, exit } from '../exit.ts';
import { print, printJson } from '../output.ts';
import { testFile } from '../test/test-file.ts';

/** One heading of the reference, with its keys and examples. */
interface Entry {
  readonly title: string;
  readonly summary: string;
  readonly schema?: z.ZodType;
  readonly examples?: readonly string[];
  readonly lines?: readonly string[];
}

/** `weir docs [name]`: the reference of a component, of the keys of a file, or of a code, in the terminal. */
export function docs(name: string | undefined, { json }: { readonly json?: boolean }): ExitCode {
  const registry = shippedRegistry();
  if (name === undefined) {
    const list = contents(registry);
    if (json) printJson(list);
    else
      for (const [kind, names] of Object.entries(list))
        print(`${kind.padEnd(12)} ${wrapped(names.join(', '), 100 - 13).join(`\n${' '.repeat(13)}`)}`);
    return exit.done;
  }
  const found = entries(name, registry);
  if (found.length === 0) {
    const known = Object.values(contents(registry)).flat();
    const hint = didYouMean(name, known) || choices(known);
    throw new CommandFailure(exit.notFound, `there is no page on ${name}${hint}`);
  }
  if (json)
    printJson(found.map(({ schema, ...entry }) => ({ ...entry, ...(schema && { schema: inputSchema(schema) }) })));
  else for (const entry of found) printEntry(entry);
  return exit.done;
}

const files: Readonly<Record<string, () => readonly Entry[]>> = {
  channel: () => [
    { title: 'channel', summary: 'The keys of a *.channel.yaml.', schema: channelKeys },
    { title: 'destination', summary: 'The keys of each entry of destinations:.', schema: destinationKeys },
    {
      title: 'tests',
      summary: 'The keys of each entry of tests:. Any other key is the name of a destination.',
      schema: channelTest,
    },
  ],
  test: () => [{ title: 'test', summary: 'The keys of a *.test.yaml beside the channels.', schema: testFile }],
  map: () => [
    { title: 'map', summary: 'The keys of a *.map.yaml.', schema: mapTop },
    ...Object.entries(ruleSchemas).map(([verb, schema]) => ({
      title: `rule: ${verb}`,
      summary: 'A rule of a map.',
      schema,
    })),
    {
      title: 'values',
      summary: 'A text, null, or a mapping with one of from, value, join and choose.',
      schema: expressionSchema,
    },
  ],
  functions: () =>
    [...functions.values()].map(({ name, summary, arguments: schema }) => ({ title: name, summary, schema })),
  table: () => [
    {
      title: 'table',
      summary: 'The header of a code table: in # lines at the top of a CSV file.',
      schema: tableHeader,
    },
  ],
  profile: () => [
    {
      title: 'profile',
      summary: 'The keys of a profiles/<name>.profile.yaml.',
      schema: profileFileKeys.extend(profileKeys.shape),
    },
  ],
  environment: () => [
    { title: 'environment', summary: 'The keys of an env/<name>.yaml.', schema: environmentKeys },
    ...Object.entries(endpointKinds).map(([kind, schema]) => ({
      title: `endpoint: ${kind}`,
      summary: 'Beside its kind:',
      schema,
    })),
  ],
  settings: () => [{ title: 'settings', summary: 'The keys of weir.yaml.', schema: settingsSchema }],
};

function contents({
  adapters,
  connectors,
  transforms,
  filters,
}: Registry): Readonly<Record<string, readonly string[]>> {
  return {
    files: Object.keys(files),
    sources: [...adapters.keys()].sort(),
    destinations: [...connectors.keys()].sort(),
    steps: [...transforms.keys(), ...filters.keys()].sort(),
    codes: ['errors', 'problems'],
  };
}

function entries(name: string, { adapters, connectors, transforms, filters }: Registry): readonly Entry[] {
  const file = Object.hasOwn(files, name) ? files[name]!() : [];
  const part = Object.values(files)
    .flatMap((each) => each())
    .filter(({ title }) => title === name || title.endsWith(`: ${name}`));
  const code = ({ ...errorCodes, ...problemCodes } as Readonly<Record<string, string>>)[name];
  const list = { errors: errorCodes, problems: problemCodes }[name];
  return [
    ...component(adapters.get(name), 'source', (config) => ({ source: { [name]: config } })),
    ...component(connectors.get(name), 'destination', (config) => ({ to: { [name]: config } })),
    ...component(transforms.get(name) ?? filters.get(name), 'step', (config) => ({ steps: [{ [name]: config }] })),
    ...(file.length > 0 ? file : part),
    ...(list
      ? [
          {
            title: name,
            summary: 'Every code, with what it means.',
            lines: Object.entries(list).map(([each, what]) => `${each}: ${what}`),
          },
        ]
      : []),
    ...(code === undefined ? [] : [{ title: name, summary: code }]),
  ];
}

interface Described {
  readonly type: string;
  readonly summary: string;
  readonly config: z.ZodType;
  readonly examples: readonly { readonly title: string; readonly config: unknown }[];
}

function component(found: Described | undefined, kind: string, within: (config: unknown) => unknown): readonly Entry[] {
  if (!found) return [];
  const examples = found.examples.map(
    ({ title, config }) => `# ${title}\n${stringify(within(config), { lineWidth: 90 })}`,
  );
  return [{ title: `${kind}: ${found.type}`, summary: found.summary, schema: found.config, examples }];
}

function printEntry({ title, summary, schema, examples = [], lines = [] }: Entry): void {
  print(`${title}\n  ${summary}`);
  for (const line of lines) print(`  ${line}`);
  const rows = schema ? keyRows(inputSchema(schema)) : [];
  for (const { key, takes, fallback, text } of rows) {
    const standard = fallback === 'needed' ? 'needed' : fallback === '' ? '' : `default ${fallback}`;
    print(`\n  ${key}  ${[plain(takes), plain(standard)].filter((each) => each !== '').join('; ')}`);
    for (const line of wrapped(plain(text), 94)) print(`      ${line}`);
  }
  for (const example of examples) print(`\n${example.trimEnd().replace(/^/gm, '  ')}`);
  print('');
}

/** Without the marks of a page. */
function plain(text: string): string {
  return text.replaceAll('`', '');
}

function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + word.length + 1 > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return line === '' ? lines : [...lines, line];
}
