const good: Readonly<Record<string, string>> = {
  'env/demo.yaml': `endpoints:
  in: { kind: tcp-listen, listen: 2590 }
  in2: { kind: tcp-listen, listen: 2591 }
  far: { kind: tcp-connect, host: lab.example, port: 2592 }
  archive: { kind: directory, path: archive }
`,
};

const top = 'channel: a\nsource: { mllp: { endpoint: in } }\n';
const end = 'destinations:\n  lab: { to: { mllp: { endpoint: far } } }\n';
const one = (text: string, more: Readonly<Record<string, string>> = {}) => ({
  ...good,
  'a.channel.yaml': text,
  ...more,
});
/** A channel with lines between its source and its destinations: they begin at line 3. */
const within = (lines: string, more: Readonly<Record<string, string>> = {}) => one(`${top}${lines}${end}`, more);
/** A channel whose one destination has these lines, from line 5. */
const lab = (lines: string, more: Readonly<Record<string, string>> = {}) =>
  one(`${top}destinations:\n  lab:\n${lines}`, more);
const to = '    to: { mllp: { endpoint: far } }\n';
const map = 'map: m\nfrom: hl7v2\nto: hl7v2\nrules:\n  - set: { PID-1: x }\n';
const wards = '# table: wards\n# owner: Wards\n# version: 1\ncode,name\nICU,Intensive care\n';
const link = (name: string, next: string) =>
  `channel: ${name}\nsource: { channel: {} }\nformat: hl7v2\ndestinations:\n  on: { to: { channel: { name: ${next} } } }\n`;

/** Channel files with mistakes, by what is wrong with them. */
export const cases: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  // YAML
  ['an empty file', one('')],
  ['a list', one('- channel: a\n')],
  ['a wrong indentation', one('channel: a\n  source: x\n')],
  ['a tab', one('channel: a\nsource:\n\tmllp: {}\n')],
  [
    'a tab among keys that look as if they stood elsewhere because of it',
    one(
      'channel: a\nsource: { mllp: { endpoint: in } }\ndestinations:\n  b:\n    order: key\n\tfilter: { MSH-9.1: ADT }\n    to: { discard: {} }\n',
    ),
  ],
  [
    'a line that begins a column too early',
    one(
      'channel: a\nsource: { mllp: { endpoint: in } }\ndestinations:\n  b:\n    order: key\n   filter: { MSH-9.1: ADT }\n    to: { discard: {} }\n',
    ),
  ],
  ['a bracket that is not closed', one(`${top}key: [PID-3\n${end}`)],
  ['a key twice', one(`${top}${top}${end}`)],
  ['an unknown alias', within('filter: *adt\n')],
  // keys
  ['a key with a typo', within('ackafter: stored\n')],
  ['a key of a destination at the channel', within('order: strict\n')],
  ['a key that nothing is like', within('wibble: 1\n')],
  ['no name', one(`source: { mllp: { endpoint: in } }\n${end}`)],
  ['a name with a blank', one(`channel: my channel\nsource: { mllp: { endpoint: in } }\n${end}`)],
  ['no source', one(`channel: a\n${end}`)],
  ['no destinations', one(top)],
  ['an empty list of destinations', one(`${top}destinations: {}\n`)],
  ['a destination without to', lab('    order: key\n')],
  ['a word that is none', within('ackAfter: setled\n')],
  ['a number that is text', within('ackTimeoutMs: soon\n')],
  ['a negative number', within('limits: { maxInFlight: -1 }\n')],
  ['a size that is none', within('limits: { maxBacklogBytes: 5 parsecs }\n')],
  ['a typo deep inside', within('limits: { maxInFligth: 5 }\n')],
  ['a placement that is none', within('placement: evry\n')],
  ['unmatched with a wrong code', within('unmatched: { reply: AX, as: eror }\n')],
  ['a label that is no text', within('labels: { group: 7 }\n')],
  // components
  ['an unknown source', one(`channel: a\nsource: { mlpp: { endpoint: in } }\n${end}`)],
  ['two sources', one(`channel: a\nsource: { mllp: { endpoint: in }, http: {} }\n${end}`)],
  ['a source as text', one(`channel: a\nsource: mllp\n${end}`)],
  ['a typo in a source', one(`channel: a\nsource: { mllp: { endpiont: in } }\n${end}`)],
  ['an unknown destination', lab('    to: { mlp: { endpoint: far } }\n')],
  ['an unknown endpoint', one(`channel: a\nsource: { mllp: { endpoint: inn } }\n${end}`)],
  ['an endpoint of another kind', one(`channel: a\nsource: { mllp: { endpoint: far } }\n${end}`)],
  ['a wrong response table', lab(`${to}    response: { AE: dead-leter }\n`)],
  ['an unknown format', within('format: hl7\n')],
  ['an unknown step', within('steps: [maping: { file: x.map.yaml }]\n')],
  ['steps that are no list', within('steps: { mapping: { file: x.map.yaml } }\n')],
  ['formats that do not fit', within('steps: [hl7v2-to-lab-result: {}, hl7v2-to-lab-result: {}]\n')],
  ['a destination that takes another format', within('steps: [hl7v2-to-lab-result: {}]\n')],
  // paths and filters
  ['a path that cannot be read', within('filter: { PID-3[: x }\n')],
  ['an unknown segment', within('filter: { PDI-3: x }\n')],
  ['an unknown field', within('filter: { MSH-99: x }\n')],
  ['a path as other engines write it', within('filter: { PID.3: x }\n')],
  ['keys with two mistakes', within("key: ['PDI-3', 'PID-3[55=MR]']\n")],
  ['a filter word that is none', within('filter: { PV1-2: { is: I } }\n')],
  ['a filter word with a typo', within('filter: { PV1-2: { exist: true } }\n')],
  ['a filter that is a list', within('filter: [PV1-2]\n')],
  ['an empty filter', within('filter: {}\n')],
  ['an empty list of values', within('filter: { PV1-2: [] }\n')],
  ['exists with a text', within('filter: { PV1-2: { exists: maybe } }\n')],
  ['any without a list', within('filter: { any: { PV1-2: I } }\n')],
  // tables, maps, scripts, profiles
  ['a table that is not there', within('filter: { PV1-3: { table: ward } }\n', { 'tables/wards.csv': wards })],
  ['a map that is not there', within('steps: [mapping: { file: lab.map.yaml }]\n')],
  [
    'a map with a mistake',
    within('steps: [mapping: { file: lab.map.yaml }]\n', { 'lab.map.yaml': map.replace('PID-1', 'PDI-1') }),
  ],
  ['a script that is not there', within('steps: [script: ./x.ts]\n')],
  ['a script without a step', within('steps: [script: ./x.ts]\n', { 'x.ts': 'export const x = 1;\n' })],
  [
    'a profile that is not there',
    within('profile: main-her\n', { 'profiles/main-ehr.profile.yaml': 'profile: main-ehr\n' }),
  ],
  [
    'a profile with mistakes',
    within('profile: p\n', {
      'profiles/p.profile.yaml':
        'profile: p\ncharest: 8859/1\nzone: Europe/Berlyn\nlineEnds: crlf\nsource: { mllp: { acknowledgement: { mode: orignal } }, mlpp: {} }\nconformance:\n  segments: { PDI: {}, ZPI: { fields: { 2: { type: XQ } } } }\n  tables: { 1: [M], 99999: [x] }\n  required: { ADT_A99: [PID] }\nsites: { N: { source: {} } }\n',
    }),
  ],
  [
    'profiles that extend each other',
    within('profile: p\n', {
      'profiles/p.profile.yaml': 'profile: p\nextends: q\n',
      'profiles/q.profile.yaml': 'profile: q\nextends: p\n',
    }),
  ],
  [
    'a profile with another name, and no parent',
    within('', { 'profiles/p.profile.yaml': 'profile: q\nextends: base\n' }),
  ],
  [
    'a profile for another format',
    one(
      'channel: a\nsource: { http: { endpoint: in, path: /x } }\nformat: json\nprofile: p\ndestinations:\n  kept: { to: { discard: {} } }\n',
      { 'profiles/p.profile.yaml': 'profile: p\n' },
    ),
  ],
  [
    'profile defaults that a source refuses',
    within('profile: p\n', { 'profiles/p.profile.yaml': 'profile: p\nsource: { mllp: { maxConnections: 0 } }\n' }),
  ],
  // split and collect
  ['a split at an unknown segment', lab(`    split: OBQ\n${to}`)],
  ['a split at an unknown group', lab(`    split: ORDER_OBSERVATOIN\n${to}`)],
  ['a split that says nothing', lab(`    split: {}\n${to}`)],
  ['a split with a typo', lab(`    split: { docment: OBX-5 }\n${to}`)],
  ['a document in a component', lab('    split: { document: OBX-5.5 }\n    to: { file: { endpoint: archive } }\n')],
  [
    'a split of what has no parts',
    lab('    steps: [hl7v2-to-lab-result: {}, split: observations]\n    to: { publish: { topic: lab.result.v1 } }\n'),
  ],
  [
    'a collection that is never closed',
    lab('    collect: { envelope: { lines: {} } }\n    to: { file: { endpoint: archive } }\n'),
  ],
  ['a collection for one that takes messages', lab(`    collect: { count: 5, envelope: { lines: {} } }\n${to}`)],
  [
    'a schedule that is none',
    lab('    collect: { schedule: every day, envelope: { lines: {} } }\n    to: { file: { endpoint: archive } }\n'),
  ],
  [
    'a schedule that never comes',
    lab('    collect: { schedule: 0 0 31 2 *, envelope: { lines: {} } }\n    to: { file: { endpoint: archive } }\n'),
  ],
  [
    'a schedule in no zone',
    lab(
      '    collect: { schedule: 0 2 * * *, zone: Europe/Berlyn, envelope: { lines: {} } }\n    to: { file: { endpoint: archive } }\n',
    ),
  ],
  [
    'an unknown envelope',
    lab('    collect: { count: 5, envelope: { hl7-bach: {} } }\n    to: { file: { endpoint: archive } }\n'),
  ],
  [
    'a collection without an envelope',
    lab('    collect: { count: 0, whenEmtpy: send }\n    to: { file: { endpoint: archive } }\n'),
  ],
  [
    'an envelope with a typo',
    lab('    collect: { count: 5, envelope: { lines: { headr: x } } }\n    to: { file: { endpoint: archive } }\n'),
  ],
  // names
  ['unknown destinations in ackOn and replyFrom', within('ackAfter: settled\nackOn: [labb]\nreplyFrom: ris\n')],
  [
    'tests that name what is not there',
    within(
      'tests:\n  - given: no.hl7\n    labb: filtered\n    responses: { ris: AA }\n  - { lab: filtered }\n  - { given: no.hl7, lab: { error: step-faild } }\n',
    ),
  ],
  // answers
  ['reject after stored', within('validation: reject\n')],
  [
    'validation of what has no definitions',
    one(
      'channel: a\nsource: { http: { endpoint: in, path: /x } }\nformat: json\nvalidation: report\ndestinations:\n  kept: { to: { discard: {} } }\n',
    ),
  ],
  ['a query that nobody answers', within('mode: query\n')],
  ['a query with duplicates', within('mode: query\nreplyFrom: lab\nduplicates: detect\n')],
  ['steps of a reply without a reply', within('reply: [hl7v2-to-lab-result: {}]\n')],
  ['a reply that is split', within('replyFrom: lab\nreply: [splitt: OBR]\n')],
  [
    'a collection that a sender waits for',
    lab(
      '    collect: { count: 2, envelope: { hl7-batch: {} } }\n    to: { file: { endpoint: archive } }\nackAfter: settled\n',
    ),
  ],
  ['a mode that is none', within('mode: qeury\n')],
  ['a test whose message is not there', within('tests: [{ given: no.hl7, lab: filtered }]\n')],
  // between channels
  ['one name twice', { ...one(`${top}${end}`), 'b.channel.yaml': `${top.replace('in }', 'in2 }')}${end}` }],
  [
    'two channels on one endpoint',
    { ...one(`${top}${end}`), 'b.channel.yaml': `${top.replace('channel: a', 'channel: b')}${end}` },
  ],
  [
    'two endpoints on one port',
    {
      ...one(`${top}${end}`),
      'b.channel.yaml': `${top.replace('channel: a', 'channel: b').replace('in }', 'in2 }')}${end}`,
      'env/demo.yaml': good['env/demo.yaml']!.replace('2591', '2590'),
    },
  ],
  ['a link to no channel', one(link('a', 'b'))],
  ['links in a circle', { ...one(link('a', 'b')), 'b.channel.yaml': link('b', 'a') }],
  ['a link to itself', one(link('a', 'a'))],
  // environment
  [
    'a literal secret in an environment',
    one(`${top}${end}`, { 'env/demo.yaml': `${good['env/demo.yaml']}  api: { kind: bearer-token, token: s3cr3t }\n` }),
  ],
  ['a literal secret in a channel', lab('    to: { http: { endpoint: far, headers: { x-api-key: 12ab } } }\n')],
  [
    'an environment with mistakes',
    one(`${top}${end}`, {
      'env/demo.yaml': `${good['env/demo.yaml']}zone: Berlin\nprocesing: P\nacceptProcessing: [X]\n`,
    }),
  ],
  // all at once
  [
    'mistakes of several files, all in one go',
    {
      ...one(
        `channel: a\nackafter: stored\nsource: { mllp: { endpoint: inn } }\nkey: PDI-3\nfilter: { PV1-2: { is: I } }\ndestinations:\n  lab: { to: { mlp: {} }, order: sometimes }\n`,
      ),
      'b.channel.yaml': 'channel: b\nsource: [\n',
      'profiles/p.profile.yaml': 'profile: p\ncharest: x\n',
      'tables/wards.csv': wards.replace('# owner: Wards\n', ''),
    },
  ],
];
