import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../core/testing/free-port.ts';
import { service, uniqueName } from '../../../core/testing/services.ts';
import { type HubProcess, hubProcess, type Workplace, weir, workplace } from '../../testing/hub-process.ts';

const redis = await service('redis', import.meta.filename);
const prefix = uniqueName(import.meta.filename);

async function started(hub: string): Promise<{ readonly place: Workplace; readonly hub: HubProcess; port: number }> {
  const port = await freePort();
  const secret = redis.missing ? {} : { 'redis-url': redis.address };
  const place = await workplace({
    'weir.yaml': `hub: ${hub}\n${redis.missing ? '' : `redis: { url: "\${file:redis-url}", prefix: "${prefix}" }\n`}`,
    ...secret,
    'channels/env/test.yaml': `endpoints:\n  in: { kind: tcp-listen, listen: ${port} }\n`,
    'channels/one.channel.yaml': `channel: one\nsource: { mllp: { endpoint: in } }\ndestinations:\n  gone: { to: { discard: {} } }\n`,
  });
  return { place, hub: await hubProcess(place), port };
}

describe('weir watch', () => {
  let hubs: Awaited<ReturnType<typeof started>>[] = [];
  beforeAll(async () => {
    hubs = [await started('hub-one'), await started('hub-two')];
  }, 60_000);
  afterAll(async () => {
    for (const { hub, place } of hubs) {
      await hub[Symbol.asyncDispose]();
      await place[Symbol.asyncDispose]();
    }
  });

  it('shows counts as they grow, and ends after the time that is given', async () => {
    const [first] = hubs;
    const watching = weir(['watch', '--for', '5', '--json'], first!.hub.admin);
    const fixture = join(import.meta.dirname, '../../../test-fixtures/hl7v2/adt-a08.hl7');
    const to = ['--to', `127.0.0.1:${first!.port}`, '--repeat', '20', '--rate', '10'];
    await weir(['send', fixture, ...to], first!.hub.admin);
    const { code, out } = await watching;
    expect(code).toBe(0);
    const reports = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .filter(({ hub }) => hub === 'hub-one');
    expect(reports.length).toBeGreaterThan(2);
    expect(reports.at(-1).channels[0]).toMatchObject({ channel: 'one', state: 'running' });
    expect(reports.at(-1).channels[0].received).toBeGreaterThan(reports[0].channels[0].received);
  });

  it.skipIf(redis.missing)(
    'shows all hubs at one of them',
    async () => {
      const { code, out } = await weir(['watch', '--for', '6'], hubs[1]!.hub.admin);
      expect(code).toBe(0);
      expect(out).toMatch(/^2 hubs: hub-one, hub-two$/m);
      expect(out).toMatch(/^hub-one +one +running /m);
    },
    30_000,
  );

  it('says where no hub answers', async () => {
    expect(await weir(['watch', '--admin', `127.0.0.1:${await freePort()}`], '')).toMatchObject({ code: 3 });
  });
});
