import { describe, expect, it } from 'vitest';
import { loopbackListener } from '../../core/testing/loopback-listener.ts';
import { service, uniqueName } from '../../core/testing/services.ts';
import { reachRedis } from './reach.ts';

const redis = await service('redis', import.meta.filename);
const prefix = uniqueName(import.meta.filename);

describe.skipIf(redis.missing)('connecting to Redis', () => {
  const { host = '', password = '' } = redis.missing ? {} : new URL(redis.address);
  const reach = (url: string) => reachRedis({ url }, prefix, 3_000);

  it('gets in with the password', async () => {
    expect(await reach(redis.address)).toMatch(/^Redis \d+\.\d+\S*, logged in$/);
  });

  it.each([
    ['a wrong password', `redis://:wrong@${host}`, /user or password of redis\.url/],
    ['no password', `redis://${host}`, /wants a password: redis\.url/],
    ['TLS where there is none', `rediss://:${password}@${host}`, /TLS .*redis\.url/],
  ])('names the setting: %s', async (_what, url, names) => {
    const thrown = await reach(url).catch((error: unknown) => error);
    expect(thrown).toMatchObject({ name: 'HubError', code: 'refused', message: expect.stringMatching(names) });
    expect((thrown as Error).message).not.toContain('wrong');
  });

  it('knows what is no Redis', async () => {
    await using server = await loopbackListener();
    using _closing = server.handle((socket) => void socket.resume().once('data', () => socket.end()));
    await expect(reach(`redis://127.0.0.1:${server.port}`)).rejects.toThrow(/redis\.url may be no Redis/);
  });
});
