import { z } from 'zod';
import { serialLine } from '../../core/serial-line.ts';
import { named, numeric, scaling, text } from './point-keys.ts';

const check = z
  .strictObject({
    algorithm: z
      .enum([
        'sum8',
        'lrc8',
        'xor8',
        'crc16-arc',
        'crc16-modbus',
        'crc16-xmodem',
        'crc16-ccitt-false',
        'crc16-kermit',
        'crc16-x25',
      ])
      .describe('How it is computed.'),
    written: z.enum(['big-endian', 'little-endian', 'hex']).describe('How it is written; `hex` as ASCII digits.'),
    from: z.int().min(0).max(1_000).default(0).describe('The first byte of the frame that it covers.'),
    uncovered: z.int().min(0).max(16).default(0).describe('Bytes just before it that it does not cover.'),
    after: z.int().min(0).max(16).default(0).describe('Bytes of the frame behind it.'),
  })
  .describe('Where a frame has its check, and over what.');
const maxBytes = z.int().min(1).max(65_536).default(1_024).describe('A longer frame is discarded and counted.');

const framing = z
  .discriminatedUnion('type', [
    z.strictObject({ type: z.literal('nonin-2').describe('Pulse oximeters: Nonin’s serial data format #2.') }),
    z.strictObject({
      type: z.literal('line').describe('Lines of text.'),
      end: z.enum(['cr-or-lf', 'cr', 'lf', 'crlf']).default('cr-or-lf').describe('What ends a line.'),
      maxBytes,
      check: check.optional(),
    }),
    z.strictObject({
      type: z.literal('stx-etx').describe('Text between STX and ETX.'),
      trailer: z.int().min(0).max(16).default(0).describe('Bytes behind ETX, such as a check and CR LF.'),
      maxBytes,
      check: check.optional(),
    }),
    z.strictObject({
      type: z.literal('fixed').describe('Binary frames of one length.'),
      length: z.int().min(1).max(4_096).describe('Of a frame, in bytes.'),
      sync: z
        .array(
          z.strictObject({
            at: z.int().min(0).max(4_095).describe('Which byte of the frame, from 0.'),
            mask: z.int().min(0).max(255).default(255).describe('Which of its bits count.'),
            value: z.int().min(0).max(255).describe('What they are in every frame.'),
          }),
        )
        .min(1)
        .describe('By what a frame is known.'),
      check: check.optional(),
    }),
    z.strictObject({
      type: z.literal('length-prefixed').describe('Binary frames that say how long they are.'),
      start: z
        .array(z.int().min(0).max(255))
        .min(1)
        .max(16)
        .describe('The bytes that each frame begins with: `[0xAA, 0x55]`.'),
      lengthAt: z.int().min(1).max(64).describe('Which byte of the frame is the first of the length, from 0.'),
      lengthBytes: z
        .union([z.literal(1), z.literal(2)])
        .default(1)
        .describe('How many bytes the length has.'),
      order: z.enum(['big-endian', 'little-endian']).default('big-endian').describe('Of a length of two bytes.'),
      adds: z
        .int()
        .min(-64)
        .max(64)
        .describe('What the length leaves out: the whole frame has so many bytes more than it says.'),
      maxBytes,
      check: check.optional(),
    }),
  ])
  .describe('How the stream of bytes is cut into frames.');

export const serialSection = z
  .strictObject({
    path: text.describe(
      'The serial port, best by its id: `/dev/serial/by-id/…`; `host:port` of a device server that passes the line’s bytes on.',
    ),
    ...serialLine,
    silenceMs: z
      .int()
      .min(10)
      .max(3_600_000)
      .default(5_000)
      .describe('After so long without a byte the port is opened again.'),
    framing,
  })
  .describe('How the device is reached and read.');

/** Of a Nonin module: what of its packets. */
export const noninPointKeys = z.discriminatedUnion('from', [
  z.strictObject({
    ...named,
    ...numeric,
    from: z.enum(['pulseRate', 'spo2']).describe('Which of the packet’s values; `Qst` while the signal is poor.'),
  }),
  z.strictObject({
    ...named,
    from: z
      .enum(['sensorDisconnected', 'sensorAlarm', 'outOfTrack', 'artifact', 'perfusion'])
      .describe('Which of the packet’s states.'),
  }),
]);

const match = z
  .string()
  .max(500)
  .superRefine((written, context) => {
    const wrong = patternProblem(written);
    if (wrong !== undefined) context.addIssue({ code: 'custom', message: wrong });
  })
  .describe(
    'A regular expression on the frame’s text; its first group is the value. Where it does not match, the point is not in the frame.',
  );
const invalid = z.array(text).optional().describe('Texts by which the device says that it has no value: `---`.');

/** Of frames of text. */
export const textPointKeys = z.discriminatedUnion('type', [
  z.strictObject({
    ...named,
    ...numeric,
    ...scaling,
    type: z.literal('number').describe('A decimal number.'),
    match,
    invalid,
  }),
  z.strictObject({ ...named, type: z.literal('text').describe('A text as it is.'), match, invalid }),
]);

/** Of binary frames. */
export const binaryPointKeys = z.strictObject({
  ...named,
  ...numeric,
  ...scaling,
  type: z.enum(['u8', 'i8', 'u16', 'i16', 'u32', 'i32', 'f32', 'f64']).describe('What stands there.'),
  at: z.int().min(0).max(4_095).describe('Its first byte in the frame, from 0.'),
  order: z
    .enum(['ABCD', 'DCBA', 'BADC', 'CDAB'])
    .optional()
    .describe('In which order its bytes travel, A the most significant. Needed for more than one byte.'),
  invalid: z.array(z.number()).optional().describe('Raw numbers by which the device says that it has no value.'),
});

export type SerialSection = z.output<typeof serialSection>;
export type NoninPointKeys = z.output<typeof noninPointKeys>;
export type TextPointKeys = z.output<typeof textPointKeys>;
export type BinaryPointKeys = z.output<typeof binaryPointKeys>;

/** Bytes of a value of a binary frame. */
export function bytesOf(type: BinaryPointKeys['type']): number {
  return Number(type.slice(1)) / 8;
}

function patternProblem(written: string): string | undefined {
  try {
    // With an alternative of nothing it matches the empty text, and tells how many groups it has.
    return new RegExp(`${written}|`).exec('')!.length > 1 ? undefined : 'a group for the value is needed: (\\d+)';
  } catch {
    return 'no regular expression';
  }
}
