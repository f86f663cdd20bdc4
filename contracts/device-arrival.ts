import { z } from 'zod';
import type { Format } from '../core/format.ts';
import { jsonFormat } from './json-format.ts';

const raw = z.base64();

/** The bytes of one answer, frame or message of a device, with what only the wire knew. */
const sent = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('modbus'),
    unit: z.int().min(0).max(255),
    table: z.enum(['coils', 'discrete-inputs', 'holding-registers', 'input-registers']),
    /** As it travels, from 0; `quantity` counts bits or registers. */
    address: z.int().min(0).max(65_535),
    quantity: z.int().min(1).max(2_000),
    /** Registers as they travelled, two bytes each; bits as they travelled, eight a byte. */
    bytes: raw,
  }),
  /** Of a line: without its end. Of Nonin format #2: the 125 bytes of a packet. */
  z.strictObject({ kind: z.literal('serial'), bytes: raw }),
  z.strictObject({ kind: z.literal('mqtt'), topic: z.string(), retained: z.boolean().optional(), bytes: raw }),
  /** One message, H to L. */
  z.strictObject({ kind: z.literal('astm'), bytes: raw }),
]);

export const deviceStates = ['answering', 'silent', 'faulty', 'misconfigured'] as const;

/**
 * What the hub itself noticed of a device, told when it changes and once more when it is over: absence is told, and no value repeated.
 * `silent`: nothing comes, or its line is down. `faulty`: it says that it is out of order, or sends what nobody can read.
 * `misconfigured`: it refuses what the profile asks for. With `points` only those are concerned, and each is a reading without a
 * value; without, nothing is said of any, so that silence stays silence.
 */
const status = z.strictObject({
  kind: z.literal('status'),
  state: z.enum(deviceStates),
  /** For people: `no answer within 500 ms`. No content. */
  reason: z.string().min(1),
  points: z.array(z.string()).min(1).max(5_000).optional(),
});
const frame = z.discriminatedUnion('kind', [...sent.options, status]);

export const deviceArrivalSchema = z.strictObject({
  /** The version of this envelope: it comes first, so that the first bytes tell an envelope from a bare payload. */
  arrival: z.literal(1),
  /** Absent where only the topic tells. */
  device: z.string().min(1).optional(),
  profile: z.string().min(1).optional(),
  /** The polling group of a Modbus profile. */
  group: z.string().optional(),
  /** Milliseconds since 1970; that of the message if absent. */
  receivedAt: z.int().nonnegative().optional(),
  frames: z.array(frame).min(1).max(1_000),
});

/** What a device sent itself. */
export type SentFrame = z.output<typeof sent>;
export type DeviceStatus = z.output<typeof status>;
export type DeviceFrame = z.output<typeof frame>;
export type DeviceArrival = z.output<typeof deviceArrivalSchema>;

const envelope = jsonFormat('device.arrival.v1', deviceArrivalSchema);
const START = Buffer.from('{"arrival":');

/**
 * What a device sent, before it means anything: the raw bytes in base64. The payload of an MQTT message is one, too: its topic is in
 * `mqtt.topic` of the meta, `mqtt.retained` says that it is state and no new sample. So is a message of an analyzer, whose device is
 * in `astm.device`.
 */
export const deviceArrival: Format<DeviceArrival> = {
  ...envelope,
  decode: (bytes, meta) => {
    const topic = meta['mqtt.topic'];
    const analyzer = meta['astm.device'];
    if ((topic ?? analyzer) === undefined || START.equals(bytes.subarray(0, START.length)))
      return envelope.decode(bytes, meta);
    const payload = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
    if (topic === undefined) return { arrival: 1, device: analyzer!, frames: [{ kind: 'astm', bytes: payload }] };
    const retained = meta['mqtt.retained'] === 'true' || meta['mqtt.retained'] === '1';
    return { arrival: 1, frames: [{ kind: 'mqtt', topic, ...(retained && { retained }), bytes: payload }] };
  },
};
