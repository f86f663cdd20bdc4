/** Rule 11, end to end: a real hub whose store cannot take any more. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectPeer, framed } from '../adapters/mllp/testing/peer.ts';
import { acking, type FarEnd, farEnd } from '../connectors/mllp/testing/far-end.ts';
import { freePort } from '../core/testing/free-port.ts';
import { type HubProcess, hubProcess, type Workplace, workplace } from './testing/hub-process.ts';

let open: AsyncDisposableStack;
let ports: { readonly in: number; readonly lab: number };
beforeEach(async () => {
  open = new AsyncDisposableStack();
  ports = { in: await freePort(), lab: await freePort() };
});
afterEach(() => open.disposeAsync());

async function hospital(settings: string): Promise<Workplace> {
  return open.use(
    await workplace({
      'weir.yaml': settings,
      'channels/env/test.yaml': `endpoints:\n  in: { kind: tcp-listen, listen: ${ports.in} }\n  lab: { kind: tcp-connect, host: 127.0.0.1, port: ${ports.lab} }\n`,
      'channels/orders.channel.yaml':
        "channel: orders\nsource: { mllp: { endpoint: in } }\nkey: ['PID-3']\ndestinations:\n  lab: { to: { mllp: { endpoint: lab } }, retry: { maxMs: 200 } }\n",
    }),
  );
}

const size = 20_000;

function order(number: number): string {
  return framed(
    `MSH|^~\\&|EHR|NORTH|WEIR|LAB|20260101120000||ORM^O01|FULL${number}|P|2.5.1\rPID|1||P${number}^^^NORTH^MR\rNTE|1||${'x'.repeat(size)}\r`,
  );
}

/** A sender as they are: one message at a time, the same one again on a new connection where it got no answer. */
class Sender {
  readonly accepted: string[] = [];
  #next = 1;

  /** Sends until `enough`, or until a connection is closed without an answer. */
  async send(enough = Number.POSITIVE_INFINITY): Promise<'enough' | 'unanswered'> {
    const peer = await connectPeer(ports.in);
    try {
      for (let sent = 0; sent < enough; sent++) {
        peer.write(order(this.#next));
        const { code, controlId } = (await peer.answers(sent + 1)).at(-1)!;
        expect({ code, controlId }).toEqual({ code: 'AA', controlId: `FULL${this.#next}` });
        this.accepted.push(controlId);
        this.#next++;
      }
      return 'enough';
    } catch (thrown) {
      if (!/^closed after/.test((thrown as Error).message)) throw thrown;
      return 'unanswered';
    } finally {
      peer.socket.destroy();
    }
  }

  async untilTaken(): Promise<void> {
    await expect.poll(() => this.send(1), { timeout: 20_000, interval: 100 }).toBe('enough');
  }
}

async function laboratory(): Promise<FarEnd> {
  return open.use(await farEnd(acking(), undefined, undefined, ports.lab));
}

const readiness = async (hub: HubProcess) => (await fetch(new URL('/health/ready', hub.admin))).status;

async function everythingArrives(lab: FarEnd, sender: Sender): Promise<void> {
  const missing = () => sender.accepted.filter((id) => !lab.controlIds.includes(id));
  await expect.poll(missing).toEqual([]);
  // In doubt a message goes out again, with the same bytes; none goes out that nobody sent.
  expect(new Set(lab.controlIds).size).toBeLessThanOrEqual(sender.accepted.length + 1);
}

describe('rule 11: a hub whose store is full', () => {
  it('answers nothing, lets senders go after a time, and goes on by itself when the backlog has gone', async () => {
    const hub = open.use(await hubProcess(await hospital('store: { maxBacklogBytes: 1MB }\n')));
    const sender = new Sender();
    // The laboratory is away: what is accepted stays.
    expect(await sender.send()).toBe('unanswered');
    expect(sender.accepted.length).toBeGreaterThan(10);
    expect(sender.accepted.length).toBeLessThanOrEqual(1_048_576 / size);
    const full = sender.accepted.length;
    // On a new connection it waits, without an answer.
    const waiting = sender.send(1);
    expect(await Promise.race([waiting, sleep(1_000, 'nothing')])).toBe('nothing');
    expect(await readiness(hub)).toBe(503);

    const lab = await laboratory();
    expect(await waiting).toBe('enough');
    expect(await sender.send(20)).toBe('enough');
    expect(sender.accepted.length).toBe(full + 21);
    await everythingArrives(lab, sender);
    expect(await readiness(hub)).toBe(200);
  }, 60_000);

  const mountable = process.getuid?.() === 0 && canMount();
  // Mounting needs root; the test above is for everybody.
  it.skipIf(!mountable)(
    'the same on a disk that another program has filled to its last byte',
    async () => {
      const place = await hospital('store: { lowWaterBytes: 4MB }\n');
      const state = join(place.directory, 'state');
      mkdirSync(state);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', state]);
      open.defer(() => void execFileSync('umount', ['-l', state]));
      const lab = await laboratory();
      const hub = open.use(await hubProcess(place));
      const sender = new Sender();
      expect(await sender.send(50)).toBe('enough');

      const other = join(state, 'other');
      fillDisk(other);
      expect(statfsSync(state).bavail).toBe(0);
      expect(await sender.send()).toBe('unanswered');
      expect(await readiness(hub)).toBe(503);
      await everythingArrives(lab, sender);

      rmSync(other);
      await sender.untilTaken();
      expect(await sender.send(50)).toBe('enough');
      await everythingArrives(lab, sender);
      expect(await readiness(hub)).toBe(200);
    },
    60_000,
  );
});

function canMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'weir-mount-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]).status === 0;
  if (mounted) spawnSync('umount', [folder]);
  rmSync(folder, { recursive: true, force: true });
  return mounted;
}

function fillDisk(path: string): void {
  for (const block of [65_536, 4_096, 512]) {
    try {
      for (;;) writeFileSync(path, new Uint8Array(block), { flag: 'a' });
    } catch {
      // Full for this size; the next smaller one may still fit.
    }
  }
}
