import { z } from 'zod';
import type { Format } from '../core/format.ts';
import { jsonFormat } from './json-format.ts';

const raw = z.base64();

/** The bytes of one answer, frame or message of a device, with what only the wire knew. */
const frame = z.discriminatedUnion('kind', [
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

export type DeviceFrame = z.output<typeof frame>;
export type DeviceArrival = z.output<typeof deviceArrivalSchema>;

const envelope = jsonFormat('device.arrival.v1', deviceArrivalSchema);
const START = Buffer.from('{"arrival":');

/**
 * What a device sent, before it means anything: the raw bytes in base64. The payload of an MQTT message is one, too: its topic is in
 * `mqtt.topic` of the meta, `mqtt.retained` says that it is state and no new sample.
 */
export const deviceArrival: Format<DeviceArrival> = {
  ...envelope,
  decode: (bytes, meta) => {
    const topic = meta['mqtt.topic'];
    if (topic === undefined || START.equals(bytes.subarray(0, START.length))) return envelope.decode(bytes, meta);
    const payload = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
    const retained = meta['mqtt.retained'] === 'true' || meta['mqtt.retained'] === '1';
    return { arrival: 1, frames: [{ kind: 'mqtt', topic, ...(retained && { retained }), bytes: payload }] };
  },
};
