import { z } from 'zod';
import { type DeviceArrival, deviceArrival } from '../../contracts/device-arrival.ts';
import { type DeviceProfile, readDeviceProfile } from '../../contracts/device-profile/device-profile.ts';
import { type VitalReadings, vitalReadings } from '../../contracts/vitals.ts';
import { sha256 } from '../../core/config/code-loader.ts';
import type { Loaded, Problem } from '../../core/config/problem.ts';
import type { FileStep, StepFiles } from '../../core/config/step-files.ts';
import { YamlFile } from '../../core/config/yaml-file.ts';
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
  const problems: Problem[] = [];
  const profiles: DeviceProfile[] = [];
  for (const path of paths) {
    const shown = files.shown(path);
    const unreadable = (message: string) =>
      problems.push({ file: shown, line: 1, column: 1, code: 'file-unreadable', message });
    const text = await files.text(path).catch((thrown: unknown) => {
      unreadable(thrown instanceof Error ? thrown.message : String(thrown));
    });
    if (text === undefined) continue;
    const file = new YamlFile(shown, text);
    const profile = readDeviceProfile(file, files.references);
    problems.push(...file.problems);
    if (!profile) continue;
    // What references lead to may have changed although the text has not.
    if (/\$\{(?:env|file):/.test(text)) files.note(`reference in ${path}`, sha256(JSON.stringify(profile)));
    profiles.push(profile);
  }
  const [first, ...others] = problems;
  if (first) return { ok: false, problems: [first, ...others] };
  return made(profiles, files.shown(paths[0]!));
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
