import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { post } from '../../clients/http-server/testing/peer.ts';
import type { Receipt } from '../../core/outcome.ts';
import { fakeSourceContext } from '../../core/testing/contexts.ts';
import { fakeClock } from '../../core/testing/fake-clock.ts';
import { fakeIntake, positive } from '../../core/testing/fake-intake.ts';
import { http } from './http.ts';
import { type Config, runSource } from './testing/run-source.ts';

let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

type Options = Parameters<typeof runSource>[2];

async function running(config: Config = {}, receipt: Receipt | undefined = positive, options: Options = {}) {
  const intake = fakeIntake(() => receipt);
  const source = open.use(await runSource(intake, config, options));
  return { intake, source };
}

describe('the connections of an HTTP source', () => {
  it('rule 26: are not read from while there is no room, but for what is being read', async () => {
    const { source, intake } = await running();
    intake.setRoom(false);
    const first = await source.connect();
    first.write(post('first'));
    await vi.waitFor(() => expect(intake.waiting).toBe(1));
    const second = await source.connect();
    second.write(`POST / HTTP/1.1\r\nHost: weir\r\nContent-Length: ${64 * 1024 ** 2}\r\n\r\n`);
    const chunk = Buffer.alloc(1024 ** 2);
    for (let mb = 0; mb < 64; mb++) second.write(chunk);
    await pause(200);
    expect(second.socket.writableLength).toBeGreaterThan(32 * 1024 ** 2);
    expect(intake.waiting).toBe(1);
    intake.setRoom(true);
    await second.answered(1);
    expect(intake.arrivals.map(({ raw }) => raw.length)).toEqual([5, 64 * 1024 ** 2]);
  });

  it('rule 11: are told to come again when there is no room for twenty seconds', async () => {
    const clock = fakeClock();
    const { source, intake } = await running({}, positive, { clock });
    intake.setRoom(false);
    const [first, second] = [await source.connect(), await source.connect()];
    first.write(post('first'));
    await vi.waitFor(() => expect(intake.waiting).toBe(1));
    second.write(post('second'));
    await pause(50);
    clock.advance(20_000);
    expect((await first.answered(1))[0]!.status).toBe(503);
    expect((await second.answered(1))[0]!.status).toBe(503);
    expect(intake.arrivals).toHaveLength(1);
  });

  it('do not hold more memory together than they may', async () => {
    const { source } = await running({ maxBodyBytes: 1_000, maxBufferedBytes: 1_500 });
    const [slow, next] = [await source.connect(), await source.connect()];
    slow.write(post('x'.repeat(1_000)).slice(0, -1));
    await pause(50);
    next.write(post('x'.repeat(600)));
    expect((await next.answered(1))[0]!.status).toBe(503);
    slow.write('x');
    expect((await slow.answered(1))[0]!.status).toBe(200);
    const again = await source.connect();
    again.write(post('x'.repeat(600)));
    expect((await again.answered(1))[0]!.status).toBe(200);
  });

  it('stay open for the next request', async () => {
    const { source } = await running();
    const peer = await source.connect();
    for (let number = 1; number <= 5; number++) {
      peer.write(post(String(number)));
      await peer.answered(number);
    }
    expect(source.context.reported.at(-1)).toEqual({ state: 'connected', connections: 1 });
  });

  it('are no more than may be: the oldest idle one goes, a busy one never', async () => {
    const intake = fakeIntake();
    const source = open.use(await runSource(intake, { maxConnections: 2 }));
    const [busy, idle] = [await source.connect(), await source.connect()];
    busy.write(post('a'));
    await vi.waitFor(() => expect(intake.arrivals).toHaveLength(1));
    const third = await source.connect();
    await idle.closed;
    third.write(post('b'));
    await vi.waitFor(() => expect(intake.arrivals).toHaveLength(2));
    const fourth = await source.connect();
    await fourth.closed;
    expect(source.context.counts).toMatchObject({ http_evicted_total: 1, http_refused_connections_total: 1 });
    intake.answer(0, positive);
    expect((await busy.answered(1))[0]!.status).toBe(200);
  });

  it('are closed when idle for too long, and when another address is not allowed', async () => {
    const clock = fakeClock();
    const { source } = await running({ idleTimeoutMs: 5_000 }, positive, { clock });
    const peer = await source.connect();
    peer.write(post('a'));
    await peer.answered(1);
    await pause(20);
    clock.advance(6_000);
    await peer.closed;
    expect(source.context.counts).toMatchObject({ http_idle_closed_total: 1 });
    const other = await running({}, positive, { listen: { allow: ['10.0.0.0/8'] } });
    await (await other.source.connect()).closed;
    expect(other.source.context.counts).toMatchObject({ http_refused_connections_total: 1 });
  });

  it('rule 25: at a drain, one that has not sent its whole body is told to come again', async () => {
    const { source, intake } = await running();
    const [half, idle] = [await source.connect(), await source.connect()];
    half.write(post('whole').slice(0, -1));
    await pause(50);
    source.drain();
    const [answer] = await half.answered(1);
    expect(answer).toMatchObject({ status: 503, headers: { connection: 'close' } });
    half.socket.destroy();
    await Promise.all([half.closed, idle.closed, source.ended]);
    expect(intake.arrivals).toEqual([]);
  });

  it('rule 24: wait for another source after the first has drained', async () => {
    const { source } = await running();
    source.drain();
    await source.ended;
    const waiting = await source.connect();
    waiting.write(post('a'));
    const context = fakeSourceContext({
      endpoints: { in: { kind: 'tcp-listen', listen: source.listener.port } },
      listeners: { in: source.listener },
    });
    const stop = new AbortController();
    const life = { drain: stop.signal, halt: stop.signal };
    const next = http({ endpoint: 'in' })
      .create(context)
      .run(
        fakeIntake(() => positive),
        life,
      );
    expect((await waiting.answered(1))[0]!.status).toBe(200);
    stop.abort();
    await next;
  });

  it('rule 26: are not read from while many requests of theirs wait', async () => {
    const intake = fakeIntake((_, index) => (index === 0 ? undefined : positive));
    const source = open.use(await runSource(intake));
    const peer = await source.connect();
    const flood = post('x').repeat(100_000);
    peer.write(flood);
    await vi.waitFor(() => expect(intake.arrivals).toHaveLength(1));
    await pause(200);
    expect(peer.socket.writableLength).toBeGreaterThan(flood.length / 2);
    intake.answer(0, positive);
    await vi.waitFor(() => expect(intake.arrivals.length).toBeGreaterThan(5_000));
    peer.socket.destroy();
  });
});
