import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, it } from 'vitest';
import { mqtt as mqttOut } from '../../connectors/mqtt/mqtt.ts';
import { fakeDestinationContext } from '../../core/testing/contexts.ts';
import { outcomesOf } from '../../core/testing/destination-suite.ts';
import { fakeIntake, positive } from '../../core/testing/fake-intake.ts';
import { outgoing } from '../../core/testing/outgoing.ts';
import { service, uniqueName } from '../../core/testing/services.ts';
import { dataFolder } from '../../deploy/services/folder.ts';
import { pythonPackages } from '../../deploy/services/python.ts';
import { arrived, brokerAt, isReading, reading, texts } from './testing/reading.ts';

const server = await service('mosquitto', import.meta.filename);
const paho = await pythonPackages(dataFolder, ['paho-mqtt==2.1.0']).catch((thrown: Error) => {
  if (process.env.CI === 'true') throw thrown;
  process.stderr.write(`SKIPPED: nothing is tested against paho-mqtt (${thrown.message})\n`);
  return undefined;
});

/** With the client of Eclipse Paho, in MQTT 5: `publish` sends lines of its input with QoS 1, `listen` prints what comes. */
const program = `
import sys
import paho.mqtt.client as client
from paho.mqtt.properties import Properties
from paho.mqtt.packettypes import PacketTypes
what, host, port, user, password, topic = sys.argv[1:]
peer = client.Client(client.CallbackAPIVersion.VERSION2, protocol=client.MQTTv5)
peer.username_pw_set(user, password)
def on_connect(*_):
    if what == 'listen':
        peer.subscribe(topic, qos=1)
def on_subscribe(*_):
    print('listening', flush=True)
def on_message(_, __, message):
    properties = dict(getattr(message.properties, 'UserProperty', []))
    print(message.topic, message.qos, message.payload.decode(), properties.get('effectId'), sep='|', flush=True)
peer.on_connect, peer.on_subscribe, peer.on_message = on_connect, on_subscribe, on_message
peer.connect(host, int(port), 30)
peer.loop_start()
for number, line in enumerate(sys.stdin):
    properties = Properties(PacketTypes.PUBLISH)
    properties.UserProperty = [('effectId', f'E{number}')]
    peer.publish(topic, line.rstrip('\\n'), qos=1, properties=properties).wait_for_publish(10)
peer.loop_stop()
`;

const children: ReturnType<typeof spawn>[] = [];

function peer(what: 'publish' | 'listen', topic: string) {
  const { hostname, port, username, password } = new URL(server.address);
  const child = spawn('python3', ['-c', program, what, hostname, port, username, password, topic], {
    env: { ...process.env, PYTHONPATH: paho },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
}

afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
});

describe.skipIf(server.missing || !paho)('paho-mqtt', () => {
  const name = () => uniqueName(import.meta.filename);

  it('is read, each publication acknowledged and in its order', async () => {
    const [broker, at, intake] = [brokerAt(server), name(), fakeIntake(() => positive)];
    await isReading(
      reading(broker.endpoint(), intake, { clientId: at, subscriptions: [{ topic: `${at}/{id}/vitals` }] }),
    );
    const { child } = peer('publish', `${at}/mon-7/vitals`);
    const sent = Array.from({ length: 50 }, (_, number) => `{"hr":${number}}`);
    child.stdin!.end(sent.map((line) => `${line}\n`).join(''));
    expect(await once(child, 'exit')).toEqual([0, null]);
    await arrived(intake, 50);
    expect(texts(intake)).toEqual(sent);
    expect(intake.arrivals.map(({ key, dedupeKey }) => [key, dedupeKey])).toEqual(
      sent.map((_, number) => ['mon-7', `E${number}`]),
    );
  });

  it('gets what is sent, with QoS 1 and the effect’s id', async () => {
    const [broker, at] = [brokerAt(server), name()];
    const { lines } = peer('listen', `${at}/#`);
    expect((await lines.next()).value).toBe('listening');
    const context = fakeDestinationContext({ channel: 'orders', endpoints: { far: broker.endpoint() } });
    const destination = mqttOut({ endpoint: 'far', topic: `${at}/\${key}/orders`, clientId: at }).create(context);
    try {
      const message = outgoing({ number: 1, payload: undefined, bytes: Buffer.from('take blood'), keys: ['mon-7'] });
      expect(await outcomesOf(destination, [message])).toEqual([{ status: 'sent' }]);
      expect((await lines.next()).value).toBe(`${at}/mon-7/orders|1|take blood|${message.effectId}`);
    } finally {
      await destination[Symbol.asyncDispose]();
    }
  });
});
