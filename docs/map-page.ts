import type { z } from 'zod';
import { tableHeader } from '../core/tables/table-header.ts';
import { functions } from '../transforms/mapping/functions.ts';
import { expressionSchema, mapTop, ruleSchemas } from '../transforms/mapping/map-schema.ts';
import { inputSchema } from './json-schema.ts';
import { keyTable, takes } from './key-table.ts';

/** A map that shows most of the language; a test compiles and runs it. */
export const exampleMap = `map: oru-to-app
description: Results for the ward's application.
from: { hl7v2: { structures: [ORU_R01] } }
to: json
zone: Europe/Berlin
rules:
  - set:
      patient.mrn: { from: 'PID-3[5=MR].1', whenEmpty: error }
      patient.name: '\${PID-5.1|upper}, \${PID-5.2}'
      patient.born: { from: PID-7, date: iso }
      patient.sex: { from: PID-8, table: administrative-sex, unknown: pass }
  - each: ORDER_OBSERVATION
    rules:
      - insert: orders
        fields:
          placer: { from: [ORC-2.1, OBR-2.1] }
          final: { choose: [{ when: { OBR-25: [F, C] }, use: true }, { use: false }] }
      - each: OBX
        when: { OBX-11: { not: X } }
        rules:
          - insert: orders.results
            fields:
              code: { from: OBX-3.1 }
              value: { from: OBX-5, do: [trim] }
              unit: { from: OBX-6.1, default: none }
`;

/** A code table that the map uses. */
export const exampleTable = `# table: administrative-sex
# owner: Patient administration
# version: 2026-03
code,fhir,effectiveFrom
M,male,
F,female,
X,other,2018-12-22
`;

export function mapPage(): string {
  const verbs = Object.entries(ruleSchemas).map(
    ([verb, schema]) => `### ${verb}\n\n${keyTable(inputSchema((schema as z.ZodObject).omit({ when: true })))}`,
  );
  const listed = [...functions.values()].map(({ name, summary, bare, arguments: given }) => {
    const { description: _, ...schema } = inputSchema(given);
    const keys = keyTable(schema);
    const said = keys.startsWith('|') ? keys : `It takes ${takes(schema)}.`;
    return `### ${name}\n\n${summary}${bare ? '' : `\n\n${said}`}`;
  });
  return `# Maps

A map is a \`*.map.yaml\` beside the channels: it changes a message field by field, without code. A channel or a destination runs it
with \`steps: [mapping: { file: lab.map.yaml }]\`, in TypeScript with
\`.through(transforms.mapping({ file: 'lab.map.yaml' }, { from: hl7v2, to: hl7v2 }))\`. What it takes and gives is what \`from\` and
\`to\` say. Editors complete and check maps with [map.schema.json](../schemas/map.schema.json).

\`\`\`yaml
${exampleMap}\`\`\`

Paths into HL7 are those of filters (\`PID-3[5=MR].1\`, \`OBX[8=HH]-5\`), into JSON \`patient.name\`, \`orders[0].code\` (from 0),
\`orders[].code\` (every one), \`ids[type=MR].value\`; columns of text files have their names, with the type of the record before them where
there are several: \`item.code\`. A path that HL7 does not have is a mistake of the map. In a loop a path means the item where the item
has such a place, and with a leading \`/\` the whole message. \`$name\` is a value of \`let\`, \`$index\` the position in the loop, from 1;
\`$id\`, \`$channel\`, \`$receivedAt\` and \`$meta.name\` are of the message.

Rules run from top to bottom and read the source as it came. A message that a map fails on is an error that names the map, the line and
the rule, and nothing of the content.

${keyTable(inputSchema(mapTop))}

## Rules

Each does one of these; \`when\` says where it holds.

${verbs.join('\n\n')}

## Values

A text (\`'\${PID-5.1|upper}'\`), \`null\`, or a mapping with one of \`from\`, \`value\`, \`join\` and \`choose\`:

${keyTable(inputSchema(expressionSchema))}

## Functions

In \`do:\`, one after the other. Those without arguments may also follow a path in a text: \`\${PID-5.1|upper}\`.

${listed.join('\n\n')}
`;
}

export function tablePage(): string {
  return `# Code tables

A code table is a file of \`tables/\` in the channels folder: CSV whose header stands in \`#\` lines at its top (or, as YAML, in
\`x.csv.yaml\` beside \`x.csv\`), or YAML with \`rows:\`. Maps look codes up in it.

\`\`\`csv
${exampleTable}\`\`\`

${keyTable(inputSchema(tableHeader))}

\`effectiveFrom\` and \`effectiveTo\` are columns that say when a row is in force: a day, which counts whole in UTC, or an instant with its
zone. What counts is when the message was received. A code may have several rows that are in force one after the other.

\`weir deploy\` reads the tables anew. Each channel that uses a table that changed has a new version then; a mistake in one changes
nothing. \`weir tables list\` shows those in force, \`weir tables unknown\` the codes that maps passed on because a table did not have them.
`;
}
