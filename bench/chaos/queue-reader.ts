import { setTimeout as sleep } from 'node:timers/promises';
import { type ConsumeMessage, connect } from 'amqplib';

const RECONNECT_MS = 200;
const PREFETCH = 100;

/**
 * A consumer of a queue as somebody else would write it: it connects again when the connection broke, and acknowledges what it has
 * noted. Resolves when `signal` aborts.
 */
export async function readQueue(
  address: string,
  queue: string,
  signal: AbortSignal,
  took: (message: ConsumeMessage) => void,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await consume(address, queue, signal, took);
    } catch {
      // The broker is away, or the queue is not there yet.
    }
    await sleep(RECONNECT_MS);
  }
}

async function consume(
  address: string,
  queue: string,
  signal: AbortSignal,
  took: (message: ConsumeMessage) => void,
): Promise<void> {
  const connection = await connect(address, { timeout: 5_000 });
  const over = Promise.withResolvers<void>();
  connection.on('error', () => undefined);
  connection.on('close', () => over.resolve());
  const stop = () => void connection.close().catch(() => over.resolve());
  signal.addEventListener('abort', stop, { once: true });
  try {
    const channel = await connection.createChannel();
    channel.on('error', () => over.resolve());
    await channel.prefetch(PREFETCH);
    await channel.consume(queue, (message) => {
      if (!message) return over.resolve();
      took(message);
      channel.ack(message);
    });
    await over.promise;
  } finally {
    signal.removeEventListener('abort', stop);
    await connection.close().catch(() => undefined);
  }
}
