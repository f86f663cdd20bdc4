import type { z } from 'zod';
import { adapters } from '../adapters/index.ts';
import { profileKeys } from '../contracts/sender-profile/keys.ts';
import { profileFileKeys } from '../core/config/profile-format.ts';
import { inputSchema, type JsonSchema } from './json-schema.ts';
import { keyTable } from './key-table.ts';

/** The reference page of sender profiles. */
export function profilePage(): string {
  return `# Sender profiles

\`profiles/<name>.profile.yaml\` in the channels folder says what a sender does in its own way; a channel names it with \`profile:\`, in
TypeScript \`withProfile(adapters.mllp({ … }), 'main-ehr')\`, or with \`senderProfile('main-ehr', { … })\` in place of the name. The bytes
stay as they were received; what filters, keys, steps and destinations get is normalised. A destination with \`input: source\` gets what
was received.

\`\`\`yaml
profile: main-ehr
extends: vendor
charset: 8859/1
zone: Europe/Berlin
lineEnds: cr
aliases: { application: { OLDLAB: LAB } }
conformance:
  segments: { ZPI: { fields: { 2: { name: Ward, required: true } } } }
  tables: { 0001: [F, M, U] }
source: { mllp: { acknowledgement: { mode: original }, storeRefusal: AE } }
sites:
  NORTH: { charset: UNICODE UTF-8 }
\`\`\`

${keyTable(inputSchema(profileKeysOfFile()))}

- \`conformance\` is what \`validation\` of a channel looks for beside the standard. In \`segments\`, \`fields\` have \`name\`, \`type\`,
  \`required\`, \`max\`, \`length\` and \`table\`, by number.
- \`sites\` has for a site, by MSH-4.1 as its alias has it, the keys \`charset\`, \`lineEnds\`, \`aliases\` and \`conformance\`; mappings are
  merged with those of the profile.
- \`source\` takes keys of the [adapters](adapters.md) by their type; a channel that says the same key itself comes first.
- With \`extends\`, mappings are merged key by key; of texts and lists the profile's own holds.
`;
}

function profileKeysOfFile() {
  return profileFileKeys.extend(profileKeys.shape);
}

/** What an editor completes a profile from. */
export function profileSchema(): JsonSchema {
  const schema = inputSchema(profileKeysOfFile());
  const source: JsonSchema = {
    ...(schema.properties?.source as JsonSchema),
    type: 'object',
    properties: Object.fromEntries(
      adapters.map(({ type, config }) => [type, withoutNeeds(inputSchema(config as z.ZodType))]),
    ),
    additionalProperties: false,
  };
  return { ...schema, properties: { ...schema.properties, source } };
}

/** Defaults say only what the channel does not. */
function withoutNeeds({ required: _, ...schema }: JsonSchema): JsonSchema {
  return schema;
}
