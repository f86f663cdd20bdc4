import { admission, discharge, result } from './messages.ts';

const channel = `# Admissions, transfers and discharges of the EHR, for everybody who needs them.
# weir explain adt-fanout says in words what this file does.
channel: adt-fanout
labels: { group: admission }
source: { mllp: { endpoint: ehr-adt-in } }
# Only ADT; anything else is answered positively and kept as filtered.
filter: { MSH-9.1: ADT }
# Messages of one patient stay in order, those of a merge with both patients.
key: ['PID-3[5=MR]', 'MRG-1[5=MR]']
# A message that comes twice is answered again, and processed once.
duplicates: detect
destinations:
  ris:
    # No pre-admissions, and only events that the radiology system knows.
    filter: { MSH-9.2: [A01, A02, A03, A08, A40], PV1-2: { not: P } }
    to: { mllp: { endpoint: ris-adt } }
    # AE is about the content: the same bytes would be refused again. AR is the far end's own trouble.
    response: { AE: dead-letter, AR: retry }
    retry: { initialMs: 1000, maxMs: 60000 }
  lab:
    filter: { MSH-9.2: [A01, A03, A08] }
    steps: [mapping: { file: maps/adt-to-lab.map.yaml }]
    to: { mllp: { endpoint: lab-adt } }
  archive:
    # As it came, whatever the steps do.
    input: source
    to: { file: { endpoint: archive-adt } }
# weir test runs these, without a hub and without a far end. A key that is no key of tests is a destination.
tests:
  - name: an admission goes to everybody
    given: tests/adt-a01.hl7
    reply: AA
    ris: tests/expected/adt-a01.ris.hl7
    lab: tests/expected/adt-a01.lab.hl7
  - name: the laboratory gets its own code for an inpatient, also at the discharge
    given: tests/adt-a03.hl7
    lab: tests/expected/adt-a03.lab.hl7
  - name: the radiology system is busy once, and gets the message then
    given: tests/adt-a01.hl7
    responses: { ris: [AR, AA] }
    ris: tests/expected/adt-a01.ris.hl7
  - name: what the laboratory refuses is a dead letter there, and nowhere else
    given: tests/adt-a01.hl7
    responses: { lab: AE }
    lab: { error: reply-negative }
    ris: tests/expected/adt-a01.ris.hl7
  - name: results are not for this channel
    given: tests/oru-r01.hl7
    reply: AA
    ris: filtered
    lab: filtered
    archive: filtered
`;

const map = `# What the laboratory needs otherwise. weir try adt-fanout tests/adt-a01.hl7 shows what it changes.
map: adt-to-lab
description: ADT as the laboratory system wants it.
from: hl7v2
to: hl7v2
rules:
  - set:
      MSH-5: LAB
      # Its own codes; one that the table does not have is passed on, and listed by weir tables unknown.
      PV1-2: { from: PV1-2, table: patient-class, unknown: pass }
      PID-5.1: { from: PID-5.1, do: [upper] }
`;

const table = `# table: patient-class
# owner: Laboratory
# version: 2026-03
code,lab
I,INP
O,OUT
E,EMG
`;

const test = `# Where everything is on the test system. weir check --env test --connect opens each.
zone: Europe/Berlin
endpoints:
  ehr-adt-in: { kind: tcp-listen, listen: 2575 }
  ris-adt: { kind: tcp-connect, host: 127.0.0.1, port: 2591 }
  lab-adt: { kind: tcp-connect, host: 127.0.0.1, port: 2592 }
  archive-adt: { kind: directory, path: '\${stateDir}/archive/adt' }
`;

const production = `# Where everything is in production. weir diff test production says what a promotion changes.
zone: Europe/Berlin
endpoints:
  ehr-adt-in: { kind: tcp-listen, listen: 2575, host: 0.0.0.0 }
  ris-adt: { kind: tcp-connect, host: ris.hospital.example, port: 2591 }
  lab-adt: { kind: tcp-connect, host: lab.hospital.example, port: 2592 }
  # A secret never stands here: '\${env:NAME}' or '\${file:/run/secrets/name}'.
  archive-adt: { kind: directory, path: '\${stateDir}/archive/adt' }
`;

const settings = `# Settings of the hub: weir docs settings
channels: channels
environment: test
stateDir: state
`;

const readme = `# Channels

The interfaces of our hospital, as Weir runs them.

| Folder | What is in it |
|---|---|
| \`channels/*.channel.yaml\` | a channel each: source, filters, steps, destinations, tests |
| \`channels/maps/\` | what happens field by field |
| \`channels/tables/\` | code tables |
| \`channels/profiles/\` | what senders do in their own way |
| \`channels/env/\` | where endpoints are, for each environment |
| \`channels/tests/\` | messages of people who do not exist, and what is expected |
| \`schemas/\` | what an editor completes YAML from; \`weir schema --to schemas\` writes them anew |

## Every day

\`\`\`sh
weir check                     # everything that is wrong, with file, line and column
weir check --connect           # and whether every endpoint can be reached from here
weir test                      # runs the tests; --watch runs them again when a file changes
weir test --update             # writes what was sent into the expected files, after a question for each
weir explain adt-fanout        # what the channel does, in words; --type ADT^A08 says who takes such a message
weir try adt-fanout channels/tests/adt-a01.hl7    # what each step makes of one message; nothing is sent
weir diff test production      # what a promotion changes
weir docs mllp                 # the reference of a component; weir docs lists them
weir new channel lab-results   # also: profile, mapping, table
\`\`\`

## The hub

\`\`\`sh
weir start                     # runs the channels, until Ctrl-C
weir deploy --reason "…"       # makes the running hub read the files anew; connections stay open
weir channels                  # how everything stands
\`\`\`
`;

const ignored = `# What a hub keeps: never in version control.
state/
node_modules/
.env
`;

const attributes = `# HL7 files keep their line ends.
*.hl7 -text
`;

const editor = {
  'yaml.schemas': {
    './schemas/channel.schema.json': '**/*.channel.yaml',
    './schemas/map.schema.json': '**/*.map.yaml',
    './schemas/table.schema.json': '**/tables/*.yaml',
    './schemas/profile.schema.json': '**/profiles/*.profile.yaml',
    './schemas/device-profile.schema.json': '**/devices/*.profile.yaml',
    './schemas/test.schema.json': '**/*.test.yaml',
    './schemas/environment.schema.json': '**/env/*.yaml',
    './schemas/alerts.schema.json': '**/alerts.yaml',
    './schemas/settings.schema.json': 'weir.yaml',
  },
  'files.associations': { '*.hl7': 'plaintext' },
};

const lab = (message: string) =>
  message.replace('|WEIR|', '|LAB|').replace('|Berger^', '|BERGER^').replace('PV1|1|I|', 'PV1|1|INP|');

/**
 * A hospital's own repository, by path: what `weir init` writes. It is right as it is.
 * @param schemas the JSON Schemas by name
 */
export function repository(schemas: ReadonlyMap<string, string>): Readonly<Record<string, string>> {
  const mapped = Object.entries(editor['yaml.schemas']).filter(([path]) =>
    schemas.has(/schemas\/(.+)\.schema/.exec(path)![1]!),
  );
  return {
    'weir.yaml': settings,
    'README.md': readme,
    '.gitignore': ignored,
    '.gitattributes': attributes,
    '.vscode/settings.json': `${JSON.stringify({ ...editor, 'yaml.schemas': Object.fromEntries(mapped) }, undefined, 2)}\n`,
    '.vscode/extensions.json': `${JSON.stringify({ recommendations: ['redhat.vscode-yaml'] }, undefined, 2)}\n`,
    'channels/adt-fanout.channel.yaml': channel,
    'channels/maps/adt-to-lab.map.yaml': map,
    'channels/tables/patient-class.csv': table,
    'channels/profiles/.gitkeep': '',
    'channels/env/test.yaml': test,
    'channels/env/production.yaml': production,
    'channels/tests/adt-a01.hl7': admission,
    'channels/tests/adt-a03.hl7': discharge,
    'channels/tests/oru-r01.hl7': result,
    'channels/tests/expected/adt-a01.ris.hl7': admission,
    'channels/tests/expected/adt-a01.lab.hl7': lab(admission),
    'channels/tests/expected/adt-a03.lab.hl7': lab(discharge),
    ...Object.fromEntries([...schemas].map(([name, text]) => [`schemas/${name}.schema.json`, text])),
  };
}
