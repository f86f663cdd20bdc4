import { alarmKeys, type ContentKind, contentKeys, headKeys } from '../contracts/device-profile/keys.ts';
import { inputSchema, type JsonSchema } from './json-schema.ts';
import { keyTable } from './key-table.ts';

/** How each kind of profile is called, and the transport and framing by which it is known. */
const kinds: Readonly<
  Record<ContentKind, { readonly title: string; readonly transport: string; readonly section: string }>
> = {
  'modbus-tcp': { title: 'Modbus over TCP', transport: 'modbus-tcp', section: 'modbus' },
  'modbus-rtu': { title: 'Modbus on a serial line', transport: 'modbus-rtu', section: 'modbus' },
  nonin: { title: 'Serial: pulse oximeters', transport: 'serial', section: 'serial' },
  text: { title: 'Serial: frames of text', transport: 'serial', section: 'serial' },
  binary: { title: 'Serial: binary frames', transport: 'serial', section: 'serial' },
  mqtt: { title: 'MQTT', transport: 'mqtt', section: 'mqtt' },
  astm: { title: 'ASTM analyzers', transport: 'astm', section: 'astm' },
};

/** The reference page of device profiles. */
export function deviceProfilePage(): string {
  const own = Object.entries(kinds).map(([kind, { title, transport, section }]) => {
    const { properties = {} } = inputSchema(contentKeys[kind as ContentKind]);
    // The section of a serial line is the same for all framings, and stands with the first.
    const table = kind === 'text' || kind === 'binary' ? '' : `${keyTable(within(section, properties))}\n\n`;
    const points = (properties.points as JsonSchema).items as JsonSchema;
    return `## ${title}\n\n\`transport: ${transport}\`\n\n${table}Points:\n\n${keyTable(together(points))}\n`;
  });
  const { properties = {} } = inputSchema(contentKeys.mqtt);
  return `# Device profiles

\`devices/<name>.profile.yaml\` in the channels folder says how devices of one make are read, without code: how they are reached, what
they measure, in which units and codes, and what raises an alarm. One profile serves as many devices as its list has. The step
[\`device-to-reading\`](transforms.md) makes readings of what they send.

\`\`\`yaml
profile: isolation-room
transport: modbus-tcp
modbus:
  host: \${HOST}
  unit: 1
  addressing: modicon
  groups: { fast: { everyMs: 1000 } }
devices:
  - { id: iso-301, location: Room 301, variables: { HOST: 10.20.3.41 } }
  - { id: iso-302, location: Room 302, variables: { HOST: 10.20.3.42 } }
points:
  - id: pressure
    read: { address: 30001 }
    type: i16
    scale: 0.1
    unit: Pa
    invalid: [0x7FFF]
    plausible: { min: -100, max: 100 }
alarms:
  - { id: pressure-lost, when: pressure > -2.5, clearWhen: pressure <= -4, raiseAfterMs: 30000, priority: high, latching: true }
  - { id: silent, noDataMs: 15000, priority: medium }
\`\`\`

${keyTable(inputSchema(headKeys))}

- \`\${NAME}\` may stand wherever a device differs from another. A text that is nothing but one variable becomes its very value.
- A point that is not in what a device sends has no reading; one that says that it has no value has a reading without one, whose
  validity is \`Inv\`, \`Oflw\` or \`Uflw\`. The last value never takes its place.
- A unit is one of [UCUM](https://ucum.org), case sensitive: \`mm[Hg]\`, not mmHg.

${own.join('\n')}
## Clock, alarms and route

${keyTable(within('clock', properties))}
${rowsOnly(keyTable(within('route', properties)))}

Alarms:

${keyTable(inputSchema(alarmKeys))}

A condition compares points with \`<\`, \`<=\`, \`>\`, \`>=\`, \`=\` and \`!=\`, or asks whether one is \`invalid\`; several are joined by \`and\`, or
by \`or\`. It holds for as long as can be told from the last reading of each point.
`;
}

/** What an editor completes a device profile from. */
export function deviceProfileSchema(): JsonSchema {
  const head = inputSchema(headKeys);
  const either = Object.entries(kinds).map(([kind, { transport }]) => {
    const content = inputSchema(contentKeys[kind as ContentKind]);
    const properties = withVariables({ ...content.properties }) as Record<string, JsonSchema>;
    return {
      type: 'object',
      properties: {
        ...head.properties,
        ...properties,
        transport: { ...(head.properties?.transport as JsonSchema), enum: [transport] },
      },
      required: [...(head.required ?? []), ...(content.required ?? [])],
      additionalProperties: false,
    } as JsonSchema;
  });
  return { anyOf: either };
}

/** A variable may stand for a number. */
function withVariables(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withVariables);
  if (typeof value !== 'object' || value === null) return value;
  const schema = Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, withVariables(each)]),
  ) as JsonSchema;
  if ((schema.type !== 'number' && schema.type !== 'integer') || typeof value !== 'object') return schema;
  const { description, default: fallback, ...rest } = schema;
  return {
    ...(description !== undefined && { description }),
    ...(fallback !== undefined && { default: fallback }),
    anyOf: [rest, { type: 'string', pattern: '^\\$\\{[A-Z][A-Z0-9_]*\\}$' }],
  };
}

function within(name: string, properties: NonNullable<JsonSchema['properties']>): JsonSchema {
  return { type: 'object', properties: { [name]: properties[name]! } };
}

/** The keys of all members of a union; needed are those that every one needs. */
function together(schema: JsonSchema): JsonSchema {
  const members = (schema.oneOf ?? schema.anyOf ?? [schema]) as readonly JsonSchema[];
  const properties: Record<string, JsonSchema> = {};
  for (const member of members)
    for (const [key, property] of Object.entries(member.properties ?? {}))
      properties[key] = key in properties ? joined(properties[key]!, property as JsonSchema) : (property as JsonSchema);
  const required = Object.keys(properties).filter((key) => members.every((each) => each.required?.includes(key)));
  return { type: 'object', properties, required };
}

/** Of a key that several members have with words of their own, all of them. */
function joined(a: JsonSchema, b: JsonSchema): JsonSchema {
  const words = (schema: JsonSchema) => schema.enum ?? (schema.const === undefined ? undefined : [schema.const]);
  const [wordsOfA, wordsOfB] = [words(a), words(b)];
  if (!wordsOfA || !wordsOfB) return a;
  const description = [...new Set([a.description, b.description])].join(' ');
  return { description, enum: [...new Set([...wordsOfA, ...wordsOfB])] } as JsonSchema;
}

function rowsOnly(table: string): string {
  return table.split('\n').slice(2).join('\n');
}
