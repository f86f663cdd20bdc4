import { z } from 'zod';
import { fhirBundle } from '../../contracts/fhir.ts';
import { vitalReadings } from '../../contracts/vitals.ts';
import { defineTransform } from '../../core/define.ts';
import { bundleOf } from './bundle.ts';

/** Makes Observations of readings: `transforms.readingToFhir({})`. */
export const readingToFhir = defineTransform({
  type: 'reading-to-fhir',
  summary:
    'Makes a bundle of FHIR R4 Observations of the readings of a device, vital signs as their profile has them, and a blood pressure as one of two components.',
  accepts: vitalReadings,
  produces: fhirBundle,
  config: z.strictObject({
    bundle: z
      .enum(['transaction', 'collection'])
      .default('transaction')
      .describe(
        'A transaction puts every Observation under its id, the same at a replay, and makes patient, place and device where the server has none by their identifiers; a collection asks for nothing.',
      ),
    status: z
      .enum(['preliminary', 'final'])
      .default('preliminary')
      .describe(
        'The status of Observations: nobody has looked at what a device says by itself. Questionable values are preliminary either way.',
      ),
    maxSkewMs: z
      .int()
      .nonnegative()
      .default(60_000)
      .describe(
        'How far a device’s clock may be from the hub’s: beyond that a value counts for the moment when it came in.',
      ),
    systems: z
      .record(z.string().min(1), z.url())
      .default({})
      .describe(
        'The systems of identifiers by the names of their assigning authorities: HOSP: urn:oid:1.2.3. One that is not listed gets a name under urn:weir.',
      ),
  }),
  examples: [
    { title: 'To a FHIR server, verified by nobody', config: {} },
    {
      title: 'Charted as they come, with identifiers under the hospital’s own system',
      config: { status: 'final', systems: { HOSP: 'urn:oid:1.2.276.0.76.3.1.139' } },
    },
  ],
  create: (config) => (event) => bundleOf(event, config),
});
