import { z } from 'zod';
import { type Bundle, fhirBundle } from '../../contracts/fhir.ts';
import { hl7v2 } from '../../contracts/hl7v2.ts';
import type { Loaded } from '../../core/config/problem.ts';
import type { FileStep, StepFiles } from '../../core/config/step-files.ts';
import { configured, defineTransform } from '../../core/define.ts';
import { HubError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import { zoneName } from '../../core/time/zone.ts';
import type { Step, TransformSpec } from '../../core/transform.ts';
import type { Hl7Message } from '../../protocols/hl7v2/message.ts';
import type { Rules } from './conversion.ts';
import type { Converted, ConvertOptions } from './convert.ts';

const config = z.strictObject({
  zone: zoneName()
    .optional()
    .describe(
      'The IANA zone of times that say none; that of the sender’s profile if absent, else what MSH-7 says, else UTC.',
    ),
  systems: z
    .record(z.string().min(1), z.url())
    .default({})
    .describe(
      'The systems of identifiers by the names of their assigning authorities: HOSP: urn:oid:1.2.3. One that is not listed gets a name under urn:weir.',
    ),
  bundle: z
    .enum(['message', 'transaction'])
    .default('message')
    .describe(
      'What the bundle is for: a message with its header first, or a transaction that puts every resource under its id, the same at a replay.',
    ),
  rules: z
    .array(z.string().regex(/\.rules\.yaml$/, 'the path of a *.rules.yaml'))
    .default([])
    .describe(
      'Rules of the site over the official ones, from the folder of the channel file: layers, of which a later one may change what an earlier one says.',
    ),
  onIssue: z
    .enum(['ignore', 'error'])
    .default('ignore')
    .describe(
      'What becomes of a message of which something could not be said as it was meant: dates that are none, codes outside their value set. Nothing is lost either way: such values are kept as they were sent.',
    ),
});

type Config = z.output<typeof config>;

/** Issues that are about the sender’s values, not about what FHIR requires besides. */
const FAULTS = new Set(['bad-date', 'bad-number', 'bad-data', 'unknown-code', 'bad-period']);

const base = defineTransform({
  type: 'hl7v2-to-fhir',
  summary:
    'Makes a bundle of FHIR R4 of an HL7 v2 message, by the official v2-to-FHIR maps; what they do not place is kept in extensions.',
  accepts: hl7v2,
  produces: fhirBundle,
  config,
  examples: [
    { title: 'Bundles from a sender whose profile says its zone', config: {} },
    {
      title: 'Z-segments and codes of the hospital, by layers of its own rules',
      config: { rules: ['fhir/hospital.rules.yaml', 'fhir/portal.rules.yaml'] },
    },
    {
      title: 'Transactions for a FHIR server, identifiers under the hospital’s own system',
      config: { bundle: 'transaction', zone: 'Europe/Berlin', systems: { HOSP: 'urn:oid:1.2.276.0.76.3.1.139' } },
    },
  ],
  create: (given) => {
    if (given.rules.length > 0) {
      const what = `hl7v2-to-fhir with ${given.rules[0]}: rules come with their channel file, which a hub loads`;
      throw new HubError('config-invalid', 'permanent', what);
    }
    return stepOf(given, () => given.zone);
  },
});

/** In a channel of a file the zone is that of its sender’s profile, and of the site where sites differ. */
function spec(given: z.input<typeof config>): FileStep<Hl7Message, Bundle> {
  const read = configured(base, given);
  const unloaded = Object.freeze({ ...base(given), lineage: lineageOf(read, () => read.zone) });
  return Object.freeze({ ...unloaded, load: (files: StepFiles) => load(read, unloaded, files) });
}

async function load(
  given: Config,
  unloaded: TransformSpec<Hl7Message, Bundle>,
  files: StepFiles,
): Promise<Loaded<TransformSpec<Hl7Message, Bundle>>> {
  const zoneOf = (message: Hl7Message) => given.zone ?? files.zoneOf?.(message as never) ?? files.zone;
  let rules: Rules | undefined;
  if (given.rules.length > 0) {
    const { loadRules } = await import('./site/load-rules.ts');
    const read = await loadRules(given.rules, files);
    if (!read.ok) return read;
    rules = read.value;
  }
  const lineage = lineageOf(given, zoneOf, rules);
  return { ok: true, value: Object.freeze({ ...unloaded, create: () => stepOf(given, zoneOf, rules), lineage }) };
}

type ZoneOf = (message: Hl7Message) => string | undefined;

/** What a message is converted with, by its step and by whoever asks what that does. */
function optionsOf(
  { systems, bundle }: Config,
  zoneOf: ZoneOf,
  message: Hl7Message,
  { receivedAt }: Message<Hl7Message>,
  rules: Rules | undefined,
): ConvertOptions {
  const zone = zoneOf(message);
  return { systems, bundle, receivedAt, ...(zone !== undefined && { zone }), ...(rules && { rules }) };
}

function lineageOf(
  given: Config,
  zoneOf: ZoneOf,
  rules?: Rules,
): NonNullable<TransformSpec<Hl7Message, Bundle>['lineage']> {
  return async (message, envelope) => {
    const { explain } = await import('./explain.ts');
    const { leaves, elements, issues } = explain(message, optionsOf(given, zoneOf, message, envelope, rules));
    return { leaves, elements, issues, value: (path) => message.get(path) ?? '""' };
  };
}

type Convert = (message: Hl7Message, options: ConvertOptions) => Converted;
let convert: Convert | undefined;

function stepOf(given: Config, zoneOf: ZoneOf, rules?: Rules): Step<Hl7Message, Bundle> {
  const converted = (convertWith: Convert, message: Hl7Message, envelope: Message<Hl7Message>): Bundle => {
    const made = convertWith(message, optionsOf(given, zoneOf, message, envelope, rules));
    if (given.onIssue === 'error') refuse(made);
    return made.bundle;
  };
  return (message, envelope) => {
    if (convert) return converted(convert, message, envelope);
    // The maps are read with the first message: a hub without such channels does not spend that at its start.
    return import('./convert.ts').then((loaded) => {
      convert = loaded.convert;
      return converted(convert, message, envelope);
    });
  };
}

function refuse({ issues }: Converted): void {
  const fault = issues.find(({ code }) => FAULTS.has(code));
  if (!fault) return;
  throw new HubError(
    'validation-failed',
    'permanent',
    `converting ${fault.path} to FHIR: ${fault.message} (${fault.code})`,
  );
}

/** The component: `transforms.hl7v2ToFhir({})`. */
export const hl7v2ToFhir = Object.assign(spec as (given: z.input<typeof config>) => FileStep<Hl7Message, Bundle>, base);
