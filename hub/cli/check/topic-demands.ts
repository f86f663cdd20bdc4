import { describeTopics, type TopicFound } from '../../../clients/kafka/describe-topics.ts';
import { topicNamed, topics } from '../../../contracts/topics.ts';
import type { Endpoint } from '../../../core/endpoint.ts';
import { describeThrown } from '../../../core/errors.ts';
import type { OfflineFolder } from '../offline/folder.ts';
import { age } from '../output.ts';
import type { Opened } from './connect.ts';
import { usedEndpoints } from './used-endpoints.ts';

/** What somebody wants of a topic at the brokers of an endpoint. */
export interface TopicDemand {
  readonly endpoint: string;
  /** As the brokers call it. */
  readonly topic: string;
  /** `adt, destination events (publish)` */
  readonly by: string;
  /** The hub makes it, and changes how long it is kept. */
  readonly made: boolean;
  readonly partitions?: number | undefined;
  readonly retentionMs?: number | undefined;
}

type Folder = Pick<OfflineFolder, 'channels' | 'registry' | 'settings'>;

/** What the channels of a folder want of topics: at clusters of others, and at that of the hub’s own event log. */
export function topicDemands(folder: Folder): readonly TopicDemand[] {
  const { settings } = folder;
  return [...ofServices(settings), ...ofChannels(folder)];
}

/** Those that the services read and publish to. */
function ofServices({ services, events }: Folder['settings']): readonly TopicDemand[] {
  if (!services.alarms || !events.kafka) return [];
  const { endpoint, prefix } = events.kafka;
  return [topics.vitalReadings, topics.vitalAlarm, topics.vitalScore, topics.patientReadings].map(
    ({ name, partitions, retentionMs }) => ({
      ...{ endpoint, topic: prefix + name, by: 'service alarms', made: true, partitions, retentionMs },
    }),
  );
}

function ofChannels(folder: Folder): readonly TopicDemand[] {
  const { channels, settings } = folder;
  const log = settings.events.kafka;
  return channels.flatMap((channel) => {
    const { name, source, destinations } = channel.definition;
    const theirs = usedEndpoints(channel, folder).flatMap(({ type, name: endpoint, by, destination }) => {
      if (type !== 'kafka') return [];
      const config =
        destination === undefined ? source.config : destinations.find((each) => each.name === destination)?.to.config;
      return topicsOf(config).map((topic) => ({ endpoint, topic, by: `${name}, ${by}`, made: false }));
    });
    if (!log) return theirs;
    const { endpoint, prefix } = log;
    const own = destinations.flatMap(({ name: destination, to }) => {
      if (to.type !== 'publish') return [];
      const { topic, partitions, retentionMs } = to.config as {
        topic: string;
        partitions?: number;
        retentionMs: number;
      };
      const by = `${name}, destination ${destination} (publish)`;
      const contract = topicNamed(topic);
      return [
        {
          endpoint,
          topic: prefix + topic,
          by,
          made: true,
          partitions: partitions ?? contract?.partitions,
          retentionMs,
        },
      ];
    });
    const read = source.type === 'events' ? topicsOf(source.config) : [];
    const by = `${name}, source (events)`;
    return [...theirs, ...own, ...read.map((topic) => ({ endpoint, topic: prefix + topic, by, made: false }))];
  });
}

/** A line for each topic of the endpoints that could be opened. */
export async function openTopics(
  demands: readonly TopicDemand[],
  endpoints: Readonly<Record<string, Endpoint>>,
  opened: readonly Opened[],
  timeoutMs: number,
): Promise<readonly Opened[]> {
  const reached = opened.filter(({ kind, result }) => kind === 'kafka' && result === 'ok').map((each) => each.endpoint);
  const lines = reached.map(async (name): Promise<readonly Opened[]> => {
    const endpoint = endpoints[name];
    const wanted = Map.groupBy(
      demands.filter((each) => each.endpoint === name),
      ({ topic }) => topic,
    );
    if (endpoint?.kind !== 'kafka' || wanted.size === 0) return [];
    const line = (result: Opened['result'], detail: string): Opened => ({
      endpoint: name,
      kind: 'kafka',
      result,
      detail,
    });
    try {
      const found = await describeTopics(endpoint, timeoutMs, [...wanted.keys()]);
      return [...wanted].flatMap(([topic, by]) =>
        standing(by, found.get(topic)).map(({ result, detail }) => line(result, `topic ${topic}: ${detail}`)),
      );
    } catch (thrown) {
      return [line('failed', describeThrown(thrown))];
    }
  });
  return (await Promise.all(lines)).flat();
}

type Line = Pick<Opened, 'result' | 'detail'>;

function standing(demands: readonly TopicDemand[], found: TopicFound | undefined): readonly Line[] {
  const makers = demands.filter(({ made }) => made);
  if (!found) {
    const [maker] = makers;
    if (!maker)
      return demands.map(({ by }) => ({ result: 'failed', detail: `the cluster has none, and ${by} wants it` }));
    const how = maker.partitions === undefined ? '' : ` with ${maker.partitions} partitions`;
    return [{ result: 'ok', detail: `the hub makes it${how} when it starts (${maker.by})` }];
  }
  const { partitions, retentionMs } = found;
  const problems = demands
    .filter((each) => each.partitions !== undefined && each.partitions !== partitions)
    .map(({ by, partitions: wanted }) => `it has ${partitions} partitions, and ${by} wants ${wanted}`);
  if (problems.length > 0) return problems.map((detail) => ({ result: 'failed', detail }));
  const other = makers.find((each) => retentionMs !== undefined && each.retentionMs !== retentionMs);
  const kept = retentionMs === undefined ? '' : `, kept ${retention(retentionMs)}`;
  const change = other ? `; the hub makes it ${retention(other.retentionMs ?? -1)} when it starts (${other.by})` : '';
  return [{ result: 'ok', detail: `${partitions} ${partitions === 1 ? 'partition' : 'partitions'}${kept}${change}` }];
}

function retention(ms: number): string {
  return ms < 0 ? 'for ever' : age(ms);
}

/** Names that are not filled in message by message. */
function topicsOf(config: unknown): readonly string[] {
  const { topic, topics = topic === undefined ? [] : [topic] } = (config ?? {}) as {
    topic?: string;
    topics?: readonly string[];
  };
  return topics.filter((name) => !name.includes('${'));
}
