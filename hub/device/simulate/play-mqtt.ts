import { once } from 'node:events';
import { Publisher } from '../../../clients/mqtt/publisher.ts';
import type { EndpointOf } from '../../../core/endpoint.ts';
import { HubError } from '../../../core/errors.ts';
import { systemClock } from '../../system-clock.ts';
import { every } from './every.ts';
import { payloadOf } from './mqtt-payload.ts';
import type { Of, SimulateOptions } from './playing.ts';

type Playing = Of<'mqtt'>;

const sampleMs = 1_000;
const timeoutMs = 10_000;
const garbage = Buffer.from('{"seq":');

/** Devices that publish, each with a connection of its own, a retained status and a last will where its topic ends with /vitals. */
export async function playMqtt(playing: readonly Playing[], options: SimulateOptions): Promise<void> {
  const { broker } = options;
  if (!broker)
    throw new HubError(
      'config-invalid',
      'permanent',
      'simulating a device that publishes: --to says where its broker is',
    );
  const publishers = await Promise.all(playing.map((each) => play(each, broker, options)));
  options.ready(`${broker.host}:${broker.port}`, undefined);
  const lost = Promise.race(publishers.map(({ lost }) => whenAborted(lost)));
  await Promise.race([lost, whenAborted(options.signal)]);
  const reason = publishers.find((publisher) => publisher.lost.aborted)?.lost.reason;
  for (const [at, publisher] of publishers.entries()) await leave(playing[at]!, publisher);
  if (!options.signal.aborted) throw reason;
}

async function play(
  playing: Playing,
  broker: EndpointOf<'mqtt'>,
  { everyMs, sent, signal }: SimulateOptions,
): Promise<Publisher> {
  const { id, content } = playing.device;
  const status = statusTopic(content.mqtt.topic);
  const publisher = await Publisher.open(broker, {
    ...{ clientId: `weir-simulated-${id}`, clock: systemClock, timeoutMs, signal, keepAliveMs: 10_000, inFlight: 100 },
    ...{
      sessionExpiryMs: 0,
      will: status === undefined ? undefined : { topic: status, payload: 'offline', delayMs: 0 },
    },
  });
  let sequence = 0;
  const publish = (topic: string, payload: Buffer, retain: boolean): void => {
    const publication = { id: String(++sequence), topic, payload, retain, properties: {} };
    void publisher.publish(publication).finally(() => publisher.done(publication));
  };
  if (status !== undefined) publish(status, Buffer.from('online'), true);
  const step = (): void => {
    if (playing.isFaulty('silence')) return;
    const payload = payloadOf(content, playing.values(), Date.now(), sequence);
    publish(content.mqtt.topic, playing.isFaulty('garbage') ? garbage : payload, false);
    sent(1);
  };
  every(everyMs ?? sampleMs, step, signal, publisher.lost);
  return publisher;
}

/** An orderly end takes the last will away: it is said here. */
async function leave({ device }: Playing, publisher: Publisher): Promise<void> {
  const status = statusTopic(device.content.mqtt.topic);
  if (status !== undefined && !publisher.lost.aborted)
    await publisher.publish({
      id: 'end',
      topic: status,
      payload: Buffer.from('offline'),
      retain: true,
      properties: {},
    });
  await publisher.close();
}

function statusTopic(topic: string): string | undefined {
  return topic.endsWith('/vitals') ? topic.replace(/vitals$/, 'status') : undefined;
}

async function whenAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}
