import { z } from 'zod';
import { type DeviceArrival, deviceArrival } from '../../contracts/device-arrival.ts';
import { type AstmPointKeys, dialectIn, isUnitOf } from '../../contracts/device-profile/astm-keys.ts';
import type { DeviceProfile } from '../../contracts/device-profile/device-profile.ts';
import type { ContentOf } from '../../contracts/device-profile/keys.ts';
import { loadProfiles } from '../../contracts/device-profile/load-profiles.ts';
import { type LabResult, labResult } from '../../contracts/lab-result.ts';
import type { Loaded } from '../../core/config/problem.ts';
import type { FileStep, StepFiles } from '../../core/config/step-files.ts';
import { describeIssues } from '../../core/define.ts';
import { HubError } from '../../core/errors.ts';
import { many, type TransformSpec } from '../../core/transform.ts';
import { type LabObservation, labResultsOf } from '../../protocols/astm/lab-result.ts';
import { parseAll } from '../../protocols/astm/message.ts';
import { ProtocolFault } from '../../protocols/fault.ts';

type Analyzer = ContentOf<'astm'>;

const config = z.strictObject({
  profiles: z
    .array(z.string().regex(/\.profile\.yaml$/, 'the path of a *.profile.yaml'))
    .min(1)
    .describe('The profiles of the analyzers whose messages come through, from the folder of the channel file.'),
});

/**
 * Makes laboratory results of what analyzers sent. The profiles are read when the channel is loaded. Throws HubError
 * `config-invalid`.
 */
function spec(given: z.input<typeof config>): FileStep<DeviceArrival, LabResult> {
  const read = config.safeParse(given);
  if (!read.success)
    throw new HubError(
      'config-invalid',
      'permanent',
      `configuring device-to-lab-result: ${describeIssues(read.error)}`,
    );
  const formats = { accepts: deviceArrival, produces: labResult };
  return Object.freeze({
    ...{ kind: 'transform' as const, type: 'device-to-lab-result', config: read.data, ...formats },
    create: () => {
      const what = 'device-to-lab-result: its profiles come with its channel file, which a hub loads';
      throw new HubError('config-invalid', 'permanent', what);
    },
    load: (files: StepFiles) => load(read.data.profiles, files),
  });
}

async function load(
  paths: readonly string[],
  files: StepFiles,
): Promise<Loaded<TransformSpec<DeviceArrival, LabResult>>> {
  const profiles = await loadProfiles(paths, files);
  if (!profiles.ok) return profiles;
  const other = profiles.value.findIndex(({ transport }) => transport !== 'astm');
  if (other < 0) return { ok: true, value: deviceLabResults(profiles.value) };
  const message = `transport: only an analyzer (astm) has laboratory results, not ${profiles.value[other]!.transport}`;
  const file = files.shown(paths[other]!);
  return { ok: false, problems: [{ file, line: 1, column: 1, code: 'value-invalid', message }] };
}

/** The step by profiles that have been read; those of other devices than analyzers are not looked at. */
export function deviceLabResults(profiles: readonly DeviceProfile[]): TransformSpec<DeviceArrival, LabResult> {
  const analyzers = new Map<string, (bytes: Buffer) => readonly LabResult[]>();
  for (const { devices } of profiles)
    for (const { id, content } of devices) if (content.kind === 'astm') analyzers.set(id, labReader(content));
  return Object.freeze({
    kind: 'transform' as const,
    type: 'device-to-lab-result',
    config: { profiles: profiles.map(({ name }) => name) },
    accepts: deviceArrival,
    produces: labResult,
    create:
      () =>
      ({ device, frames }: DeviceArrival) => {
        const read = analyzers.get(device ?? '');
        if (!read) throw undecodable('it is no analyzer of the profiles');
        return many(
          frames.flatMap((frame) => {
            if (frame.kind === 'status') return [];
            if (frame.kind !== 'astm') throw undecodable(`${frame.kind} is not how it speaks`);
            return read(Buffer.from(frame.bytes, 'base64'));
          }),
        );
      },
  });
}

/** The orders of a message with their results; tests that the profile knows by their LOINC and UCUM unit, others as they were sent. */
function labReader({ astm, points }: Analyzer): (bytes: Buffer) => readonly LabResult[] {
  const byCode = new Map(points.flatMap((point) => point.match.map((code) => [code, point] as const)));
  const { charset } = astm;
  return (bytes) => {
    try {
      return parseAll(bytes, charset === undefined ? {} : { charset })
        .flatMap((message) => labResultsOf(message, dialectIn(astm)))
        .map(({ order, observations, ...rest }) => ({
          ...rest,
          order: { ...order, service: coded(order.service, byCode.get(order.service.code ?? '')) },
          observations: observations.map((each) => known(each, byCode.get(each.code.code ?? ''))),
        }));
    } catch (fault) {
      if (!(fault instanceof ProtocolFault)) throw fault;
      throw new HubError('decode-failed', 'permanent', `reading an ASTM message: ${fault.message}`, { cause: fault });
    }
  };
}

function known(observation: LabObservation, point: AstmPointKeys | undefined): LabResult['observations'][number] {
  const { unit, ...rest } = { ...observation, code: coded(observation.code, point) };
  // A unit that was not agreed on stays as it was sent: whoever reads it has to see it.
  const said = point?.type === 'number' && unit !== undefined && isUnitOf(unit, point) ? point.unit : unit;
  return { ...rest, ...(said !== undefined && { unit: said }) };
}

function coded(sent: LabObservation['code'], point: AstmPointKeys | undefined): LabObservation['code'] {
  const loinc = point?.code?.loinc?.[0];
  if (loinc === undefined) return sent;
  const text = point?.title ?? sent.text;
  return { code: loinc, ...(text !== undefined && { text }), system: 'LN' };
}

function undecodable(reason: string): HubError {
  return new HubError('decode-failed', 'permanent', `reading what a device sent: ${reason}`);
}

/** The component. */
export const deviceToLabResult = Object.assign(spec, {
  kind: 'transform' as const,
  type: 'device-to-lab-result',
  summary:
    'Makes laboratory results of what analyzers sent (LIS02-A2), one event per order, with the LOINC and units of their profiles.',
  config,
  examples: [
    { title: 'A chemistry analyzer', config: { profiles: ['devices/chemistry-analyzer.profile.yaml'] } },
  ] as const,
});
