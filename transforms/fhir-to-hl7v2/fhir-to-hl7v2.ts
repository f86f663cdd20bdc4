import { z } from 'zod';
import { type Bundle, fhirBundle } from '../../contracts/fhir.ts';
import { hl7v2 } from '../../contracts/hl7v2.ts';
import { defineTransform } from '../../core/define.ts';
import { HubError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import { zoneName } from '../../core/time/zone.ts';
import type { Step } from '../../core/transform.ts';
import type { Hl7Message } from '../../protocols/hl7v2/message.ts';
import { VERSIONS } from '../../protocols/hl7v2/schema/versions.ts';
import type { Returned, ReturnOptions } from './to-hl7v2.ts';

const name = () => z.string().min(1).max(200).optional();

const config = z.strictObject({
  type: z
    .string()
    .regex(/^(?:ADT|ORU|OML|SIU|VXU)(?:\^[A-Z][A-Z0-9]{2}(?:\^[A-Z0-9_]{3,15})?)?$/, {
      message: 'a type of ADT, ORU, OML, SIU or VXU: ADT^A08',
    })
    .optional()
    .describe(
      'Type of the messages: ADT^A08, or ADT alone for the event that fits what the bundle holds. What the MessageHeader says if absent, else what the bundle holds.',
    ),
  version: z
    .enum(VERSIONS)
    .optional()
    .describe(
      'Version that is written; if absent that of the message which the bundle was made of by hl7v2-to-fhir, else 2.5.1.',
    ),
  sendingApplication: name().describe('MSH-3, instead of what the MessageHeader says.'),
  sendingFacility: name().describe('MSH-4, instead of what the MessageHeader says.'),
  receivingApplication: name().describe('MSH-5, instead of what the MessageHeader says.'),
  receivingFacility: name().describe('MSH-6, instead of what the MessageHeader says.'),
  zone: zoneName()
    .optional()
    .describe('The IANA zone that times are written in; each with the offset that it has in the bundle if absent.'),
  systems: z
    .record(z.string().min(1), z.url())
    .default({})
    .describe(
      'The names of assigning authorities by the systems of their identifiers, as in hl7v2-to-fhir: HOSP: urn:oid:1.2.3. A system that is not listed is written as its universal identifier.',
    ),
  onIssue: z
    .enum(['ignore', 'error'])
    .default('ignore')
    .describe(
      'What becomes of a bundle of which something does not land in the message: elements that v2 has no field for, times that are none, references that lead nowhere.',
    ),
});

type Config = z.output<typeof config>;

/** Issues that are about what the bundle says, not about what v2 requires besides. */
const FAULTS = new Set(['not-landed', 'bad-date', 'unknown-code', 'dangling']);

/** The component: `transforms.fhirToHl7v2({})`. */
export const fhirToHl7v2 = defineTransform({
  type: 'fhir-to-hl7v2',
  summary:
    'Makes an HL7 v2 message (ADT, ORU, OML, SIU, VXU) of a bundle of FHIR R4, by the rules of hl7v2-to-fhir read backwards.',
  accepts: fhirBundle,
  produces: hl7v2,
  config,
  examples: [
    { title: 'Messages of the type that their bundles are about', config: {} },
    {
      title: 'Updates of patients for a system that knows 2.3.1, from the hospital’s own numbers',
      config: {
        type: 'ADT^A08',
        version: '2.3.1',
        sendingApplication: 'WEIR',
        receivingApplication: 'RIS',
        zone: 'Europe/Berlin',
        systems: { HOSP: 'urn:oid:1.2.276.0.76.3.1.139' },
      },
    },
  ],
  create: stepOf,
});

type Convert = (bundle: unknown, options: ReturnOptions) => Returned;
let toHl7v2: Convert | undefined;

function stepOf(given: Config): Step<Bundle, Hl7Message> {
  const returned = (convert: Convert, bundle: Bundle, { receivedAt }: Message<Bundle>): Hl7Message => {
    const made = convert(bundle, { ...given, receivedAt });
    if (given.onIssue === 'error') refuse(made);
    return made.message;
  };
  return (bundle, envelope) => {
    if (toHl7v2) return returned(toHl7v2, bundle, envelope);
    // The maps are read with the first bundle: a hub without such channels does not spend that at its start.
    return import('./to-hl7v2.ts').then((loaded) => {
      toHl7v2 = loaded.toHl7v2;
      return returned(toHl7v2, bundle, envelope);
    });
  };
}

function refuse({ issues }: Returned): void {
  const fault = issues.find(({ code }) => FAULTS.has(code));
  if (!fault) return;
  throw new HubError(
    'validation-failed',
    'permanent',
    `writing ${fault.path || 'a bundle'} as HL7 v2: ${fault.message} (${fault.code})`,
  );
}
