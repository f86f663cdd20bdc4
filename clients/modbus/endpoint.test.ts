import { expect, it, onTestFinished, vi } from 'vitest';
import { fakeComponentContext } from '../../core/testing/contexts.ts';
import { wallClock } from '../../core/testing/fake-clock.ts';
import type { EndpointUser, ModbusEndpoint } from './endpoint.ts';
import { sharedEndpoint } from './shared-endpoints.ts';
import { SimulatedDevices } from './testing/simulated-devices.ts';

const request = { function: 'read-input-registers', address: 7, quantity: 1 } as const;
const soon = () => performance.now() + 5_000;

function user(): EndpointUser & { readonly counts: Readonly<Record<string, number>> } {
  const { clock, random, log, count, counts } = fakeComponentContext({ clock: wallClock });
  return { clock, random, log, count, counts, timeoutMs: 100, report: () => undefined };
}

async function reached(maxOpen = 4) {
  const devices = await SimulatedDevices.start();
  onTestFinished(() => devices.stop());
  const own = user();
  const settings = { kind: 'tcp', host: '127.0.0.1', port: devices.port, maxOpen } as const;
  const shared = sharedEndpoint(settings, own);
  onTestFinished(() => shared[Symbol.asyncDispose]());
  return { devices, settings, own, shared, endpoint: shared.endpoint };
}

const asks = (endpoint: ModbusEndpoint, unit: number, timeoutMs = 1_000) =>
  endpoint.ask(unit, request, { timeoutMs, notAfter: soon() });

it('a connection with too many questions that were given up is made anew, and no other question is lost', async () => {
  const { devices, own, endpoint } = await reached();
  devices.behave = (asked) => {
    if (asked.unit !== 2) asked.answer(asked.usual());
  };
  for (let times = 0; times < 80; times++) {
    const [healthy, silent] = await Promise.all([asks(endpoint, 1), asks(endpoint, 2, 2)]);
    expect(healthy.kind).toBe('answer');
    expect(silent.kind).not.toBe('answer');
    // A byte of anybody: the connection is alive.
    expect((await asks(endpoint, 1)).kind).toBe('answer');
  }
  expect(devices.connections).toBe(2);
  expect(own.counts.modbus_connections_total).toBe(2);
});

it('an answer that comes late is nobody’s, and the connection goes on', async () => {
  const { devices, own, endpoint } = await reached();
  devices.behave = (asked) => void setTimeout(() => asked.answer(asked.usual()), devices.asked.length === 1 ? 60 : 0);
  expect((await asks(endpoint, 1, 20)).kind).toBe('unanswered');
  for (let times = 0; times < 3; times++) expect((await asks(endpoint, 1)).kind).toBe('answer');
  await vi.waitFor(() => expect(own.counts.modbus_late_answers_total).toBe(1));
  expect(devices.connections).toBe(1);
});

it('an answer that lies there is read before its time is over, however long the process was held up', async () => {
  const { devices, endpoint } = await reached();
  await asks(endpoint, 1);
  devices.behave = (asked) => {
    asked.answer(asked.usual());
    const until = performance.now() + 120;
    while (performance.now() < until);
  };
  expect((await asks(endpoint, 1, 40)).kind).toBe('answer');
});

it('asks as many units at once as it may, each one question, and probes behind the others', async () => {
  const { devices, endpoint } = await reached(2);
  await asks(endpoint, 9);
  devices.asked.splice(0);
  let open = 0;
  let most = 0;
  devices.behave = (asked) => {
    most = Math.max(most, ++open);
    setTimeout(() => {
      open -= 1;
      asked.answer(asked.usual());
    }, 5);
  };
  const probe = (unit: number) => endpoint.ask(unit, request, { timeoutMs: 1_000, notAfter: soon(), isProbe: true });
  const all = [asks(endpoint, 1), asks(endpoint, 2), probe(8), asks(endpoint, 3), asks(endpoint, 3), asks(endpoint, 4)];
  for (const { kind } of await Promise.all(all)) expect(kind).toBe('answer');
  expect(most).toBe(2);
  expect(devices.asked.map(({ unit }) => unit).at(-1)).toBe(8);
});

it('a question that could not go in time is not sent', async () => {
  const { devices, endpoint } = await reached(1);
  devices.behave = (asked) => void setTimeout(() => asked.answer(asked.usual()), 150);
  const first = asks(endpoint, 1);
  await vi.waitFor(() => expect(devices.asked).toHaveLength(1));
  const second = await endpoint.ask(2, request, { timeoutMs: 1_000, notAfter: performance.now() + 30 });
  expect(second).toMatchObject({ kind: 'unsent', error: { code: 'reply-timeout' } });
  expect((await first).kind).toBe('answer');
  expect(devices.asked.map(({ unit }) => unit)).toEqual([1]);
});

it('is one for all who want it with the same settings, and closed behind the last of them', async () => {
  const { devices, settings, shared, endpoint } = await reached();
  const other = sharedEndpoint(settings, user());
  expect(other.endpoint).toBe(endpoint);
  expect(() => sharedEndpoint({ ...settings, maxOpen: 1 }, user())).toThrow('a channel has it with other settings');
  expect((await asks(endpoint, 1)).kind).toBe('answer');
  await shared[Symbol.asyncDispose]();
  expect((await asks(other.endpoint, 1)).kind).toBe('answer');
  const closing = other[Symbol.asyncDispose]();
  // Somebody new waits until the line is free.
  const next = sharedEndpoint({ ...settings, maxOpen: 1 }, user());
  expect(next.endpoint).not.toBe(endpoint);
  expect((await asks(next.endpoint, 1)).kind).toBe('answer');
  await closing;
  expect(await asks(endpoint, 1)).toMatchObject({ kind: 'unsent', error: { code: 'draining' } });
  await next[Symbol.asyncDispose]();
  expect(devices.connections).toBe(2);
  await vi.waitFor(() => expect(devices.sockets.size).toBe(0));
});
