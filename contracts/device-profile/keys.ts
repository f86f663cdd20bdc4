import { z } from 'zod';
import { HubError } from '../../core/errors.ts';
import { astmPointKeys, astmSection } from './astm-keys.ts';
import { readCondition } from './condition.ts';
import { modbusPointKeys, modbusRtuSection, modbusTcpSection } from './modbus-keys.ts';
import { mqttPointKeys, mqttSection } from './mqtt-keys.ts';
import { text } from './point-keys.ts';
import { binaryPointKeys, noninPointKeys, serialSection, textPointKeys } from './serial-keys.ts';

export const transports = ['modbus-tcp', 'modbus-rtu', 'serial', 'mqtt', 'astm'] as const;
export type Transport = (typeof transports)[number];

const deviceId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'a name of letters, digits, dots, hyphens and underscores');
const variables = z.record(
  z.string().regex(/^[A-Z][A-Z0-9_]*$/, 'a name like UNIT'),
  z.union([z.string(), z.number(), z.boolean()]),
);

const device = z.strictObject({
  id: deviceId.describe(`The device’s name in readings, alarms and the console; \`\${DEVICE}\` in the profile.`),
  location: z.string().optional().describe('Where it stands, for people.'),
  variables: variables
    .optional()
    .describe(
      `What \`\${NAME}\` stands for in the profile: of this device. \`\${env:NAME}\` and \`\${file:path}\` may stand in it.`,
    ),
});

/** The keys of a device profile that say which devices it is about. */
export const headKeys = z.strictObject({
  profile: z.string().describe('The profile’s name: that of the file.'),
  title: z.string().optional().describe('What the device is: maker and model.'),
  transport: z.enum(transports).describe('How the devices speak; it decides which other keys there are.'),
  variables: variables.optional().describe('What names stand for in devices that do not say it themselves.'),
  devices: z.array(device).min(1).max(10_000).describe('The devices: one profile serves as many as there are.'),
});

const condition = z.string().superRefine((written, context) => {
  try {
    readCondition(written);
  } catch (thrown) {
    if (!(thrown instanceof HubError)) throw thrown;
    context.addIssue({ code: 'custom', message: thrown.message });
  }
});

const delay = z.int().min(0).max(86_400_000);

/** An alarm of a profile. */
export const alarmKeys = z
  .strictObject({
    id: z
      .string()
      .regex(/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/, 'a name like low-spo2')
      .describe('Its name: in notices and acknowledgements.'),
    title: z.string().optional().describe('What people are told.'),
    when: condition
      .optional()
      .describe(
        "The condition that raises it: `spo2 < 85`, `door = true and pressure > -2.5`, `state = 'fault'`, `spo2 invalid`.",
      ),
    noDataMs: z
      .int()
      .min(100)
      .max(86_400_000)
      .optional()
      .describe('Instead of `when`: raised when the device has said nothing for so long.'),
    clearWhen: condition
      .optional()
      .describe('The condition that clears it; that `when` does not hold any more if absent.'),
    raiseAfterMs: delay.default(0).describe('How long the condition has to hold.'),
    clearAfterMs: delay.default(0).describe('How long it has to be over.'),
    priority: z.enum(['low', 'medium', 'high']).describe('How urgent it is (IEC 60601-1-8).'),
    kind: z
      .enum(['physiological', 'technical'])
      .optional()
      .describe('Of the patient, or of the device: technical if absent for `noDataMs`, else physiological.'),
    latching: z
      .boolean()
      .default(false)
      .describe('Whether it stays until somebody acknowledges it, even when it is over.'),
  })
  .superRefine(({ when, noDataMs, clearWhen, kind }, context) => {
    const issue = (message: string, key: string) => context.addIssue({ code: 'custom', message, path: [key] });
    if (when === undefined && noDataMs === undefined) issue('when or noDataMs is needed', 'id');
    if (when !== undefined && noDataMs !== undefined) issue('not beside when: make two alarms of it', 'noDataMs');
    if (noDataMs !== undefined && clearWhen !== undefined) issue('silence is over when the device speaks', 'clearWhen');
    if (noDataMs !== undefined && kind === 'physiological') issue('silence is technical', 'kind');
  });

const shared = {
  clock: z
    .strictObject({
      zone: z
        .string()
        .refine(isZone, 'a time zone like Europe/Berlin')
        .describe('The IANA zone of times that say none; without it such times are not taken.'),
    })
    .optional()
    .describe('How the device’s own times are read.'),
  alarms: z
    .array(alarmKeys)
    .max(1_000)
    .default([])
    .describe('What the hub raises by the readings, beside the device’s own alarms.'),
  route: z
    .strictObject({
      topic: z
        .enum(['vitals.numeric.v1', 'lab.result.v1'])
        .optional()
        .describe('The topic for what comes out; `vitals.numeric.v1` if absent.'),
      key: text.optional().describe('What is kept in order; the device if absent.'),
      subject: text.optional().describe('Whom readings are about: a bed, a room. Never a patient.'),
    })
    .default({})
    .describe('Where readings go.'),
};

function points<P extends z.ZodType>(point: P) {
  return z.array(point).min(1).max(5_000).describe('What the device measures.');
}

/** What a profile says of a device, by how it speaks. */
export const contentKeys = {
  'modbus-tcp': z.strictObject({ modbus: modbusTcpSection, points: points(modbusPointKeys), ...shared }),
  'modbus-rtu': z.strictObject({ modbus: modbusRtuSection, points: points(modbusPointKeys), ...shared }),
  nonin: z.strictObject({ serial: serialSection, points: points(noninPointKeys), ...shared }),
  text: z.strictObject({ serial: serialSection, points: points(textPointKeys), ...shared }),
  binary: z.strictObject({ serial: serialSection, points: points(binaryPointKeys), ...shared }),
  mqtt: z.strictObject({ mqtt: mqttSection, points: points(mqttPointKeys), ...shared }),
  astm: z.strictObject({ astm: astmSection.default({ dialect: {} }), points: points(astmPointKeys), ...shared }),
} as const;

export type ContentKind = keyof typeof contentKeys;
export type Head = z.output<typeof headKeys>;
export type AlarmKeys = z.output<typeof alarmKeys>;
/** What a profile says of one of its devices, variables replaced. */
export type Content = {
  readonly [K in ContentKind]: { readonly kind: K } & z.output<(typeof contentKeys)[K]>;
}[ContentKind];
export type ContentOf<K extends ContentKind> = Extract<Content, { readonly kind: K }>;

function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
