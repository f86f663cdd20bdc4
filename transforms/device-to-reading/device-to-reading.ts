import { z } from 'zod';
import { type DeviceArrival, deviceArrival } from '../../contracts/device-arrival.ts';
import type { DeviceProfile } from '../../contracts/device-profile/device-profile.ts';
import { loadProfiles } from '../../contracts/device-profile/load-profiles.ts';
import { type VitalReadings, vitalReadings } from '../../contracts/vitals.ts';
import type { Loaded } from '../../core/config/problem.ts';
import type { FileStep, StepFiles } from '../../core/config/step-files.ts';
import { describeIssues } from '../../core/define.ts';
import { HubError } from '../../core/errors.ts';
import { many, type TransformSpec } from '../../core/transform.ts';
import { ReadingMaker } from './readings.ts';

const config = z.strictObject({
  profiles: z
    .array(z.string().regex(/\.profile\.yaml$/, 'the path of a *.profile.yaml'))
    .min(1)
    .describe('The profiles of the devices whose arrivals come through, from the folder of the channel file.'),
});

/**
 * Makes readings of what devices sent: `transforms.deviceToReading({ profiles: ['devices/isolation-room.profile.yaml'] })`. The
 * profiles are read when the channel is loaded. Throws HubError `config-invalid`.
 */
function spec(given: z.input<typeof config>): FileStep<DeviceArrival, VitalReadings> {
  const read = config.safeParse(given);
  if (!read.success)
    throw new HubError('config-invalid', 'permanent', `configuring device-to-reading: ${describeIssues(read.error)}`);
  const formats = { accepts: deviceArrival, produces: vitalReadings };
  return Object.freeze({
    ...{ kind: 'transform' as const, type: 'device-to-reading', config: read.data, ...formats },
    create: () => {
      const what = `device-to-reading: its profiles come with its channel file, which a hub loads`;
      throw new HubError('config-invalid', 'permanent', what);
    },
    load: (files: StepFiles) => load(read.data, files),
  });
}

async function load(
  { profiles: paths }: z.output<typeof config>,
  files: StepFiles,
): Promise<Loaded<TransformSpec<DeviceArrival, VitalReadings>>> {
  const profiles = await loadProfiles(paths, files);
  return profiles.ok ? made(profiles.value, files.shown(paths[0]!)) : profiles;
}

function made(profiles: readonly DeviceProfile[], file: string): Loaded<TransformSpec<DeviceArrival, VitalReadings>> {
  try {
    return { ok: true, value: deviceReadings(profiles) };
  } catch (thrown) {
    if (!(thrown instanceof HubError)) throw thrown;
    const { message } = thrown;
    return { ok: false, problems: [{ file, line: 1, column: 1, code: 'value-invalid', message }] };
  }
}

/** The step by profiles that have been read. Throws HubError `config-invalid` where two of them are about one device. */
export function deviceReadings(profiles: readonly DeviceProfile[]): TransformSpec<DeviceArrival, VitalReadings> {
  const maker = new ReadingMaker(profiles);
  return Object.freeze({
    kind: 'transform' as const,
    type: 'device-to-reading',
    config: { profiles: profiles.map(({ name }) => name) },
    accepts: deviceArrival,
    produces: vitalReadings,
    create: () => (arrival: DeviceArrival, message: { readonly receivedAt: number }) =>
      many(maker.readingsOf(arrival, message.receivedAt)),
  });
}

/** The component. */
export const deviceToReading = Object.assign(spec, {
  kind: 'transform' as const,
  type: 'device-to-reading',
  summary:
    'Makes readings of what devices sent, by their profiles: values with units, codes and validity (IEEE 11073-10207), never a last value again.',
  config,
  examples: [
    { title: 'Isolation rooms', config: { profiles: ['devices/isolation-room.profile.yaml'] } },
    {
      title: 'A ward’s monitors of two makes',
      config: { profiles: ['devices/bedside-monitor.profile.yaml', 'devices/pulse-oximeter.profile.yaml'] },
    },
  ] as const,
});
