import type { Duplex } from 'node:stream';
import { HubError } from '../../core/errors.ts';

/**
 * A line to a device, open: a serial port, or a connection of TCP that stands for one. It is lost once and for all; whoever uses it
 * then opens another one. Nothing is read before `read` was called.
 */
export class Line {
  /** The port or the address, for people. */
  readonly where: string;
  readonly #stream: Duplex;
  readonly #release: () => Promise<void>;
  readonly #lost = new AbortController();
  #releasing: Promise<void> | undefined;

  /** @param release gives the line back; resolves when somebody else may open it */
  constructor(stream: Duplex, where: string, release: () => Promise<void>) {
    this.where = where;
    this.#stream = stream;
    this.#release = release;
    stream.on('error', (thrown: Error & { readonly code?: unknown }) => {
      const code = typeof thrown.code === 'string' ? ` (${thrown.code})` : '';
      this.destroy(lineError('connection-lost', `connected to ${where}: the line broke${code}`, thrown));
    });
    const gone = (): void =>
      this.destroy(lineError('connection-lost', `connected to ${where}: the far end has gone, or was unplugged`));
    stream.on('end', gone);
    stream.on('close', gone);
  }

  /** Aborts when nothing comes or goes any more; the reason is a HubError, transient, scope destination. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** From now on what comes in is given to `receive`, cut anyhow. To be called once. */
  read(receive: (chunk: Buffer) => void): void {
    this.#stream.on('data', (chunk: Buffer) => {
      if (!this.lost.aborted) receive(chunk);
    });
    // A connection that was accepted comes paused.
    this.#stream.resume();
  }

  /** Reads nothing for now: over TCP the far end feels it, a serial port overruns. */
  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    if (!this.lost.aborted) this.#stream.resume();
  }

  write(bytes: Uint8Array): void {
    if (!this.lost.aborted) this.#stream.write(bytes);
  }

  /** Ends it, because of `reason` where there is one. What was written and has not gone yet may be lost. */
  destroy(reason?: HubError): void {
    if (!this.lost.aborted) {
      this.#lost.abort(reason ?? lineError('draining', `connected to ${this.where}: ended`));
    }
    this.#releasing ??= this.#release();
  }

  /** Ends it; resolves when it can be opened again. */
  async close(): Promise<void> {
    this.destroy();
    await this.#releasing;
  }
}

export function lineError(code: HubError['code'], text: string, cause?: unknown): HubError {
  return new HubError(code, 'transient', text, { scope: 'destination', ...(cause !== undefined && { cause }) });
}
