import { posix } from 'node:path';
import { type SessionOptions, SftpSession, statusOf, statusText } from '../../clients/sftp/session.ts';
import type { ConnectionState } from '../../core/component.ts';
import type { EndpointOf } from '../../core/endpoint.ts';
import { HubError } from '../../core/errors.ts';
import { globTest } from '../../core/files/glob.ts';
import type { Receipt } from '../../core/outcome.ts';
import type { Intake, Life, Source, SourceContext } from '../../core/source.ts';
import { type Disposal, finish } from './finishing.ts';
import { Readiness, type Ready } from './readiness.ts';
import { readWhole } from './reading.ts';
import { listFiles, type RemoteFile } from './remote-directory.ts';
import { Unreadable } from './unreadable.ts';
import { wake } from './wake.ts';

export interface SftpSourceOptions extends SessionOptions {
  readonly endpoint: string;
  readonly directory: string;
  readonly pattern: string;
  readonly order: 'name' | 'modified';
  readonly pollMs: number;
  readonly ready: Ready;
  readonly after: Disposal;
  readonly errorDirectory: string;
  readonly maxMessageBytes: number;
}

/** Each run reads from nothing but the server: what an earlier one left open is read again. */
export function sftpSource(options: SftpSourceOptions, context: SourceContext): Source {
  return { run: (intake, life) => new RemoteReader(options, context, intake, life).run() };
}

/** A file that was handed over, until it is deleted or moved. */
interface OpenFile {
  readonly file: RemoteFile;
  refused: boolean;
}

/** Files waiting for receipts, or to be moved: beyond it nothing is read. */
const maxOpen = 1_000;
const longestDelayMs = 60_000;

class RemoteReader {
  readonly #options: SftpSourceOptions;
  readonly #context: SourceContext;
  readonly #intake: Intake;
  readonly #life: Life;
  readonly #endpoint: EndpointOf<'sftp'>;
  readonly #readiness: Readiness;
  readonly #unreadable: Unreadable;
  /** By name: handed over, and not deleted or moved yet. */
  readonly #open = new Map<string, OpenFile>();
  /** Of those, the ones that have their receipt. */
  readonly #answered: OpenFile[] = [];
  /** Of those, the ones that the server would not let go: tried again with every poll, and never read a second time for that. */
  #stuck: OpenFile[] = [];
  #pending = 0;
  #accepting = true;
  #session: SftpSession | undefined;
  #failures = 0;
  #wake: () => void = () => undefined;
  #state: ConnectionState | undefined;

  constructor(options: SftpSourceOptions, context: SourceContext, intake: Intake, life: Life) {
    this.#options = options;
    this.#context = context;
    this.#intake = intake;
    this.#life = life;
    this.#endpoint = context.endpoint('sftp', options.endpoint);
    this.#readiness = new Readiness({ ...options, wanted: globTest(options.pattern) });
    this.#unreadable = new Unreadable(options.pollMs);
  }

  async run(): Promise<void> {
    const halted = wake(this.#life.halt);
    try {
      await Promise.race([this.#readAndDrain(), halted.promise]);
    } finally {
      halted.cancel();
      this.#session?.destroy();
      this.#report('stopped');
    }
  }

  async #readAndDrain(): Promise<void> {
    const { drain, halt } = this.#life;
    const reading = AbortSignal.any([drain, halt]);
    while (this.#accepting && !reading.aborted) {
      await this.#attempt(reading, (session) => this.#poll(session));
      await this.#rest(reading);
    }
    this.#answered.push(...this.#stuck.splice(0));
    while (!halt.aborted && (this.#pending > 0 || this.#answered.length > 0)) {
      if (this.#answered.length === 0) await this.#wait(longestDelayMs, halt);
      else if (!(await this.#attempt(halt, (session) => this.#finishAnswered(session))))
        await this.#wait(this.#delayMs(), halt);
    }
  }

  /** Until the next poll is due; files whose receipts come meanwhile are finished at once, while the server is there. */
  async #rest(signal: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    const until = clock.monotonic() + this.#delayMs();
    for (let left = until - clock.monotonic(); left > 0 && !signal.aborted; left = until - clock.monotonic()) {
      if (this.#failures === 0 && this.#answered.length > 0)
        await this.#attempt(signal, (session) => this.#finishAnswered(session));
      else await this.#wait(left, signal);
    }
  }

  /** False: the server could not be reached or went away, or the store is full; it is tried again later. */
  async #attempt(signal: AbortSignal, work: (session: SftpSession) => Promise<void>): Promise<boolean> {
    try {
      await work(await this.#connected(signal));
      this.#failures = 0;
      this.#report(this.#stuck.length > 0 ? 'retrying' : 'reading');
      return true;
    } catch (thrown) {
      if (signal.aborted) return false;
      const error = this.#remoteError(thrown);
      if (error.kind !== 'transient') throw error;
      this.#failures++;
      this.#trouble(error);
      return false;
    }
  }

  async #connected(signal: AbortSignal): Promise<SftpSession> {
    if (this.#session?.usable) return this.#session;
    if (this.#failures === 0) this.#report('connecting');
    const session = await SftpSession.open(this.#endpoint, this.#options, this.#context.clock, signal);
    if (this.#life.halt.aborted) session.destroy();
    this.#session = session;
    this.#context.count('sftp_connections_total');
    return session;
  }

  async #poll(session: SftpSession): Promise<void> {
    const { directory } = this.#options;
    this.#answered.push(...this.#stuck.splice(0));
    await this.#finishAnswered(session);
    const now = this.#context.clock.monotonic();
    const files = this.#readiness.poll(
      await listFiles(session, directory),
      (file) => this.#open.has(file.name) || this.#unreadable.waits(file, now),
    );
    for (const file of files) {
      if (this.#life.drain.aborted || !this.#accepting || this.#open.size >= maxOpen) return;
      await this.#take(session, file);
      await this.#finishAnswered(session);
    }
  }

  async #take(session: SftpSession, file: RemoteFile): Promise<void> {
    const { maxMessageBytes, directory } = this.#options;
    if (file.size > maxMessageBytes) return this.#setAside(file, 'longer than maxMessageBytes');
    if (file.size === 0) return this.#setAside(file, 'empty');
    let raw: Uint8Array | undefined;
    try {
      raw = await readWhole(session, posix.join(directory, file.name), file);
    } catch (thrown) {
      const status = statusOf(thrown);
      if (status === undefined) throw thrown;
      const delayMs = this.#unreadable.add(file, this.#context.clock.monotonic());
      const fields = { endpoint: this.#options.endpoint, status: statusText(status), size: file.size, delayMs };
      this.#context.count('sftp_unreadable_total');
      this.#context.log.warn(fields, 'a file cannot be read; it is tried again later');
      return;
    }
    this.#unreadable.delete(file);
    if (raw) await this.#handOver(file, raw);
  }

  async #handOver(file: RemoteFile, raw: Uint8Array): Promise<void> {
    const meta = {
      'file.name': file.name,
      'file.size': String(file.size),
      'file.modifiedAt': new Date(file.modifiedMs).toISOString(),
    };
    try {
      const arrival = { raw, dedupeKey: `${file.name}/${file.identity}`, meta };
      const delivery = await this.#intake.accept([arrival], this.#life.halt);
      const open: OpenFile = { file, refused: false };
      this.#open.set(file.name, open);
      this.#pending++;
      this.#context.count('sftp_read_total');
      delivery.on(this.#context.ackAfter, (_, receipt) => this.#answer(open, receipt));
    } catch (thrown) {
      if (!(thrown instanceof HubError && thrown.code === 'draining')) throw thrown;
      this.#accepting = false;
    }
  }

  #answer(open: OpenFile, receipt: Receipt): void {
    this.#pending--;
    const { status } = receipt.outcome;
    // Of what was not stored nothing is held here: the file stays, and the next poll reads it again.
    if (status === 'draining' || (status === 'error' && receipt.id === undefined)) this.#open.delete(open.file.name);
    else {
      open.refused = status === 'error';
      this.#answered.push(open);
    }
    this.#wake();
  }

  #setAside(file: RemoteFile, why: string): void {
    const open: OpenFile = { file, refused: true };
    this.#context.count('sftp_set_aside_total');
    const fields = { endpoint: this.#options.endpoint, size: file.size, why };
    this.#context.log.warn(fields, 'a file is moved to the error directory unread');
    this.#open.set(file.name, open);
    this.#answered.push(open);
  }

  async #finishAnswered(session: SftpSession): Promise<void> {
    const { directory, after, errorDirectory, ready } = this.#options;
    const marker = ready === 'still' ? undefined : ready.marker;
    for (let open = this.#answered[0]; open && !this.#life.halt.aborted; open = this.#answered[0]) {
      try {
        await finish(session, directory, open.file, open.refused ? { move: errorDirectory } : after, marker);
        this.#open.delete(open.file.name);
        if (open.refused) this.#context.count('sftp_refused_total');
      } catch (thrown) {
        if (statusOf(thrown) === undefined) throw thrown;
        this.#stuck.push(open);
        this.#trouble(this.#remoteError(thrown));
      }
      this.#answered.shift();
    }
  }

  #remoteError(thrown: unknown): HubError {
    const status = statusOf(thrown);
    if (thrown instanceof HubError) return thrown;
    if (status === undefined) throw thrown;
    const message = `working in the directory of ${this.#options.endpoint}: ${statusText(status)}`;
    return new HubError('refused', 'transient', message, { scope: 'destination', cause: thrown });
  }

  #delayMs(): number {
    const { pollMs } = this.#options;
    return Math.min(pollMs * 2 ** Math.min(this.#failures, 16), Math.max(pollMs, longestDelayMs));
  }

  #trouble(error: HubError): void {
    if (this.#state !== 'retrying') this.#context.log.warn({ code: error.code, kind: error.kind }, error.message);
    this.#report('retrying');
  }

  #report(state: ConnectionState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#context.report(state);
  }

  async #wait(ms: number, signal: AbortSignal): Promise<void> {
    const woken = wake(signal);
    this.#wake = woken.now;
    const cancel = this.#context.clock.timer(ms, woken.now);
    await woken.promise;
    cancel();
    woken.cancel();
  }
}
