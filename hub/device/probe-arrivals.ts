import { modbus } from '../../adapters/modbus/modbus.ts';
import { serial } from '../../adapters/serial/serial.ts';
import { Subscription } from '../../clients/mqtt/subscription.ts';
import { type DeviceArrival, deviceArrival } from '../../contracts/device-arrival.ts';
import type { DeviceProfile, ProfiledDevice } from '../../contracts/device-profile/device-profile.ts';
import type { EndpointOf } from '../../core/endpoint.ts';
import { HubError } from '../../core/errors.ts';
import { noEventLog } from '../../core/events/no-event-log.ts';
import { noMeta } from '../../core/format.ts';
import type { Delivery, Intake, SourceContext } from '../../core/source.ts';
import { systemClock } from '../system-clock.ts';

export interface ProbeOptions {
  readonly profile: DeviceProfile;
  readonly device: ProfiledDevice;
  readonly broker: EndpointOf<'mqtt'>;
  /** What the device, or the hub of it, said; told as often as something comes. */
  arrived(arrival: DeviceArrival): void;
  /** Why nothing comes at the moment. */
  failed(error: string): void;
  readonly signal: AbortSignal;
}

/** Reads a device as a channel would, until `signal` aborts; nothing is kept. Throws HubError where it cannot be read at all. */
export async function probeArrivals(options: ProbeOptions): Promise<void> {
  const { profile, device, signal } = options;
  const { kind } = device.content;
  switch (kind) {
    case 'mqtt':
      return listenTo(device.content.mqtt.topic, options);
    case 'modbus-tcp':
    case 'modbus-rtu':
    case 'nonin':
    case 'text':
    case 'binary': {
      const only = { ...profile, devices: [device] };
      const spec = kind.startsWith('modbus') ? modbus({ profile: profile.name }) : serial({ profile: profile.name });
      const source = spec.create(contextOf(only, options));
      return source.run(intakeOf(options), { drain: signal, halt: signal });
    }
    case 'astm':
      throw new HubError(
        'config-invalid',
        'permanent',
        'probing an analyzer: it speaks when it has results; weir device simulate plays one',
      );
    default:
      return kind satisfies never;
  }
}

async function listenTo(topic: string, { device, broker, arrived, signal }: ProbeOptions): Promise<void> {
  const subscription = await Subscription.open(broker, {
    ...{ clientId: `weir-probe-${process.pid}`, clock: systemClock, timeoutMs: 10_000, signal, keepAliveMs: 10_000 },
    ...{ sessionExpiryMs: 0, receiveMaximum: 100, retained: false, filters: [{ topic, qos: 1 as const }] },
  });
  try {
    while (!signal.aborted) {
      const batch = await subscription.next(signal);
      for (const received of batch) {
        const { payload } = received.packet;
        const bytes = Buffer.from(payload).toString('base64');
        subscription.ack(received);
        arrived({ arrival: 1, device: device.id, receivedAt: Date.now(), frames: [{ kind: 'mqtt', topic, bytes }] });
      }
    }
  } finally {
    await subscription.close();
  }
}

function contextOf(profile: DeviceProfile, { failed }: ProbeOptions): SourceContext {
  const unheard = () => undefined;
  const told = (_: unknown, text: string) => failed(text);
  return {
    ...{ channel: 'probe', lease: undefined, ackAfter: 'stored', clock: systemClock, random: Math.random },
    ...{ log: { debug: unheard, info: unheard, warn: told, error: told }, report: unheard, count: unheard },
    deviceProfile: () => profile,
    events: noEventLog('probing'),
    endpoint: (_, name) => {
      throw new HubError('config-invalid', 'permanent', `probing: no endpoint ${name}`);
    },
    listen: async (name) => {
      throw new HubError('config-invalid', 'permanent', `probing: nothing listens at ${name}`);
    },
  };
}

function intakeOf({ arrived }: ProbeOptions): Intake {
  const take = (batch: Parameters<Intake['accept']>[0]): Delivery => {
    for (const { raw, meta } of batch) arrived(deviceArrival.decode(raw, meta ?? noMeta));
    const receipt = { outcome: { status: 'stored' as const } };
    return {
      on: (_, done) => {
        for (const index of batch.keys()) done(index, receipt);
      },
      receipts: async () => batch.map(() => receipt),
    };
  };
  return { accept: async (batch) => take(batch), tryAccept: take };
}
