import { describe, expect, it } from 'vitest';
import { HubError } from '../errors.ts';
import { CallThread } from './call-thread.ts';
import { Thread } from './thread.ts';

const lostError = (what: string, cause?: unknown) =>
  new HubError('store-failed', 'transient', `asking: ${what}`, { cause });

/** A thread that runs `code`, which knows `port`. */
const running = (code: string) =>
  new Thread(
    new URL(
      `data:text/javascript,${encodeURIComponent(`import { parentPort as port } from 'node:worker_threads'; ${code}`)}`,
    ),
    { name: 'tried' },
    lostError,
    () => undefined,
  );

const serving = () =>
  new CallThread<{ echo(value: unknown): unknown; fail(text: string): never; leave(): void }>(
    new URL('./echo-thread.ts', import.meta.url),
    { name: 'echo' },
    lostError,
  );

/** `later` where the promise is still open after what is at hand. */
const now = (promise: Promise<unknown>) => Promise.race([promise, new Promise((done) => setImmediate(done, 'later'))]);

describe('a thread that ends by itself', () => {
  const deaths = {
    'that throws': [
      `setTimeout(() => { throw new RangeError('DOE^JOHN') }, 20)`,
      /^asking: the tried thread failed: RangeError/,
    ],
    'that exits': ['setTimeout(() => process.exit(0), 20)', /^asking: the tried thread has ended$/],
    'whose code is not there': [`import './nowhere.js'`, /^asking: the tried thread failed: /],
  } as const;
  for (const [name, [code, message]] of Object.entries(deaths)) {
    it(`${name}: rejects what waits and what comes later, and says so once`, async () => {
      const thread = running(code);
      const waiting = [thread.add(() => undefined), thread.add(() => undefined)];
      for (const call of waiting) await expect(call).rejects.toMatchObject({ code: 'store-failed', kind: 'transient' });
      const lost = await thread.lost;
      expect(lost.message).toMatch(message);
      expect(lost.message).not.toContain('DOE');
      await expect(thread.add(() => expect.unreachable())).rejects.toBe(lost);
      await thread.close();
    });
  }

  it('leaves a thread that is closed unsaid', async () => {
    const thread = running(`port.on('message', () => port.close())`);
    await thread.close();
    expect(await now(thread.lost)).toBe('later');
    await expect(thread.add(() => undefined)).rejects.toThrow('asking: it is closed');
  });

  it('resolves a close at which the thread fails', async () => {
    const thread = running(`port.on('message', () => { throw new Error() })`);
    await thread.close();
    expect(await now(thread.lost)).toBe('later');
  });
});

describe('calls of a thread', () => {
  it('are answered one by one, in order, with values or with errors', async () => {
    const thread = serving();
    const settled = await Promise.allSettled([
      thread.call('echo', { a: Uint8Array.of(1, 2) }),
      thread.call('fail', 'no'),
      thread.call('echo', undefined),
    ]);
    expect(settled).toMatchObject([
      { status: 'fulfilled', value: { a: Uint8Array.of(1, 2) } },
      {
        status: 'rejected',
        reason: { code: 'not-found', kind: 'permanent', scope: 'destination', message: 'failing: no' },
      },
      { status: 'fulfilled', value: undefined },
    ]);
    await thread.close();
  });

  it('made before a close are answered, and later ones rejected', async () => {
    const thread = serving();
    const before = [thread.call('echo', 1), thread.call('echo', 2)];
    const closed = thread.close();
    await expect(thread.call('echo', 3)).rejects.toThrow('asking: it is closed');
    expect(await Promise.all(before)).toEqual([1, 2]);
    await closed;
  });

  it('that wait when the thread leaves are rejected', async () => {
    const thread = serving();
    const leaving = thread.call('leave', undefined);
    await expect(leaving).rejects.toThrow('asking: the echo thread has ended');
    expect((await thread.lost).code).toBe('store-failed');
  });

  it('hand over a `bytes` buffer without a copy', async () => {
    const thread = serving();
    const bytes = new ArrayBuffer(16);
    const answer = await thread.call('echo', { bytes }, [bytes]);
    expect(bytes.byteLength).toBe(0);
    expect(answer).toEqual({ bytes: new ArrayBuffer(16) });
    await thread.close();
  });
});
