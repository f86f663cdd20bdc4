import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ownService, service, uniqueName } from '../../core/testing/services.ts';
import { RedisRates } from './redis-rates.ts';

const shared = await service('redis', import.meta.filename);
const own = await ownService('redis', import.meta.filename);

async function opened(url: string, prefix = uniqueName(import.meta.filename)): Promise<RedisRates> {
  const rates = await RedisRates.open({ server: { url }, prefix });
  onTestFinished(() => rates[Symbol.asyncDispose]());
  await vi.waitFor(() => rates.take('ready', { perSecond: 1, burst: 1 }, 1));
  return rates;
}

describe.skipIf(shared.missing)('rates in Redis', () => {
  it('give hubs that ask at once no more together than one would get', async () => {
    const prefix = uniqueName(import.meta.filename);
    const hubs = [await opened(shared.address, prefix), await opened(shared.address, prefix)];
    const rate = { perSecond: 100, burst: 10 };
    const from = performance.now();
    let granted = 0;
    await Promise.all(
      hubs.map(async (hub) => {
        while (performance.now() - from < 500) {
          const { count, waitMs } = await hub.take('lab', rate, 7);
          granted += count;
          if (count === 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
        }
      }),
    );
    const ms = performance.now() - from;
    expect(granted).toBeLessThanOrEqual(10 + ms / 10 + 1);
    expect(granted).toBeGreaterThan(10);
    // Another name is another rate; another installation another count.
    expect(await hubs[0]!.take('ris', rate, 10)).toEqual({ count: 10, waitMs: 0 });
    expect((await (await opened(shared.address)).take('lab', rate, 10)).count).toBe(10);
  });

  it('say when there is more', async () => {
    const rates = await opened(shared.address);
    const rate = { perSecond: 0.02, burst: 1 };
    expect(await rates.take('slow', rate, 3)).toEqual({ count: 1, waitMs: expect.any(Number) });
    const { count, waitMs } = await rates.take('slow', rate, 1);
    expect(count).toBe(0);
    expect(waitMs).toBeGreaterThan(0);
    expect(waitMs).toBeLessThanOrEqual(50_000);
  });
});

describe.skipIf(own.missing)('rates in a Redis that goes away', () => {
  it('reject at once while it is away, and are counted again when it is back', { timeout: 60_000 }, async () => {
    await using server = await own.start();
    const rates = await opened(server.address);
    await server.stop();
    await vi.waitFor(() => expect(rates.take('lab', { perSecond: 1, burst: 1 }, 1)).rejects.toThrow());
    const at = performance.now();
    await expect(rates.take('lab', { perSecond: 1, burst: 1 }, 1)).rejects.toThrow();
    expect(performance.now() - at).toBeLessThan(5_000);
    await server.start();
    await vi.waitFor(() => rates.take('lab', { perSecond: 1, burst: 1 }, 1));
  });
});
