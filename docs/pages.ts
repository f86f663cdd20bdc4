import { z } from 'zod';
import { adapters } from '../adapters/index.ts';
import { connectors } from '../connectors/index.ts';
import { envelopes } from '../contracts/envelopes/index.ts';
import { channelKeys, collectKeys, destinationKeys, splitKeys } from '../core/config/channel-keys.ts';
import { environmentKeys } from '../core/config/environment.ts';
import { problemCodes } from '../core/config/problem.ts';
import { endpointKinds } from '../core/endpoint.ts';
import { errorCodes } from '../core/errors.ts';
import { yamlTable } from '../core/tables/table-header.ts';
import { testFile } from '../hub/cli/test/test-file.ts';
import { settingsSchema } from '../hub/settings.ts';
import { transforms } from '../transforms/index.ts';
import { mapJsonSchema } from '../transforms/mapping/map-schema.ts';
import { alertsPage, alertsSchema } from './alerts-page.ts';
import { componentsPage, type DescribedComponent } from './component-page.ts';
import { deviceProfilePage, deviceProfileSchema } from './device-profile-page.ts';
import { formatJson, inputSchema, type JsonSchema, oneOf } from './json-schema.ts';
import { keyTable } from './key-table.ts';
import { mapPage, tablePage } from './map-page.ts';
import { profilePage, profileSchema } from './profile-page.ts';

/** Every reference page but that of the command line, and every JSON Schema, by its path below `docs/`. */
export function referencePages(): ReadonlyMap<string, string> {
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
    ['reference/maps.md', mapPage()],
    ['reference/tables.md', tablePage()],
    ['reference/profiles.md', profilePage()],
    ['reference/device-profiles.md', deviceProfilePage()],
    ['reference/environment.md', environmentPage()],
    [
      'reference/settings.md',
      `# Settings\n\nThe keys of \`weir.yaml\`. Without a file every default holds.\n\n${keyTable(inputSchema(settingsSchema))}\n`,
    ],
    ['reference/alerts.md', alertsPage()],
    ['reference/errors.md', errorsPage()],
    ['schemas/channel.schema.json', schemaFile('A Weir channel', channelSchema())],
    ['schemas/map.schema.json', schemaFile('A map of Weir channels', mapJsonSchema())],
    ['schemas/table.schema.json', schemaFile('A code table of Weir channels', inputSchema(yamlTable))],
    ['schemas/profile.schema.json', schemaFile('A sender profile of Weir channels', profileSchema())],
    ['schemas/device-profile.schema.json', schemaFile('A device profile of Weir channels', deviceProfileSchema())],
    ['schemas/test.schema.json', schemaFile('Tests of a Weir channel', inputSchema(testFile))],
    ['schemas/environment.schema.json', schemaFile('An environment of Weir channels', environmentSchema())],
    ['schemas/alerts.schema.json', schemaFile('The alerts of a Weir hub', alertsSchema())],
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
- \`steps\` is a list: \`filter: …\`, \`script: ./x.ts\` (its default export is the step), or one of the [transforms](transforms.md), such as
  \`mapping: { file: lab.map.yaml }\`, a [map](maps.md).
- \`split\` among the steps, or as a key of a destination, makes several messages of one: of each segment (\`OBR\`) or group
  (\`ORDER_OBSERVATION\`) of HL7, with what stands before the first and what belongs to it; of the items at a path of JSON (\`orders\`);
  of the records of delimited text (\`row\`). \`{ document: OBX-5 }\` makes a file of each ED value; connectors name it
  \`\${meta.document.name}\`. A message with nothing to split is filtered.
- \`filter\` is a mapping that holds when each entry does. \`PATH: value\` and \`PATH: [a, b]\`: any value at the path is, or is one of.
  \`PATH: { not: … }\`: no value is. \`{ some: { not: … } }\`: one of the values is something else. \`{ any: […] }\` and \`{ all: […] }\` combine
  such conditions, \`{ exists: true }\` asks whether anything is there, \`{ table: wards }\` whether a value is a code of that
  [code table](tables.md). Around paths, \`any: […]\`, \`all: […]\` and \`not: …\` combine filters. A path may choose: \`OBX[8=HH][11=F]\`.
- \`profile\` names a [sender profile](profiles.md).
- \`reply\` takes steps as \`steps\` does.
- \`source: { channel: { name: other } }\` takes what the destination \`to: { channel: { name: this } }\` of another channel gives; what it is
  read as says \`format\`. Links that go in a circle are a mistake.
- \`tests\` is a list. Each has \`given\`, the path of a message, or \`sequence\`, several of them; for each destination by its name what is
  expected: the path of a file, \`filtered\`, \`{ text: … }\`, \`{ error: code }\`, or a list of these for several outputs; \`responses\` of
  far ends by destination: \`AA\`, \`AE\` and so on, \`none\`, \`timeout\`, or the path of a file; and \`reply\`, what the sender gets.

## Destinations

The keys of each entry of \`destinations\`.

${keyTable(inputSchema(destinationKeys))}

\`to\` takes the name of one of the [connectors](connectors.md) with its configuration; \`steps\`, \`split\` and \`filter\` are as above.

## Envelopes

What \`collect\` puts messages into: \`collect: { count: 500, schedule: 0 2 * * *, zone: Europe/Berlin, envelope: { hl7-batch: {} } }\`.

${envelopes.map(({ type, summary, config }) => `### ${type}\n\n${summary}\n\n${keyTable(inputSchema(config))}`).join('\n\n')}
`;
}

function environmentPage(): string {
  const kinds = Object.entries(endpointKinds).map(([kind, schema]) => `## ${kind}\n\n${keyTable(inputSchema(schema))}`);
  return `# Environments

\`env/<name>.yaml\` beside the channels says where their endpoints are: \`endpoints:\` by name, each with its \`kind\` and the keys of
that kind. Beside them:

${keyTable(inputSchema(environmentKeys.omit({ endpoints: true })))}

Secrets are references: \`\${env:NAME}\` or \`\${file:path}\`; \`\${stateDir}\` is the hub's state folder.

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
  const split: JsonSchema = { anyOf: [{ type: 'string' }, inputSchema(splitKeys)] };
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
      { type: 'object', properties: { split }, required: ['split'], additionalProperties: false },
    ],
  };
  const steps: JsonSchema = { type: 'array', items: step };
  const destination = inputSchema(destinationKeys);
  const collect = withProperties(inputSchema(collectKeys), { envelope: oneOf(envelopes) }, ['envelope']);
  const channel = inputSchema(channelKeys);
  const destinations: JsonSchema = {
    ...property(channel, 'destinations'),
    type: 'object',
    minProperties: 1,
    additionalProperties: withProperties(destination, { to: oneOf(connectors), steps, split, collect }, ['to']),
  };
  return withProperties(channel, { source: oneOf(adapters), steps, reply: steps, destinations }, ['source']);
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
      ...inputSchema(environmentKeys.omit({ endpoints: true })).properties,
    },
    additionalProperties: false,
  };
}
