import { onTestFinished, vi } from 'vitest';
import { openLine } from '../../../clients/serial-port/open-line.ts';
import { type DeviceArrival, deviceArrival } from '../../../contracts/device-arrival.ts';
import { readDeviceProfile } from '../../../contracts/device-profile/device-profile.ts';
import { YamlFile } from '../../../core/config/yaml-file.ts';
import { noMeta } from '../../../core/format.ts';
import { fakeSourceContext } from '../../../core/testing/contexts.ts';
import { wallClock } from '../../../core/testing/fake-clock.ts';
import type { FakeIntake } from '../../../core/testing/fake-intake.ts';
import { serial } from '../serial.ts';

export const nonin = 'framing: { type: nonin-2 }';
const noninPoints =
  "points: [{ id: pulse, from: pulseRate, unit: '{beats}/min' }, { id: spo2, from: spo2, unit: '%' }]";
export const textPoints = "points: [{ id: value, type: number, unit: '1', match: '(\\d+)' }]";

/** A profile `p` of devices at these paths, each called `d-1`, `d-2` …, that are silent after 1.5 s. */
export function profileOf(
  paths: readonly string[],
  section = nonin,
  points = noninPoints,
  silenceMs = 1_500,
): NonNullable<ReturnType<typeof readDeviceProfile>> {
  const devices = paths.map((path, at) => `{ id: d-${at + 1}, variables: { PORT: '${path}' } }`).join(', ');
  const text = `profile: p\ntransport: serial\nserial: { path: '\${PORT}', silenceMs: ${silenceMs}, ${section} }\ndevices: [${devices}]\n${points}\n`;
  const file = new YamlFile('p.profile.yaml', text);
  const profile = readDeviceProfile(file, { environment: {}, readFile: () => undefined });
  if (!profile) throw new Error(file.problems.map(({ message }) => message).join('; '));
  return profile;
}

/** A source that listens until the test ends. */
export function listening(
  intake: FakeIntake,
  profile: ReturnType<typeof profileOf>,
  config: Partial<Parameters<typeof serial>[0]> = {},
) {
  const context = fakeSourceContext({ deviceProfiles: [profile] });
  const [drain, halt] = [new AbortController(), new AbortController()];
  const source = serial({ profile: 'p', ...config }).create(context);
  const ended = source.run(intake, { drain: drain.signal, halt: halt.signal });
  const stop = async () => {
    drain.abort();
    await ended;
  };
  onTestFinished(async () => {
    halt.abort();
    await stop();
  });
  const isOpen = (count = profile.devices.length) =>
    vi.waitFor(() => {
      if (context.reported.at(-1)?.connections !== count) throw new Error('not every port is open');
    });
  return { context, stop, isOpen };
}

/** The device's end of a line. */
export async function deviceAt(path: string) {
  const signal = new AbortController().signal;
  const settings = { path, baud: 9_600, dataBits: 8, parity: 'none', stopBits: 1 } as const;
  const line = await openLine(settings, { clock: wallClock, timeoutMs: 1_000, signal });
  onTestFinished(() => line.close());
  return line;
}

export const arrivalsOf = (intake: FakeIntake): readonly DeviceArrival[] =>
  intake.arrivals.map(({ raw }) => deviceArrival.decode(raw, noMeta));

/** Every frame that arrived: its bytes, or the state that the hub noticed. */
export const framesOf = (intake: FakeIntake, device = 'd-1'): readonly (Buffer | string)[] =>
  arrivalsOf(intake)
    .filter((arrival) => arrival.device === device)
    .flatMap(({ frames }) =>
      frames.map((frame) => (frame.kind === 'status' ? frame.state : Buffer.from(frame.bytes, 'base64'))),
    );
