import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { deviceToReading } from './device-to-reading.ts';

const root = new URL('../../', import.meta.url);

it('is loaded with its profiles, whose problems are those of the channel', async () => {
  const files = (text: string | undefined) =>
    ({
      shown: (path: string) => `channels/${path}`,
      text: async () => text ?? Promise.reject(new Error('there is no such file')),
      note: () => {},
      references: { environment: {}, readFile: () => undefined },
    }) as unknown as Parameters<ReturnType<typeof deviceToReading>['load']>[0];
  const step = deviceToReading({ profiles: ['devices/x.profile.yaml'] });
  expect(await step.load(files(undefined))).toMatchObject({ ok: false, problems: [{ code: 'file-unreadable' }] });
  expect(await step.load(files('profile: x\ntransport: mqtt\n'))).toMatchObject({
    ok: false,
    problems: [{ file: 'channels/devices/x.profile.yaml', line: 1, column: 1, code: 'key-missing' }],
  });
  const text = readFileSync(new URL('channels/devices/isolation-room.profile.yaml', root), 'utf8');
  expect(await step.load(files(text))).toMatchObject({ ok: true, value: { produces: { id: 'vitals.numeric.v1' } } });
});
