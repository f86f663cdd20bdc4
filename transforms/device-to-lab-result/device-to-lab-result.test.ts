import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { DeviceArrival } from '../../contracts/device-arrival.ts';
import { readDeviceProfile } from '../../contracts/device-profile/device-profile.ts';
import { type LabResult, labResult } from '../../contracts/lab-result.ts';
import { YamlFile } from '../../core/config/yaml-file.ts';
import { noMeta } from '../../core/format.ts';
import type { Message } from '../../core/message.ts';
import type { Many } from '../../core/transform.ts';
import { deviceLabResults, deviceToLabResult } from './device-to-lab-result.ts';

const root = new URL('../../', import.meta.url);
const textOf = (name: string) => readFileSync(new URL(`channels/devices/${name}.profile.yaml`, root), 'utf8');
const profile = readDeviceProfile(new YamlFile('p', textOf('chemistry-analyzer')), {
  environment: {},
  readFile: () => undefined,
})!;
const step = deviceLabResults([profile]).create();
const resultsOf = (message: Buffer | string, device = 'chem-1') => {
  const frames = [{ kind: 'astm' as const, bytes: Buffer.from(message).toString('base64') }];
  const { outputs } = step({ arrival: 1, device, frames }, {} as Message<DeviceArrival>) as Many<LabResult>;
  return outputs.map((each) => labResult.decode(labResult.encode(each), noMeta));
};

describe('results of an analyzer', () => {
  const results = resultsOf(readFileSync(new URL('test-fixtures/devices/chemistry.astm', root)));

  it('are one event an order, without quality control, for the patient of the message', () => {
    expect(results.map(({ order }) => order.placer)).toEqual(['S4711', 'S4712']);
    expect(results[0]!.patient.identifiers[0]).toEqual({ value: '100042' });
    expect(results[0]!.origin.application).toBe('CHEM');
  });

  it('have the codes and units of the profile, and what it does not know as it was sent', () => {
    const shown = results[0]!.observations.map(({ code, values, unit, flags }) =>
      [code.system ?? '-', code.code, values[0], unit ?? '-', flags.join()].join(' '),
    );
    expect(shown).toEqual([
      'LN 2951-2 139 mmol/L N',
      'LN 2823-3 >10.0 mmol/L HH',
      // The unit is not the one agreed on: it is not renamed.
      'LN 14749-6 97 mg/dL N',
      'LN 14682-9 88 umol/L N',
      '- HEM + - N',
      '- XYZ 1 - N',
    ]);
  });

  it('that are no message, or of no analyzer of the profiles, are an error', () => {
    expect(() => resultsOf('R|1')).toThrow(/^reading an ASTM message: /);
    expect(() => resultsOf('H|', 'chem-9')).toThrow('it is no analyzer of the profiles');
  });
});

it('takes no profile of another device', async () => {
  const files = {
    shown: (path: string) => path,
    text: async () => textOf('isolation-room'),
    note: () => {},
    references: { environment: {}, readFile: () => undefined },
  } as unknown as Parameters<ReturnType<typeof deviceToLabResult>['load']>[0];
  expect(await deviceToLabResult({ profiles: ['x.profile.yaml'] }).load(files)).toMatchObject({
    ok: false,
    problems: [{ code: 'value-invalid', message: expect.stringContaining('only an analyzer') }],
  });
});
