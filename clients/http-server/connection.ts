import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { exchange, type Shared } from './exchange.ts';
import type { Answer } from './service.ts';

/** So long a sender has to take notice of an answer that came before it had sent everything. */
const LINGER_MS = 2_000;
/** So long a sender has to read its answer. */
const ANSWER_MS = 30_000;
const KEEP_ALIVE_MS = 60_000;
/** Requests of one connection that may wait for those before them; then nothing more is read. */
const MAX_PIPELINED = 16;

/** One connection: its requests are taken one after the other, also where its sender does not wait for the answers. */
export class Connection {
  readonly peer: string;
  /** Resolves when the socket is closed, however it came to it. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #shared: Shared;
  #last: Promise<void> = Promise.resolve();
  /** Requests that are not answered yet, in order. */
  readonly #open: IncomingMessage[] = [];
  /** Nothing more is taken; what is owed still goes out. */
  #leaving = false;
  /** The rest of what comes cannot be parsed. */
  #malformed = false;
  #answering = false;
  #pausing = false;
  #ending = false;
  /** Since when it waits for a request, or for the rest of its head. */
  #since: number;
  #bytesBefore: number;
  #headBegun = false;

  constructor(socket: Socket, peer: string, shared: Shared) {
    const { counters, context } = shared;
    const { clock, count } = context;
    this.#socket = socket;
    this.peer = peer;
    this.#shared = shared;
    this.#since = clock.monotonic();
    this.#bytesBefore = socket.bytesRead;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.on('error', () => count(`${counters}_connection_errors_total`));
    socket.on('close', () => resolve());
    socket.on('resume', () => this.#pauseSoon());
  }

  /** No request is under way, nor has one begun. */
  get idle(): boolean {
    return this.#open.length === 0 && this.#socket.bytesRead === this.#bytesBefore;
  }

  /** Takes a request when those before it are answered. */
  take(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    this.#open.push(request);
    this.#pauseSoon();
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    this.#last = this.#last.then(() => this.#serve(request, response, expectsContinue));
  }

  /** The parser starts reading again at the end of each message: what stops it has to come after that, and before a next chunk. */
  #pauseSoon(): void {
    if (this.#open.length < MAX_PIPELINED || this.#pausing) return;
    this.#pausing = true;
    process.nextTick(() => {
      this.#pausing = false;
      if (this.#open.length >= MAX_PIPELINED) this.#socket.pause();
    });
  }

  /** Answers what the parser found to be no HTTP, after what came before it, and closes. */
  malformed(error: NodeJS.ErrnoException): void {
    if (this.#malformed) return;
    this.#malformed = true;
    this.#leaving = true;
    if (error.code === 'ECONNRESET' || !this.#socket.writable) {
      this.destroy();
      return;
    }
    this.#shared.context.count(`${this.#shared.counters}_malformed_total`);
    const broken = this.#open.at(-1);
    // Behind a whole request it is none of that one's: its answer goes out, and then nothing more.
    if (this.#answering || this.#open.length > 1 || broken?.complete) return;
    const tooLong = error.code === 'HPE_HEADER_OVERFLOW' || error.code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW';
    this.#breakOff(tooLong ? '431 Request Header Fields Too Large' : '400 Bad Request');
  }

  /** Answers what is open, takes nothing more, closes. */
  drain(): void {
    this.#leaving = true;
    if (this.#open.length === 0) this.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Called every second or so: closes a connection that is idle for too long, or too slow with the head of a request. */
  look(): void {
    if (this.#open.length > 0 || this.#ending) return;
    const { counters, context } = this.#shared;
    const { clock, count } = context;
    const { idleTimeoutMs, headersTimeoutMs } = this.#shared.config;
    const now = clock.monotonic();
    if (!this.#headBegun && this.#socket.bytesRead > this.#bytesBefore) {
      this.#headBegun = true;
      this.#since = now;
    } else if (now - this.#since >= (this.#headBegun ? headersTimeoutMs : idleTimeoutMs)) {
      count(`${counters}_${this.#headBegun ? 'slow' : 'idle'}_closed_total`);
      this.#ending = true;
      if (this.#headBegun) this.#breakOff('408 Request Timeout');
      else this.destroy();
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): Promise<void> {
    const unparsed = this.#malformed && !request.complete;
    if (this.#socket.destroyed || request.destroyed || unparsed) {
      this.destroy();
    } else {
      const goOn = () => {
        if (expectsContinue) response.writeContinue();
      };
      const answer = await exchange(request, this.peer, this.#shared, goOn);
      if (answer && !this.#ending && !this.#socket.destroyed) await this.#answer(request, response, answer);
      else this.destroy();
    }
    this.#open.shift();
    if (this.#open.length === MAX_PIPELINED - 1) this.#socket.resume();
    this.#headBegun = false;
    this.#since = this.#shared.context.clock.monotonic();
    this.#bytesBefore = this.#socket.bytesRead;
    if (this.#leaving && this.#open.length === 0) this.destroy();
  }

  async #answer(request: IncomingMessage, response: ServerResponse, { status, headers, body }: Answer): Promise<void> {
    this.#answering = true;
    const leaving = (this.#leaving && this.#open.length === 1) || this.#shared.life.drain.aborted || !request.complete;
    const closed = new Promise<void>((resolve) => response.once('close', resolve));
    response.writeHead(status, {
      ...headers,
      'content-length': body.length,
      ...(leaving && { connection: 'close' }),
    });
    if (!request.complete) {
      // Unread input would turn the close into a reset, which can overtake the answer.
      response.write(body);
      await this.#within(LINGER_MS, rest(request));
      response.end();
    } else response.end(body);
    if (!(await this.#within(ANSWER_MS, closed))) this.destroy();
    this.#answering = false;
  }

  /** False where the time is over first. A connection that closes is as good as done. */
  async #within(ms: number, done: Promise<void>): Promise<boolean> {
    const late = Promise.withResolvers<boolean>();
    const cancel = this.#shared.context.clock.timer(ms, () => late.resolve(false));
    const gone = () => late.resolve(true);
    this.#socket.once('close', gone);
    const inTime = await Promise.race([done.then(() => true), late.promise]);
    cancel();
    this.#socket.off('close', gone);
    return inTime;
  }

  /** Only where no answer is owed but to what is broken off: its bytes would end in the middle of that. */
  #breakOff(status: string): void {
    this.#ending = true;
    this.#socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    this.#socket.resume();
    this.#shared.context.clock.timer(LINGER_MS, () => this.destroy());
  }
}

/** Reads and drops the rest of a body. */
function rest(request: IncomingMessage): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  request.once('end', resolve).once('close', resolve);
  request.resume();
  return promise;
}
