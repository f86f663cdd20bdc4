import { createServer, type Socket } from 'node:net';
import { ACK, Analyzer, ENQ, EOT, NAK } from '../../../clients/astm-link/testing/analyzer.ts';

/** An analyzer that is called, and takes orders, one after the other, until it is told to do otherwise. */
export class FarEnd implements AsyncDisposable {
  readonly messages: string[] = [];
  /** A message that holds this text is refused: every frame of it gets NAK. */
  refused: string | undefined;
  /** No frame gets an answer for now. */
  isHeld = false;
  readonly #server = createServer((socket) => void this.#serve(socket));
  readonly #sockets = new Set<Socket>();
  #release = Promise.withResolvers<void>();

  static async open(): Promise<FarEnd> {
    const far = new FarEnd();
    await new Promise<void>((resolve) => far.#server.listen(0, '127.0.0.1', resolve));
    return far;
  }

  get endpoint() {
    const { port } = this.#server.address() as { readonly port: number };
    return { kind: 'tcp-connect' as const, host: '127.0.0.1', port };
  }

  hold(): void {
    this.isHeld = true;
    this.#release = Promise.withResolvers();
  }

  release(): void {
    this.isHeld = false;
    this.#release.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(socket: Socket): Promise<void> {
    this.#sockets.add(socket);
    const analyzer = new Analyzer(socket);
    try {
      for (;;) {
        if ((await analyzer.next(600_000)) === ENQ) await this.#take(analyzer);
      }
    } catch {
      this.#sockets.delete(socket);
    }
  }

  async #take(analyzer: Analyzer): Promise<void> {
    analyzer.write(Buffer.of(ACK));
    let text = '';
    for (;;) {
      const byte = await analyzer.next(600_000);
      if (byte === EOT) return;
      const frame = (await analyzer.frame()).slice(1);
      const isRefused = this.refused !== undefined && frame.includes(this.refused);
      if (!isRefused) text += frame;
      // As an analyzer that has taken the last frame, and whose answer is lost.
      if (frame.startsWith('L|') && !isRefused) {
        if (this.isHeld) {
          await this.#release.promise;
          if (analyzer.stream.destroyed) return;
        }
        this.messages.push(text);
      }
      analyzer.write(Buffer.of(isRefused ? NAK : ACK));
    }
  }
}
