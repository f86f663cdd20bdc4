import { readdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { ChannelDefinition, DestinationDefinition, StepDefinition } from '../../../core/channel.ts';
import type { LoadedChannel } from '../../../core/config/channels-folder.ts';
import { isMapping, type Place } from '../../../core/config/yaml-file.ts';
import type { Endpoint } from '../../../core/endpoint.ts';
import { usedEndpoints } from '../check/used-endpoints.ts';
import type { ChannelSource } from '../offline/channel-source.ts';
import { type OfflineFolder, textOf } from '../offline/folder.ts';
import { errorWords, orderWords, replyWords, retryWords } from './behaviour-words.ts';
import { mapWords } from './map-words.ts';
import { responseWords } from './responses.ts';
import { channelConditions, stepConditions } from './verdicts.ts';

/** A heading with lines below it. */
export interface Section {
  readonly title: string;
  readonly lines: readonly string[];
}

/** What happens to a message of a channel, in words. */
export async function channelWords(
  channel: LoadedChannel,
  source: ChannelSource,
  folder: OfflineFolder,
): Promise<readonly Section[]> {
  const { definition } = channel;
  const filters = channelConditions(channel, source).map(({ words }) => words);
  const steps = await stepWords(definition.steps, source, [], folder);
  const destinations: Section[] = [];
  for (const [index, each] of definition.destinations.entries())
    destinations.push(await destinationWords(index + 1, each, definition, source, folder, channel));
  return [
    { title: 'Source', lines: sourceWords(channel, folder) },
    {
      title: 'Which messages',
      lines:
        filters.length === 0
          ? ['Every message is taken.']
          : [`Only where ${filters.join(', and ')}; any other is kept as filtered and goes nowhere.`],
    },
    { title: 'Order', lines: keyWords(definition, source) },
    { title: 'What the sender is answered', lines: replyWords(definition) },
    { title: 'Steps for every message', lines: steps.length > 0 ? steps : ['None: it goes on as it came.'] },
    ...destinations,
    { title: 'When something goes wrong', lines: errorWords(definition) },
    ...otherWords(source),
  ];
}

function sourceWords(channel: LoadedChannel, folder: OfflineFolder): readonly string[] {
  const { source, format } = channel.definition;
  const used = usedEndpoints(channel, folder).filter(({ destination }) => destination === undefined);
  const where = used.map(({ name }) => endpointWords(name, folder.environment.endpoints)).join('; ');
  const how = {
    reply: 'each message is answered',
    confirm: 'the source is told when a message may go',
    never: 'nobody is answered',
  };
  return [`${source.type}${where ? `: ${where}` : ''}`, `Read as ${format.id}; ${how[source.acknowledges]}.`];
}

function endpointWords(name: string, endpoints: Readonly<Record<string, Endpoint>>): string {
  const endpoint = Object.hasOwn(endpoints, name) ? endpoints[name] : undefined;
  if (!endpoint) return name;
  return `${name} (${placeOf(endpoint)})`;
}

/** Where an endpoint is, without secrets. */
export function placeOf(endpoint: Endpoint): string {
  switch (endpoint.kind) {
    case 'tcp-listen':
      return `listens on ${endpoint.host}:${endpoint.listen}${endpoint.tls ? ' with TLS' : ''}`;
    case 'tcp-connect':
      return `${endpoint.host}:${endpoint.port}${endpoint.tls ? ' with TLS' : ''}`;
    case 'sftp':
    case 'smtp':
      return `${endpoint.kind} ${endpoint.host}:${endpoint.port}`;
    case 'directory':
      return endpoint.path;
    case 'serial':
      return `serial port ${endpoint.path}`;
    case 'http':
    case 'oauth2-client':
      return endpoint.url;
    case 'postgres':
      return `database ${endpoint.database} on ${endpoint.host}:${endpoint.port}${endpoint.tls ? ' with TLS' : ''}`;
    case 'kafka':
      return `kafka ${endpoint.brokers.join(', ')}${endpoint.tls ? ' with TLS' : ''}`;
    case 'mqtt':
      return `mqtt ${endpoint.host}:${endpoint.port}${endpoint.tls ? ' with TLS' : ''}`;
    case 'rabbitmq':
      return `rabbitmq ${endpoint.nodes.join(', ')}${endpoint.tls ? ' with TLS' : ''}`;
    case 'basic-auth':
    case 'bearer-token':
      return endpoint.kind;
    default:
      return endpoint satisfies never;
  }
}

function keyWords({ key, destinations }: ChannelDefinition, source: ChannelSource): readonly string[] {
  const written = source.at('key');
  const paths = Array.isArray(written) ? written.join(', ') : typeof written === 'string' ? written : undefined;
  const lanes = key
    ? `Messages with the same ${paths ?? 'key (chosen in TypeScript)'} stay in order; one that has none is in order with the others that have none.`
    : 'All messages of the channel stay in order.';
  return destinations.some(({ options }) => options.order === 'strict')
    ? [lanes, 'A destination with order: strict gets all of them one at a time.']
    : [lanes];
}

async function destinationWords(
  n: number,
  destination: DestinationDefinition,
  definition: ChannelDefinition,
  source: ChannelSource,
  folder: OfflineFolder,
  channel: LoadedChannel,
): Promise<Section> {
  const { name, to, options, input, format } = destination;
  const used = usedEndpoints(channel, folder).filter((each) => each.destination === name);
  const where = used.map((each) => endpointWords(each.name, folder.environment.endpoints)).join('; ');
  const steps = await stepWords(destination.steps, source, ['destinations', name], folder);
  const always = destination.steps.some(({ kind }) => kind === 'filter')
    ? []
    : ['Gets every message that the channel takes.'];
  const lines = [
    `To ${to.type}${where ? `: ${where}` : topicWords(to)}, as ${format.id}.`,
    ...always,
    ...(input === 'source' ? ['Starts from the message as it was received, before the channel’s steps.'] : []),
    ...steps,
    orderWords(options.order, definition.key !== undefined),
    retryWords(options),
    ...responseWords(to).map((line) => `On ${line}.`),
    ...(to.collect ? [`Messages are gathered and sent as one: ${to.collect.envelope.type}.`] : []),
  ];
  return { title: `Destination ${n}: ${name}`, lines };
}

/** The topic of the hub’s own log: no endpoint says where that is. */
function topicWords({ type, config }: DestinationDefinition['to']): string {
  const topic = type === 'publish' ? (config as { readonly topic?: string }).topic : undefined;
  return topic === undefined ? '' : `: topic ${topic}`;
}

/** A numbered line for each step; what a map does stands below it. */
async function stepWords(
  steps: readonly StepDefinition[],
  source: ChannelSource,
  place: Place,
  folder: OfflineFolder,
): Promise<readonly string[]> {
  const conditions = stepConditions(steps, source, place);
  const written = mapFiles(source, place);
  const lines: string[] = [];
  for (const step of steps) {
    if (step.kind === 'filter') {
      lines.push(`Only where ${conditions.get(step)?.words ?? step.name}.`);
      continue;
    }
    const { transform, produces, name } = step;
    const isMap = typeof transform !== 'function' && transform.type === 'mapping';
    const file = isMap
      ? (written.shift() ?? (await mapCalled((transform.config as { readonly map?: string }).map, folder)))
      : undefined;
    const path = file && resolve(dirname(source.path), file);
    lines.push(`Then ${isMap ? `the map ${file ?? name}` : name}, which gives ${produces.id}.`);
    for (const line of (path && (await mapWords(path))) || []) lines.push(`    ${line}`);
  }
  return lines;
}

/** The map files that the steps at a place of a YAML channel name, in order. */
function mapFiles(source: ChannelSource, place: Place): string[] {
  const list = source.at(...place, 'steps');
  return (Array.isArray(list) ? list : []).flatMap((step) =>
    isMapping(step) && isMapping(step.mapping) && typeof step.mapping.file === 'string' ? [step.mapping.file] : [],
  );
}

/** A channel in TypeScript knows its maps by name only. */
async function mapCalled(name: string | undefined, { directory }: OfflineFolder): Promise<string | undefined> {
  const files = await readdir(directory, { recursive: true });
  for (const file of files.filter((each) => each.endsWith('.map.yaml'))) {
    const path = join(directory, file);
    if (new RegExp(`^map:\\s*['"]?${name}['"]?\\s*$`, 'm').test(await textOf(path))) return path;
  }
  return undefined;
}

const told = new Set([
  'channel',
  'source',
  'format',
  'filter',
  'key',
  'steps',
  'destinations',
  'tests',
  'ackAfter',
  'ackOn',
]);
for (const key of ['validation', 'ackTimeoutMs', 'onUnsettled', 'unmatched', 'replyFrom', 'duplicates']) told.add(key);

/** Whatever else the file says, as it says it. */
function otherWords(source: ChannelSource): readonly Section[] {
  const value = source.yaml?.value;
  const others = isMapping(value) ? Object.entries(value).filter(([key]) => !told.has(key)) : [];
  return others.length === 0
    ? []
    : [{ title: 'Also said', lines: others.map(([key, each]) => `${key}: ${JSON.stringify(each)}`) }];
}
