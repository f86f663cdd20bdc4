import { Frame } from './frame.ts';
import { Sender } from './sender.ts';
import { percentile } from './statistics.ts';

export interface FullSpeed {
  readonly port: number;
  readonly connections: number;
  readonly fixture: string;
  readonly durationMs: number;
}

export interface Measured {
  /** Acknowledged messages per second. */
  readonly rate: number;
  /** From write to acknowledgement, milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** Each connection has patients of its own and sends their messages in turn. */
const PATIENTS = 100;
const MOST_PER_SECOND = 100_000;

/** Sends on every connection, each message as soon as the one before it is acknowledged. Throws at a negative acknowledgement. */
export async function runFullSpeed({ port, connections, fixture, durationMs }: FullSpeed): Promise<Measured> {
  const latencies = new Float32Array((MOST_PER_SECOND * durationMs) / 1000);
  let count = 0;
  let deadline = Number.POSITIVE_INFINITY;
  const finished: Promise<void>[] = [];
  const senders: (() => void)[] = [];

  for (let connection = 0; connection < connections; connection++) {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    finished.push(promise);
    const frame = new Frame(fixture);
    let n = 0;
    let sentAt = 0;
    const send = (now: number) => {
      frame.set(connection * PATIENTS + (n % PATIENTS), n);
      n++;
      sentAt = now;
      sender.send();
    };
    const answered = (positive: boolean) => {
      if (!positive) {
        reject(new Error(`connection ${connection}: answer ${n} is not a positive acknowledgement`));
        return;
      }
      const now = performance.now();
      if (now < deadline) {
        latencies[count++] = now - sentAt;
        send(now);
      } else {
        resolve();
        sender.close();
      }
    };
    const lost = () => reject(new Error(`connection ${connection} was closed after ${n} messages`));
    const sender = new Sender(port, frame, { answered, lost });
    await Promise.race([sender.connected, promise]);
    senders.push(() => send(performance.now()));
  }

  deadline = performance.now() + durationMs;
  for (const start of senders) start();
  await Promise.all(finished);
  const sorted = latencies.subarray(0, count);
  return { rate: (count * 1000) / durationMs, p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99) };
}
