import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { expect, it, onTestFinished, vi } from 'vitest';
import { type LiveReport, LocalBus } from '../live/live-bus.ts';
import { liveRoutes } from './live-routes.ts';

async function served() {
  const bus = new LocalBus();
  const server = createServer(express().use('/api', liveRoutes(bus)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  const look = (signal?: AbortSignal) => fetch(`http://127.0.0.1:${port}/api/live`, signal ? { signal } : {});
  return { bus, look };
}
const report = (name: string): LiveReport => ({ hub: name, at: 1, shared: false, channels: [] });

it('streams reports as server-sent events, and forgets who has gone', async () => {
  const { bus, look } = await served();
  const leave = new AbortController();
  const response = await look(leave.signal);
  expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  bus.publish(report('one'));
  while (!text.includes('"one"')) text += (await reader.read()).value ?? '';
  expect(text).toBe(
    'event: bus\ndata: {"through":"hub","state":"connected","dropped":0}\n\n' +
      'data: {"hub":"one","at":1,"shared":false,"channels":[]}\n\n',
  );
  leave.abort();
  await vi.waitFor(() => expect(bus.wanted).toBe(false));
});

it('does not keep what a viewer does not read', async () => {
  const { bus, look } = await served();
  await look();
  const before = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed;
  const name = 'x'.repeat(100_000);
  for (let at = 0; at < 2_000; at++) bus.publish(report(name));
  // 200 MB would have been written; what waits is half a megabyte beside what the system's buffers take.
  expect(process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed - before).toBeLessThan(80 * 1024 ** 2);
});

it('refuses the 51st viewer', async () => {
  const { look } = await served();
  for (let at = 0; at < 50; at++) expect((await look()).status).toBe(200);
  const refused = await look();
  expect([refused.status, await refused.json()]).toMatchObject([503, { code: 'busy' }]);
});
