import { z } from 'zod';
import { HubError } from '../../core/errors.ts';
import { readJsonPath } from '../json-path.ts';
import { validities } from '../vitals.ts';
import { named, numeric, scaling, text } from './point-keys.ts';

const path = z.string().superRefine((written, context) => {
  try {
    readJsonPath(written);
  } catch (thrown) {
    if (!(thrown instanceof HubError)) throw thrown;
    context.addIssue({ code: 'custom', message: thrown.message });
  }
});

export const mqttSection = z
  .strictObject({
    topic: text
      .refine(
        (topic) => !String(topic).startsWith('$'),
        'a topic of a device; $ begins those of the broker and shared subscriptions',
      )
      .refine((topic) => !/[+#]/.test(String(topic)), 'a topic without wildcards: it tells which device it is')
      .describe(`Where the device publishes: \`devices/\${DEVICE}/vitals\`. It tells one device from another.`),
    samples: path
      .optional()
      .describe('The path of a list in the payload, each item of which has the points; the payload itself if absent.'),
    time: z
      .strictObject({
        from: path.describe('Its path in the sample; in the payload where the sample has none.'),
        as: z
          .enum(['iso', 'epoch-ms', 'epoch-s'])
          .default('iso')
          .describe('How it is written: ISO 8601, or milliseconds or seconds since 1970.'),
      })
      .optional()
      .describe('Where the device’s own time stands.'),
    sequence: path.optional().describe('The path of the device’s own count, in the sample or in the payload.'),
  })
  .describe('What the device publishes. The broker is the channel’s.');

const from = path.describe(
  'Its path in the sample: `vitals.hr`, `values[code=HR].value`. What is not there was not measured.',
);
const quality = z
  .strictObject({
    from: path.describe('The path, in the sample, of the word by which the device judges the value.'),
    words: z
      .record(z.string(), z.enum(validities))
      .describe('The validity for each word; for any other word it is questionable, without one it is believed.'),
  })
  .optional()
  .describe('How the device judges the value.');
const invalid = z
  .array(z.union([z.number(), z.string()]))
  .optional()
  .describe('Values by which the device says that it has none.');

/** A point in the JSON of a message. */
export const mqttPointKeys = z.discriminatedUnion('type', [
  z.strictObject({
    ...named,
    ...numeric,
    ...scaling,
    type: z.literal('number').describe('A number, or a text that is one.'),
    from,
    invalid,
    quality,
  }),
  z.strictObject({ ...named, type: z.literal('boolean').describe('true or false.'), from, quality }),
  z.strictObject({ ...named, type: z.literal('text').describe('A text as it is.'), from, invalid, quality }),
]);

export type MqttSection = z.output<typeof mqttSection>;
export type MqttPointKeys = z.output<typeof mqttPointKeys>;
