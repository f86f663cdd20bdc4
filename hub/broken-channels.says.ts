import { adapters } from '../adapters/index.ts';

const sources = adapters
  .map(({ type }) => type)
  .sort()
  .join(', ');

/** All that `weir check` says of each of the broken channel files. */
export const says: Readonly<Record<string, readonly string[]>> = {
  'an empty file': ['a.channel.yaml:1:1 key-missing the file is empty'],
  'a list': ['a.channel.yaml:1:1 value-invalid the file: Invalid input: expected object, received array'],
  'a wrong indentation': [
    'a.channel.yaml:1:10 yaml-syntax Nested mappings are not allowed in compact mappings',
    'a.channel.yaml:1:10 yaml-syntax Implicit keys need to be on a single line',
  ],
  'a tab': ['a.channel.yaml:3:1 yaml-syntax Tabs are not allowed as indentation'],
  'a tab among keys that look as if they stood elsewhere because of it': [
    'a.channel.yaml:6:1 yaml-syntax Tabs are not allowed as indentation',
  ],
  'a line that begins a column too early': [
    'a.channel.yaml:6:1 yaml-syntax All mapping items must start at the same column',
  ],
  'a bracket that is not closed': [
    'a.channel.yaml:4:1 yaml-syntax Flow sequence in block collection must be sufficiently indented and end with a ]',
  ],
  'a key twice': [
    'a.channel.yaml:3:1 yaml-syntax Map keys must be unique',
    'a.channel.yaml:4:1 yaml-syntax Map keys must be unique',
  ],
  'an unknown alias': ['a.channel.yaml:3:9 yaml-syntax there is no anchor &adt before this'],
  'a key with a typo': ['a.channel.yaml:3:1 key-unknown ackafter: no such key – did you mean ackAfter?'],
  'a key of a destination at the channel': ['a.channel.yaml:3:1 key-unknown order: no such key'],
  'a key that nothing is like': ['a.channel.yaml:3:1 key-unknown wibble: no such key'],
  'no name': ['a.channel.yaml:1:1 key-missing channel is missing'],
  'a name with a blank': [
    'a.channel.yaml:1:10 wiring-invalid defining channel my channel: a channel’s name has lower-case letters, digits and "-"',
  ],
  'no source': ['a.channel.yaml:1:1 key-missing source is missing'],
  'no destinations': ['a.channel.yaml:1:1 key-missing destinations is missing'],
  'an empty list of destinations': ['a.channel.yaml:3:15 value-invalid destinations: at least one is needed'],
  'a destination without to': ['a.channel.yaml:5:5 key-missing destinations.lab.to is missing'],
  'a word that is none': [
    'a.channel.yaml:3:11 value-invalid ackAfter: Invalid option: expected one of "stored"|"transformed"|"settled" – did you mean settled?',
  ],
  'a number that is text': [
    'a.channel.yaml:3:15 value-invalid ackTimeoutMs: Invalid input: expected number, received string',
  ],
  'a negative number': ['a.channel.yaml:3:24 value-invalid limits.maxInFlight: Too small: expected number to be >0'],
  'a size that is none': ['a.channel.yaml:3:28 value-invalid limits.maxBacklogBytes: a size like 64MB'],
  'a typo deep inside': ['a.channel.yaml:3:11 key-unknown limits.maxInFligth: no such key – did you mean maxInFlight?'],
  'a placement that is none': [
    'a.channel.yaml:3:12 value-invalid placement: Invalid option: expected one of "every"|"one" – did you mean every?',
  ],
  'unmatched with a wrong code': [
    'a.channel.yaml:3:21 value-invalid unmatched.reply: Invalid option: expected one of "AA"|"AE"|"AR"',
    'a.channel.yaml:3:29 value-invalid unmatched.as: Invalid option: expected one of "filtered"|"error" – did you mean error?',
  ],
  'a label that is no text': [
    'a.channel.yaml:3:18 value-invalid labels.group: Invalid input: expected string, received number',
  ],
  'an unknown source': ['a.channel.yaml:2:11 component-unknown source.mlpp: no such source – did you mean mllp?'],
  'two sources': [
    `a.channel.yaml:2:9 value-invalid source: one source with its configuration is needed; known: ${sources}`,
  ],
  'a source as text': [
    `a.channel.yaml:2:9 value-invalid source: one source with its configuration is needed; known: ${sources}`,
  ],
  'a typo in a source': [
    'a.channel.yaml:2:17 value-invalid source.mllp: either endpoint or connect',
    'a.channel.yaml:2:19 key-unknown source.mllp.endpiont: no such key – did you mean endpoint?',
  ],
  'an unknown destination': [
    'a.channel.yaml:5:11 component-unknown destinations.lab.to.mlp: no such destination – did you mean mllp?',
  ],
  'an unknown endpoint': [
    'a.channel.yaml:2:29 endpoint-unknown source.mllp.endpoint: the environment has no endpoint inn – did you mean in?',
  ],
  'an endpoint of another kind': [
    'a.channel.yaml:2:29 value-invalid source.mllp.endpoint: far is a tcp-connect endpoint, and mllp needs tcp-listen',
  ],
  'a wrong response table': [
    'a.channel.yaml:6:21 value-invalid destinations.lab.response.AE: Invalid option: expected one of "accept"|"dead-letter"|"retry" – did you mean dead-letter?',
  ],
  'an unknown format': ['a.channel.yaml:3:9 component-unknown format: no format hl7 – did you mean hl7v2?'],
  'an unknown step': ['a.channel.yaml:3:9 component-unknown steps.0.maping: no such step – did you mean mapping?'],
  'steps that are no list': ['a.channel.yaml:3:8 value-invalid steps: a list of steps is needed'],
  'formats that do not fit': [
    'a.channel.yaml:3:34 wiring-invalid defining channel a: hl7v2-to-lab-result takes hl7v2, but gets lab.result.v1',
  ],
  'a destination that takes another format': [
    'a.channel.yaml:5:8 wiring-invalid defining channel a: destination lab (mllp) takes hl7v2, but gets lab.result.v1',
  ],
  'a path that cannot be read': [
    'a.channel.yaml:3:16 yaml-syntax Missing , or : between flow map items',
    'a.channel.yaml:3:21 yaml-syntax Flow sequence in block collection must be sufficiently indented and end with a ]',
  ],
  'an unknown segment': ['a.channel.yaml:3:11 path-invalid PDI-3: HL7 2.8 has no segment PDI – did you mean PID-3?'],
  'an unknown field': ['a.channel.yaml:3:11 path-invalid MSH-99: MSH has 25 fields in HL7 2.8'],
  'a path as other engines write it': [
    'a.channel.yaml:3:11 path-invalid PID.3: reading an HL7 path: expected "-" or "[" at position 3 – did you mean PID-3?',
  ],
  'keys with two mistakes': [
    'a.channel.yaml:3:7 path-invalid PDI-3: HL7 2.8 has no segment PDI – did you mean PID-3?',
    'a.channel.yaml:3:16 path-invalid PID-3[55=MR]: PID-3 is CX in HL7 2.8, which has 12 components',
  ],
  'a filter word that is none': [
    'a.channel.yaml:3:20 key-unknown is: a filter knows not, any, all, some, exists, table',
  ],
  'a filter word with a typo': [
    'a.channel.yaml:3:20 key-unknown exist: a filter knows not, any, all, some, exists, table – did you mean exists?',
  ],
  'a filter that is a list': [
    'a.channel.yaml:3:9 value-invalid filter: a filter is a mapping of paths to what they must be',
  ],
  'an empty filter': ['a.channel.yaml:3:9 value-invalid filter: a filter is a mapping of paths to what they must be'],
  'an empty list of values': [
    'a.channel.yaml:3:18 value-invalid filter.PV1-2: a value, a list of values, or one of not, any, all, some, exists, table is needed',
  ],
  'exists with a text': ['a.channel.yaml:3:28 value-invalid filter.PV1-2.exists: true or false is needed'],
  'any without a list': ['a.channel.yaml:3:16 value-invalid filter.any: a list of filters is needed'],
  'a table that is not there': [
    'a.channel.yaml:3:27 table-unknown filter.PV1-3.table: there is no table ward – did you mean wards?',
  ],
  'a map that is not there': [
    'a.channel.yaml:3:18 file-unreadable steps.0.mapping: lab.map.yaml: there is no such file',
  ],
  'a map with a mistake': [
    'lab.map.yaml:5:12 path-invalid rules.0.set.PDI-1: HL7 2.8 has no segment PDI – did you mean PID-1?',
  ],
  'a script that is not there': ['a.channel.yaml:3:17 code-failed ./x.ts: there is no such file'],
  'a script without a step': ['a.channel.yaml:3:17 value-invalid ./x.ts: its default export is no function'],
  'a profile that is not there': [
    'a.channel.yaml:3:10 profile-unknown profile: there is no profile main-her – did you mean main-ehr?',
  ],
  'a profile with mistakes': [
    'profiles/p.profile.yaml:2:1 key-unknown charest: no such key – did you mean charset?',
    'profiles/p.profile.yaml:3:7 value-invalid zone: a time zone like Europe/Berlin',
    'profiles/p.profile.yaml:4:11 value-invalid lineEnds: Invalid option: expected one of "as-received"|"cr"|"join"',
    'profiles/p.profile.yaml:5:44 value-invalid source.mllp.acknowledgement.mode: Invalid option: expected one of "header"|"original"|"none" – did you mean original?',
    'profiles/p.profile.yaml:5:57 component-unknown source.mlpp: no such source – did you mean mllp?',
    'profiles/p.profile.yaml:7:15 value-invalid conformance.segments.PDI: HL7 2.5.1 has no segment PDI; did you mean PID?',
    'profiles/p.profile.yaml:7:46 value-invalid conformance.segments.ZPI.fields.2.type: HL7 2.5.1 has no data type XQ',
    'profiles/p.profile.yaml:8:21 value-invalid conformance.tables.99999: a table has a number of four digits',
    'profiles/p.profile.yaml:9:15 value-invalid conformance.required.ADT_A99: HL7 2.5.1 has no message structure ADT_A99; did you mean ADT_A09 or ADT_A39?',
    'profiles/p.profile.yaml:10:15 key-unknown sites.N.source: no such key',
  ],
  'profiles that extend each other': [
    'profiles/p.profile.yaml:2:10 value-invalid extends: p would extend itself',
    'profiles/q.profile.yaml:2:10 value-invalid extends: q would extend itself',
  ],
  'a profile with another name, and no parent': [
    'profiles/p.profile.yaml:1:10 value-invalid profile: the file is called p.profile.yaml, the profile q',
    'profiles/p.profile.yaml:2:10 profile-unknown extends: there is no profile base',
  ],
  'a profile for another format': ['a.channel.yaml:4:10 wiring-invalid profile: p is about hl7v2, not json'],
  'profile defaults that a source refuses': [
    'profiles/p.profile.yaml:2:35 value-invalid source.mllp.maxConnections: Too small: expected number to be >0',
  ],
  'a split at an unknown segment': [
    'a.channel.yaml:5:12 path-invalid destinations.lab.split: HL7 2.8 has no segment OBQ – did you mean OBR?',
  ],
  'a split at an unknown group': [
    'a.channel.yaml:5:12 path-invalid destinations.lab.split: no version of HL7 has a group ORDER_OBSERVATOIN',
  ],
  'a split that says nothing': ['a.channel.yaml:5:12 key-missing destinations.lab.split.document is missing'],
  'a split with a typo': [
    'a.channel.yaml:5:12 key-missing destinations.lab.split.document is missing',
    'a.channel.yaml:5:14 key-unknown destinations.lab.split.docment: no such key – did you mean document?',
  ],
  'a document in a component': [
    'a.channel.yaml:5:24 path-invalid destinations.lab.split.document: OBX-5.5: the field that holds documents is needed, as OBX-5',
  ],
  'a split of what has no parts': [
    'a.channel.yaml:5:45 value-invalid destinations.lab.steps.1.split: lab.result.v1 cannot be split in this way',
  ],
  'a collection that is never closed': [
    'a.channel.yaml:5:14 value-invalid destinations.lab.collect: configuring collect: count, schedule or maxWaitMs is needed',
  ],
  'a collection for one that takes messages': [
    'a.channel.yaml:5:14 value-invalid destinations.lab.collect: configuring collect: mllp takes hl7v2, not the bytes of a collection; file, sftp, http or publish do',
  ],
  'a schedule that is none': [
    'a.channel.yaml:5:26 value-invalid destinations.lab.collect.schedule: every day is no cron expression; one is 30 6 * * 1-5',
  ],
  'a schedule that never comes': [
    'a.channel.yaml:5:26 value-invalid destinations.lab.collect.schedule: 0 0 31 2 * never comes',
  ],
  'a schedule in no zone': [
    'a.channel.yaml:5:43 value-invalid destinations.lab.collect.zone: there is no time zone Europe/Berlyn: a name like Europe/Berlin is needed',
  ],
  'an unknown envelope': [
    'a.channel.yaml:5:38 component-unknown destinations.lab.collect.envelope.hl7-bach: no such envelope – did you mean hl7-batch?',
  ],
  'a collection without an envelope': [
    'a.channel.yaml:5:14 key-missing destinations.lab.collect.envelope is missing',
    'a.channel.yaml:5:23 value-invalid destinations.lab.collect.count: Too small: expected number to be >=1',
    'a.channel.yaml:5:26 key-unknown destinations.lab.collect.whenEmtpy: no such key – did you mean whenEmpty?',
  ],
  'an envelope with a typo': [
    'a.channel.yaml:5:47 key-unknown destinations.lab.collect.envelope.lines.headr: no such key – did you mean header?',
  ],
  'unknown destinations in ackOn and replyFrom': [
    'a.channel.yaml:4:9 destination-unknown ackOn.0: no destination labb – did you mean lab?',
    'a.channel.yaml:5:12 destination-unknown replyFrom: no destination ris; known: lab',
  ],
  'tests that name what is not there': [
    'a.channel.yaml:5:5 destination-unknown tests.0.labb: no destination labb – did you mean lab?',
    'a.channel.yaml:6:18 destination-unknown tests.0.responses.ris: no destination ris; known: lab',
    'a.channel.yaml:7:5 value-invalid tests.1: either given or sequence',
    'a.channel.yaml:8:27 value-invalid tests.2.lab: `filtered`, the path of a file, { text: … }, { error: code }, or a list of them',
  ],
  'reject after stored': [
    'a.channel.yaml:3:13 wiring-invalid validation: reject needs ackAfter transformed or settled, for after stored a message has been accepted',
  ],
  'validation of what has no definitions': [
    'a.channel.yaml:4:13 wiring-invalid validation: nothing says what is wrong with json',
  ],
  'a query that nobody answers': [
    'a.channel.yaml:3:7 wiring-invalid mode: query needs replyFrom, the destination that answers',
  ],
  'a query with duplicates': [
    'a.channel.yaml:7:8 wiring-invalid defining channel a: duplicates: a question that is asked again is answered again',
  ],
  'steps of a reply without a reply': [
    'a.channel.yaml:3:8 wiring-invalid reply: there is no replyFrom whose answer it is',
  ],
  'a reply that is split': ['a.channel.yaml:4:9 component-unknown reply.0.splitt: no such step – did you mean split?'],
  'a collection that a sender waits for': [
    'a.channel.yaml:5:5 wiring-invalid defining channel a: lab collects, so no sender can wait for it: ackOn has to name the others',
  ],
  'a mode that is none': [
    'a.channel.yaml:3:7 value-invalid mode: Invalid option: expected one of "message"|"query" – did you mean query?',
  ],
  'one name twice': ['b.channel.yaml:1:10 name-taken the channel a is defined in a.channel.yaml too'],
  'two channels on one endpoint': [
    'b.channel.yaml:2:29 name-taken source: in (port 2590) belongs to the channel a already (a.channel.yaml)',
  ],
  'two endpoints on one port': [
    'env/demo.yaml:3:36 name-taken endpoints.in2.listen: port 2590 is that of in already, which the channel a listens on',
  ],
  'a link to no channel': [
    'a.channel.yaml:5:32 channel-unknown destinations.on.to.channel.name: there is no channel b; known: a',
  ],
  'links in a circle': [
    'b.channel.yaml:5:32 links-circular destinations.on.to.channel.name: messages would go in a circle: a → b → a',
  ],
  'a link to itself': [
    'a.channel.yaml:5:32 links-circular destinations.on.to.channel.name: messages would go in a circle: a → a',
  ],
  'a literal secret in an environment': [
    'env/demo.yaml:6:37 value-invalid endpoints.api.token: a secret is a reference, ${env:NAME} or ${file:path}',
  ],
  'a literal secret in a channel': [
    'a.channel.yaml:5:29 value-invalid destinations.lab.to.http.endpoint: far is a tcp-connect endpoint, and http needs http',
    'a.channel.yaml:5:56 value-invalid destinations.lab.to.http.headers.x-api-key: a secret is a reference, ${env:NAME} or ${file:path}',
  ],
  'an environment with mistakes': [
    'env/demo.yaml:6:7 value-invalid zone: a time zone like Europe/Berlin',
    'env/demo.yaml:7:1 key-unknown procesing: no such key – did you mean processing?',
    'env/demo.yaml:8:20 value-invalid acceptProcessing.0: Invalid option: expected one of "P"|"T"|"D"',
  ],
  'mistakes of several files, all in one go': [
    'a.channel.yaml:2:1 key-unknown ackafter: no such key – did you mean ackAfter?',
    'a.channel.yaml:3:29 endpoint-unknown source.mllp.endpoint: the environment has no endpoint inn – did you mean in?',
    'a.channel.yaml:4:6 path-invalid PDI-3: HL7 2.8 has no segment PDI – did you mean PID-3?',
    'a.channel.yaml:5:20 key-unknown is: a filter knows not, any, all, some, exists, table',
    'a.channel.yaml:7:16 component-unknown destinations.lab.to.mlp: no such destination – did you mean mllp?',
    'a.channel.yaml:7:34 value-invalid destinations.lab.order: Invalid option: expected one of "key"|"strict"|"none"',
    'b.channel.yaml:3:1 yaml-syntax Flow sequence in block collection must be sufficiently indented and end with a ]',
    'profiles/p.profile.yaml:2:1 key-unknown charest: no such key – did you mean charset?',
    'tables/wards.csv:1:3 key-missing owner is missing',
  ],
  'a test whose message is not there': ['a.channel.yaml:3:18 file-unreadable tests.0.given: there is no file no.hl7'],
};
