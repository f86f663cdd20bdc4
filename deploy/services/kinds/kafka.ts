import { createHash, randomBytes } from 'node:crypto';
import { chownSync, cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { command } from '../command.ts';
import { keptFile } from '../configuration.ts';
import { serviceFolder } from '../folder.ts';
import { alone } from '../lock.ts';
import { mavenJars } from '../maven.ts';
import { answerTo } from '../probe.ts';
import type { Place, ProcessPlan, ServiceKind } from '../service.ts';

const pom = join(import.meta.dirname, '../kafka-broker/pom.xml');
const named = readFileSync(pom);
const version = /<version>(\d[^<]*\.[^<]*)</.exec(named.toString())?.[1] ?? '';
/** Other jars are in another folder. */
const jarsFolder = `kafka-${version}-${createHash('sha256').update(named).digest('hex').slice(0, 8)}`;

/**
 * Kafka (KRaft): each broker is a controller, too. A topic has as many replicas as there are brokers; with three of them, two have
 * to have a message before it is acknowledged with acks=all. Every message is forced to the disk before that.
 */
export const kafka: ServiceKind = {
  obtain: brokerJars,
  async plan(place) {
    const { brokers } = place.options;
    if (brokers !== 1 && brokers !== 3) throw new Error(`starting ${brokers} brokers: it can be 1 or 3`);
    const jars = await brokerJars(place.shared);
    const numbers = Array.from({ length: brokers }, (_, index) => index + 1);
    const nodes: Node[] = [];
    for (const number of numbers)
      nodes.push({
        number,
        port: await place.port(`broker-${number}`),
        controller: await place.port(`controller-${number}`),
      });
    const processes: ProcessPlan[] = [];
    for (const node of nodes) processes.push(await broker(place, node, nodes, jars));
    return {
      processes,
      address: nodes.map(({ port }) => `127.0.0.1:${port}`).join(','),
      probe: async () => {
        for (const { port } of nodes) await probe(port, brokers);
      },
    };
  },
};

interface Node {
  readonly number: number;
  readonly port: number;
  readonly controller: number;
}

async function broker(place: Place, node: Node, nodes: readonly Node[], jars: string): Promise<ProcessPlan> {
  const home = serviceFolder(join(place.directory, `broker-${node.number}`));
  const data = join(home, 'data');
  const replicas = nodes.length;
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': node.number,
    'controller.quorum.voters': nodes.map(({ number, controller }) => `${number}@127.0.0.1:${controller}`).join(','),
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://127.0.0.1:${node.port},CONTROLLER://127.0.0.1:${node.controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${node.port}`,
    'listener.security.protocol.map':
      'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL',
    'log.dirs': data,
    'log.flush.interval.messages': 1,
    'default.replication.factor': replicas,
    'min.insync.replicas': Math.min(replicas, 2),
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': 8,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': Math.min(replicas, 2),
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': 1,
    // Tests say themselves which topics there are, and wait for no group to fill.
    'auto.create.topics.enable': false,
    'group.initial.rebalance.delay.ms': 0,
    ...place.options.settings,
  };
  const file = join(home, 'server.properties');
  writeFileSync(
    file,
    Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
    { mode: 0o644 },
  );
  const logging = join(home, 'log4j2.properties');
  writeFileSync(logging, log4j, { mode: 0o644 });
  // A broker of a test run lives for seconds: to compile it well costs more than it gives, 2 s of a core each.
  const compiler = process.env.VITEST ? ['-XX:TieredStopAtLevel=1'] : [];
  const flags = ['-Xms64m', '-Xmx512m', '-XX:+UseSerialGC', '-Xshare:auto', ...compiler];
  const java = [...flags, `-Dlog4j2.configurationFile=${logging}`, '-cp', join(jars, '*')];
  const run = (args: readonly string[]) => command('java', [...java, ...args], { directory: home }, place.user);
  if (!existsSync(join(data, 'meta.properties'))) await format(place, { node, data, settings: file, run });
  return { name: `broker-${node.number}`, command: 'java', args: [...java, 'kafka.Kafka', file], stop: 'SIGTERM' };
}

interface Formatting {
  readonly node: Node;
  readonly data: string;
  /** Path of its server.properties. */
  readonly settings: string;
  readonly run: (args: readonly string[]) => Promise<unknown>;
}

/**
 * What Kafka's storage tool writes into an empty data folder. It takes a Java machine of its own, 4 s of one core, and gives the
 * same for the same node and cluster: it is kept, and copied for later brokers of the checkout.
 */
async function format({ shared, user }: Place, { node, data, settings, run }: Formatting): Promise<void> {
  const kept = serviceFolder(join(shared, 'kafka-formatted'));
  const formatted = join(kept, `${version}-${node.number}`);
  await alone(kept, async () => {
    if (existsSync(formatted)) return;
    rmSync(data, { recursive: true, force: true });
    await run(['kafka.tools.StorageTool', 'format', '-t', clusterId(kept), '-c', settings]);
    renameSync(data, formatted);
  });
  const partial = `${data}.partial`;
  for (const each of [data, partial]) rmSync(each, { recursive: true, force: true });
  cpSync(formatted, partial, { recursive: true });
  if (user)
    for (const each of [partial, ...readdirSync(partial).map((name) => join(partial, name))])
      chownSync(each, user.uid, user.gid);
  renameSync(partial, data);
}

const log4j = `rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %p %c{1}: %m %ex{2}%n
`;

const clusterId = (directory: string) =>
  keptFile(join(directory, 'cluster-id'), () => randomBytes(16).toString('base64url'));

/** The folder of the jars, out of Maven Central the first time. */
async function brokerJars(shared: string): Promise<string> {
  const folder = join(shared, jarsFolder);
  await requireJava();
  await mavenJars(pom, folder);
  return folder;
}

async function requireJava(): Promise<void> {
  const said = await command('java', ['--version']);
  const major = Number(/^\S+ (\d+)/.exec(said)?.[1]);
  if (!(major >= 17)) throw new Error(`starting Kafka: Java 17 or later is needed, this is ${said.split('\n')[0]}`);
}

/** Metadata v4 of the Kafka protocol: every broker has to know all of them as alive. */
async function probe(port: number, brokers: number): Promise<void> {
  const client = Buffer.from('weir-services');
  const request = Buffer.alloc(4 + 2 + 2 + 4 + 2 + client.length + 4 + 1);
  request.writeInt32BE(request.length - 4, 0);
  request.writeInt16BE(3, 4);
  request.writeInt16BE(4, 6);
  request.writeInt32BE(1, 8);
  request.writeInt16BE(client.length, 12);
  client.copy(request, 14);
  // No topics: a null array asks for all, an empty one for none; brokers come with either.
  request.writeInt32BE(0, 14 + client.length);
  const answer = await answerTo(port, request);
  // Length, correlation id and throttle time come first.
  const alive = answer.length >= 16 ? answer.readInt32BE(12) : 0;
  if (alive < brokers) throw new Error(`${alive} of ${brokers} brokers are alive`);
}
