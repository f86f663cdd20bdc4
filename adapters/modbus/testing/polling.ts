import { onTestFinished } from 'vitest';
import {
  type DeviceArrival,
  type DeviceStatus,
  deviceArrival,
  type SentFrame,
} from '../../../contracts/device-arrival.ts';
import { type DeviceProfile, readDeviceProfile } from '../../../contracts/device-profile/device-profile.ts';
import { describeProblem } from '../../../core/config/problem.ts';
import { YamlFile } from '../../../core/config/yaml-file.ts';
import { noMeta } from '../../../core/format.ts';
import { type FakeSourceContext, fakeSourceContext } from '../../../core/testing/contexts.ts';
import { type FakeIntake, fakeIntake, positive } from '../../../core/testing/fake-intake.ts';
import { modbus } from '../modbus.ts';

export interface ProfileOptions {
  readonly transport?: 'modbus-tcp' | 'modbus-rtu';
  /** The keys of `modbus` beside where it is. */
  readonly section?: string;
  /** Each with its unit; one of unit 1 if absent. */
  readonly units?: readonly number[];
  readonly points?: readonly string[];
}

const pressure = 'id: pressure, read: { table: input-registers, address: 0 }, type: u16, unit: Pa';

/** A profile of devices at one port of this machine, one for each unit: `unit-1`. */
export function profileAt(port: number, options: ProfileOptions = {}): DeviceProfile {
  const { transport = 'modbus-tcp', section = 'timeoutMs: 100', units = [1], points = [pressure] } = options;
  const where = transport === 'modbus-tcp' ? `host: 127.0.0.1, port: ${port}` : `path: '127.0.0.1:${port}'`;
  const groups = section.includes('groups:') ? '' : 'groups: { all: { everyMs: 100 } }, ';
  return profileOf(`profile: rooms
transport: ${transport}
modbus: { ${where}, unit: '\${UNIT}', addressing: zero-based, ${groups}${section} }
devices:
${units.map((unit) => `  - { id: unit-${unit}, variables: { UNIT: ${unit} } }`).join('\n')}
points:
${points.map((point) => `  - { ${point} }`).join('\n')}
`);
}

export function profileOf(text: string): DeviceProfile {
  const file = new YamlFile('p', text);
  const profile = readDeviceProfile(file, { environment: {}, readFile: () => undefined });
  if (!profile) throw new Error(file.problems.map(describeProblem).join('\n'));
  return profile;
}

/** A source that polls until the test is over. */
export class Polling {
  readonly context: FakeSourceContext;
  readonly intake: FakeIntake;
  readonly ended: Promise<void>;
  readonly #drain = new AbortController();
  readonly #halt = new AbortController();

  constructor(profile: DeviceProfile, intake: FakeIntake = fakeIntake(() => positive)) {
    this.context = fakeSourceContext({ deviceProfiles: [profile] });
    this.intake = intake;
    const life = { drain: this.#drain.signal, halt: this.#halt.signal };
    this.ended = modbus({ profile: profile.name }).create(this.context).run(intake, life);
    this.ended.catch(() => undefined);
    onTestFinished(() => this.halt());
  }

  get arrivals(): readonly DeviceArrival[] {
    return this.intake.arrivals.map(({ raw }) => deviceArrival.decode(raw, noMeta));
  }

  of(device: string): readonly DeviceArrival[] {
    return this.arrivals.filter((arrival) => arrival.device === device);
  }

  /** The blocks that came of a device, or of all of them. */
  blocks(device?: string): readonly Extract<SentFrame, { kind: 'modbus' }>[] {
    return (device === undefined ? this.arrivals : this.of(device)).flatMap(({ frames }) =>
      frames.filter((frame) => frame.kind === 'modbus'),
    );
  }

  /** What was told of a device, in words. */
  told(device: string): readonly string[] {
    return this.of(device)
      .flatMap(({ frames }) => frames.filter((frame): frame is DeviceStatus => frame.kind === 'status'))
      .map(({ state, reason, points }) => `${state}: ${reason}${points ? ` (${points.join(' ')})` : ''}`);
  }

  async drain(): Promise<void> {
    this.#drain.abort();
    await this.ended;
  }

  async halt(): Promise<void> {
    this.#drain.abort();
    this.#halt.abort();
    await this.ended.catch(() => undefined);
  }
}

/** The numbers of a block of registers. */
export function registersOf({ bytes }: { readonly bytes: string }): readonly number[] {
  const raw = Buffer.from(bytes, 'base64');
  return Array.from({ length: raw.length / 2 }, (_, at) => raw.readUInt16BE(2 * at));
}
