import { z } from 'zod';
import { adapters } from '../adapters/index.ts';
import { connectors } from '../connectors/index.ts';
import { channelKeys, destinationKeys } from '../core/config/channel-yaml.ts';
import { problemCodes } from '../core/config/problem.ts';
import { endpointKinds } from '../core/endpoint.ts';
import { errorCodes } from '../core/errors.ts';
import { settingsSchema } from '../hub/settings.ts';
import { transforms } from '../transforms/index.ts';
import { commandPage } from './command-page.ts';
import { componentsPage, type DescribedComponent } from './component-page.ts';
import { formatJson, inputSchema, type JsonSchema, oneOf } from './json-schema.ts';
import { keyTable } from './key-table.ts';

/** Every reference page and JSON Schema, by its path below `docs/`. */
export function pages(): ReadonlyMap<string, string> {
  return new Map([
    [
      'reference/adapters.md',
      componentsPage(
        'Adapters',
        'Where messages come from: `source:` of a channel, `.from(…)` in TypeScript.',
        sorted(adapters),
        (type, config) => ({ source: { [type]: config } }),
      ),
    ],
    [
      'reference/connectors.md',
      componentsPage(
        'Connectors',
        'Where messages go: `to:` of a destination, `.to(name, …)` in TypeScript.',
        sorted(connectors),
        (type, config) => ({ to: { [type]: config } }),
      ),
    ],
    [
      'reference/transforms.md',
      componentsPage(
        'Transforms',
        'What changes messages on the way: `steps:`, `.through(…)` or `via(…)` in TypeScript.',
        sorted(transforms),
        (type, config) => ({ steps: [{ [type]: config }] }),
      ),
    ],
    ['reference/channels.md', channelsPage()],
    ['reference/environment.md', environmentPage()],
    [
      'reference/settings.md',
      `# Settings\n\nThe keys of \`weir.yaml\`. Without a file every default holds.\n\n${keyTable(inputSchema(settingsSchema))}\n`,
    ],
    ['reference/errors.md', errorsPage()],
    ['reference/command-line.md', commandPage()],
    ['schemas/channel.schema.json', schemaFile('A Weir channel', channelSchema())],
    ['schemas/environment.schema.json', schemaFile('An environment of Weir channels', environmentSchema())],
    ['schemas/settings.schema.json', schemaFile('The settings of a Weir hub', inputSchema(settingsSchema))],
  ]);
}

function sorted(components: readonly DescribedComponent[]): readonly DescribedComponent[] {
  return components.toSorted((a, b) => (a.type < b.type ? -1 : 1));
}

function schemaFile(title: string, schema: JsonSchema): string {
  return formatJson({ $schema: 'https://json-schema.org/draft/2020-12/schema', title, ...schema });
}

function channelsPage(): string {
  return `# Channels

The keys of a \`*.channel.yaml\`. In TypeScript the options are the second argument of \`defineChannel\`, and those of a destination
the third one of \`.to\`.

${keyTable(inputSchema(channelKeys))}

- \`source\` takes the name of one of the [adapters](adapters.md) with its configuration.
- \`steps\` is a list: \`filter: …\`, \`script: ./x.ts\` (its default export is the step), or one of the [transforms](transforms.md).
- \`filter\` is a mapping that holds when each entry does: \`PATH: value\`, \`PATH: [a, b]\`, \`PATH: { not: … }\`, \`{ any: […] }\`,
  \`{ all: […] }\`, \`{ exists: true }\`; \`any\`, \`all\` and \`not\` combine filters. A path may choose: \`OBX[8=HH][11=F]\`.

## Destinations

The keys of each entry of \`destinations\`.

${keyTable(inputSchema(destinationKeys))}

\`to\` takes the name of one of the [connectors](connectors.md) with its configuration; \`steps\` and \`filter\` are as above.
`;
}

function environmentPage(): string {
  const kinds = Object.entries(endpointKinds).map(([kind, schema]) => `## ${kind}\n\n${keyTable(inputSchema(schema))}`);
  return `# Environments

\`env/<name>.yaml\` beside the channels says where their endpoints are: \`endpoints:\` by name, each with its \`kind\` and the keys of
that kind. Secrets are references: \`\${env:NAME}\` or \`\${file:path}\`; \`\${stateDir}\` is the hub's state folder.

${kinds.join('\n\n')}
`;
}

function errorsPage(): string {
  return `# Errors

What the log, \`weir messages\`, \`weir show\` and the admin API call an error. Codes are never reused.

${codeTable(errorCodes)}

## Problems of configuration files

What deploying says of a file, with its line and column.

${codeTable(problemCodes)}
`;
}

function codeTable(codes: Readonly<Record<string, string>>): string {
  return [
    '| Code | Meaning |',
    '|---|---|',
    ...Object.entries(codes).map(([code, meaning]) => `| \`${code}\` | ${meaning} |`),
  ].join('\n');
}

function channelSchema(): JsonSchema {
  const step: JsonSchema = {
    anyOf: [
      oneOf(transforms),
      { type: 'object', properties: { filter: {} }, required: ['filter'], additionalProperties: false },
      {
        type: 'object',
        properties: { script: { type: 'string', pattern: '\\.ts$' } },
        required: ['script'],
        additionalProperties: false,
      },
    ],
  };
  const steps: JsonSchema = { type: 'array', items: step };
  const destination = inputSchema(destinationKeys);
  const channel = inputSchema(channelKeys);
  const destinations: JsonSchema = {
    ...property(channel, 'destinations'),
    type: 'object',
    minProperties: 1,
    additionalProperties: withProperties(destination, { to: oneOf(connectors), steps }, ['to']),
  };
  return withProperties(channel, { source: oneOf(adapters), steps, destinations }, ['source']);
}

function property(schema: JsonSchema, name: string): JsonSchema {
  const found = schema.properties?.[name];
  return typeof found === 'object' ? found : {};
}

/** The schema with more said of some of its properties; their descriptions stay. */
function withProperties(
  schema: JsonSchema,
  said: Readonly<Record<string, JsonSchema>>,
  required: readonly string[],
): JsonSchema {
  const properties = { ...schema.properties };
  for (const [name, more] of Object.entries(said)) {
    const { description } = property(schema, name);
    properties[name] = description === undefined ? more : { ...more, description };
  }
  return { ...schema, properties, required: [...new Set([...(schema.required ?? []), ...required])] };
}

function environmentSchema(): JsonSchema {
  const kinds = Object.entries(endpointKinds).map(([kind, schema]) =>
    inputSchema(z.strictObject({ kind: z.literal(kind), ...schema.shape })),
  );
  return {
    type: 'object',
    properties: {
      endpoints: {
        description: 'Endpoints by the names that channels use.',
        type: 'object',
        additionalProperties: { anyOf: kinds },
      },
    },
    additionalProperties: false,
  };
}
