import { mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { HubError } from '../../core/errors.ts';
import { wallClock } from '../../core/testing/fake-clock.ts';
import { keepOpen } from './keep-open.ts';
import type { Line } from './line.ts';
import { deviceServer, openLine } from './open-line.ts';
import type { PortSettings } from './port-settings.ts';
import { type PtyPair, ptys } from './testing/pty.ts';

const serial = await ptys();
const signal = new AbortController().signal;
const options = { clock: wallClock, timeoutMs: 2_000, signal };
const settings = (path: string): PortSettings => ({ path, baud: 9_600, dataBits: 8, parity: 'none', stopBits: 1 });

async function cable(): Promise<PtyPair> {
  const pair = await serial.pair();
  onTestFinished(() => pair[Symbol.asyncDispose]());
  return pair;
}

async function opened(path: string): Promise<Line & { readonly heard: () => string }> {
  const line = await openLine(settings(path), options);
  onTestFinished(() => line.close());
  return listening(line);
}

function listening(line: Line): Line & { readonly heard: () => string } {
  let heard = '';
  line.read((chunk) => {
    heard += chunk.toString('latin1');
  });
  return Object.assign(line, { heard: () => heard });
}

/** Keeps a line open until the test ends, and everything that came over it. */
function kept(path: string) {
  const stop = new AbortController();
  const states: string[] = [];
  const errors: HubError[] = [];
  const lines: (Line & { readonly heard: () => string })[] = [];
  const ended = keepOpen({
    clock: wallClock,
    random: () => 0.5,
    signal: stop.signal,
    path,
    open: (until) => openLine(settings(path), { ...options, signal: until }),
    use: async (line) => {
      lines.push(listening(line));
      const over = Promise.withResolvers<void>();
      AbortSignal.any([line.lost, stop.signal]).addEventListener('abort', () => over.resolve());
      await over.promise;
    },
    report: (state) => states.push(state),
    failed: (error) => errors.push(error),
  });
  const end = async () => {
    stop.abort();
    await ended;
  };
  onTestFinished(end);
  const isOpen = (count: number) =>
    vi.waitFor(() => {
      expect(lines).toHaveLength(count);
      expect(states.at(-1)).toBe('connected');
    });
  return { states, errors, lines, isOpen, end };
}

describe.skipIf(serial.missing)('a serial port', () => {
  it('carries every byte both ways', async () => {
    const pair = await cable();
    const [host, device] = [await opened(pair.host), await opened(pair.device)];
    const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    host.write(all);
    device.write(all);
    await vi.waitFor(() => {
      expect(Buffer.from(device.heard(), 'latin1')).toEqual(all);
      expect(Buffer.from(host.heard(), 'latin1')).toEqual(all);
    });
  });

  it('is nobody else’s while it is open, and can be opened again once it is closed', async () => {
    const pair = await cable();
    const first = await opened(pair.host);
    await expect(openLine(settings(pair.host), options)).rejects.toMatchObject({
      code: 'refused',
      kind: 'transient',
      message: expect.stringMatching(/another program, or another channel, has it open$/),
    });
    await first.close();
    await opened(pair.host);
  });

  it.each([
    ['/no/such/port', /there is no such port/],
    ['/etc/hostname', /it is no serial port: path|cannot be opened/],
  ])('%s: says why it cannot be opened', async (path, why) => {
    await expect(openLine(settings(path), options)).rejects.toThrow(why);
  });

  it('unplugged: the line is lost, and the port is opened again within seconds of being plugged in', async () => {
    const pair = await cable();
    const { states, errors, lines, isOpen } = kept(pair.host);
    await isOpen(1);
    await pair.unplug();
    await vi.waitFor(() => expect(states.at(-1)).toBe('retrying'));
    expect(errors[0]).toMatchObject({ code: 'connection-lost', scope: 'destination' });
    // A few attempts in vain make the pauses longer than a second: plugging in ends them.
    await vi.waitFor(() => expect(errors.at(-1)?.message).toMatch(/there is no such port/));
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    await pair.plug();
    const plugged = performance.now();
    await isOpen(2);
    expect(performance.now() - plugged).toBeLessThan(2_500);
    expect(errors).toHaveLength(2);
    const device = await opened(pair.device);
    device.write(Buffer.from('back'));
    await vi.waitFor(() => expect(lines[1]!.heard()).toBe('back'));
  });

  it('a renamed port: the link by its id leads to another one, which is opened', async () => {
    const [first, second] = [await cable(), await cable()];
    const folder = mkdtempSync(join(tmpdir(), 'weir-by-id-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const link = join(folder, 'usb-oximeter-if00');
    symlinkSync(first.host, link);
    const { errors, lines, isOpen } = kept(link);
    await isOpen(1);
    symlinkSync(second.host, `${link}.new`);
    renameSync(`${link}.new`, link);
    await isOpen(2);
    expect(errors[0]!.message).toMatch(/leads to another port now$/);
    const device = await opened(second.device);
    device.write(Buffer.from('the other'));
    await vi.waitFor(() => expect(lines[1]!.heard()).toBe('the other'));
  });

  it('ends with its port closed, though nothing has come for long', async () => {
    const pair = await cable();
    const { states, isOpen, end } = kept(pair.host);
    await isOpen(1);
    await end();
    expect(states.at(-1)).toBe('stopped');
    await opened(pair.host);
  });
});

describe('a port of a device server', () => {
  async function server(handle: (socket: Socket) => void) {
    const sockets = new Set<Socket>();
    const listening = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      handle(socket);
    });
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
    onTestFinished(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => listening.close(resolve));
    });
    const address = listening.address() as { readonly port: number };
    return { path: `127.0.0.1:${address.port}`, sockets };
  }

  it.each([
    ['tcp://10.0.0.7:4001', { host: '10.0.0.7', port: 4001 }],
    ['10.0.0.7:4001', { host: '10.0.0.7', port: 4001 }],
    ['moxa-3.lab.example:4001', { host: 'moxa-3.lab.example', port: 4001 }],
    ['[fd00::7]:4001', { host: 'fd00::7', port: 4001 }],
    ['/dev/serial/by-id/usb-0:1', undefined],
    ['COM3', undefined],
    ['\\\\.\\COM12', undefined],
  ])('%s is one by its path, or is none', (path, address) => {
    expect(deviceServer(path)).toEqual(address);
  });

  it('carries bytes both ways as a port does', async () => {
    const { path } = await server((socket) => socket.pipe(socket));
    const line = await opened(path);
    line.write(Buffer.from('there and back'));
    await vi.waitFor(() => expect(line.heard()).toBe('there and back'));
  });

  it('RST: the line is lost, and called again', async () => {
    const { path, sockets } = await server((socket) => socket.write('hello'));
    const { errors, lines, isOpen } = kept(path);
    await isOpen(1);
    await vi.waitFor(() => expect(lines[0]!.heard()).toBe('hello'));
    for (const socket of sockets) socket.resetAndDestroy();
    await isOpen(2);
    expect(errors[0]).toMatchObject({ code: 'connection-lost' });
  });

  it('tells once that nothing listens, however often it tries', async () => {
    const { states, errors } = kept('127.0.0.1:1');
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(states).toEqual(['connecting', 'retrying']);
    expect(errors.map(({ code }) => code)).toEqual(['refused']);
  });
});
