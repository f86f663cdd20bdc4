import type { ConnectionState } from '../../core/component.ts';
import { HubError } from '../../core/errors.ts';
import { globTest } from '../../core/files/glob.ts';
import type { Arrival } from '../../core/message.ts';
import type { Receipt } from '../../core/outcome.ts';
import type { Delivery, Intake, Life, Source, SourceContext } from '../../core/source.ts';
import { directoryError, errno, type FoundFile, readWhole } from './directory.ts';
import { type Disposal, finish } from './finishing.ts';
import { messagesOf } from './messages.ts';
import { Settling } from './settling.ts';

export interface FileSourceOptions {
  readonly endpoint: string;
  readonly pattern: string;
  readonly order: 'name' | 'modified';
  readonly pollMs: number;
  readonly settleMs: number;
  readonly split: 'none' | 'hl7';
  readonly after: Disposal;
  readonly errorDirectory: string;
  readonly maxBytes: number;
}

/** Each run reads from nothing but the directory: what an earlier one left open is read again. */
export function fileSource(options: FileSourceOptions, context: SourceContext): Source {
  return { run: (intake, life) => new DirectoryReader(options, context, intake, life).run() };
}

/** A file whose messages were handed over, until it is deleted or moved. */
interface OpenFile {
  readonly file: FoundFile;
  pending: number;
  refused: boolean;
  /** A receipt said `draining`: the file stays where it is. */
  left: boolean;
}

interface Unreadable {
  readonly identity: string;
  readonly delayMs: number;
  readonly again: number;
}

/** Files waiting for receipts, or to be moved: beyond it nothing is read. */
const maxOpen = 1_000;
const maxBatch = 200;
const longestDelayMs = 300_000;

class DirectoryReader {
  readonly #options: FileSourceOptions;
  readonly #context: SourceContext;
  readonly #intake: Intake;
  readonly #life: Life;
  readonly #directory: string;
  readonly #settling: Settling;
  readonly #open = new Map<string, OpenFile>();
  readonly #unreadable = new Map<string, Unreadable>();
  readonly #stuck = new Set<OpenFile>();
  /** Files are finished one after the other, beside the reading. */
  #finishing: Promise<void> = Promise.resolve();
  #answered: () => void = () => undefined;
  #state: ConnectionState | undefined;

  constructor(options: FileSourceOptions, context: SourceContext, intake: Intake, life: Life) {
    this.#options = options;
    this.#context = context;
    this.#intake = intake;
    this.#life = life;
    this.#directory = context.endpoint('directory', options.endpoint).path;
    const { order, settleMs } = options;
    this.#settling = new Settling({ directory: this.#directory, wanted: globTest(options.pattern), order, settleMs });
  }

  async run(): Promise<void> {
    // The race is for file servers that have gone away: a call into them may not come back before the halt.
    await Promise.race([this.#readAndDrain(), aborted(this.#life.halt)]);
    this.#report('stopped');
  }

  async #readAndDrain(): Promise<void> {
    const { drain, halt } = this.#life;
    let accepting = true;
    while (accepting && !drain.aborted) {
      await this.#retryStuck();
      let taken = 0;
      for (const file of await this.#scan()) {
        if (drain.aborted || !accepting || this.#open.size >= maxOpen) break;
        accepting = await this.#take(file);
        taken++;
      }
      if (taken === 0) await this.#pause();
    }
    while (!halt.aborted && [...this.#open.values()].some((open) => open.pending > 0))
      await new Promise<void>((resolve) => (this.#answered = resolve));
    await this.#finishing;
  }

  async #scan(): Promise<readonly FoundFile[]> {
    const now = this.#context.clock.monotonic();
    try {
      const files = await this.#settling.scan(now, (file) => this.#open.has(file.name) || this.#waits(file, now));
      this.#report(this.#stuck.size > 0 ? 'retrying' : 'reading');
      return files;
    } catch (thrown) {
      this.#trouble(directoryError(`reading directory ${this.#options.endpoint}`, thrown));
      return [];
    }
  }

  /** False: the channel takes nothing any more. */
  async #take(file: FoundFile): Promise<boolean> {
    const { maxBytes, split } = this.#options;
    if (file.size > maxBytes) return this.#setAside(file, 'longer than maxBytes');
    if (file.size === 0) return this.#setAside(file, 'empty');
    const raw = await this.#read(file);
    if (!raw) return true;
    const { arrivals, problems } = messagesOf(file, raw, split);
    const open: OpenFile = { file, pending: arrivals.length, refused: problems.length > 0, left: false };
    if (open.refused) {
      this.#context.count('file_batch_problems_total');
      this.#context.log.warn({ problems: [...new Set(problems)] }, 'a file is not what an HL7 batch is to be');
    }
    this.#open.set(file.name, open);
    if (arrivals.length === 0) this.#finish(open);
    for (let from = 0; from < arrivals.length; from += maxBatch) {
      const delivery = await this.#accept(arrivals.slice(from, from + maxBatch));
      if (!delivery) {
        open.left = true;
        open.pending = 0;
        return false;
      }
      delivery.on(this.#context.ackAfter, (_, receipt) => this.#answer(open, receipt));
    }
    this.#context.count('file_read_total');
    return true;
  }

  async #read(file: FoundFile): Promise<Uint8Array | undefined> {
    try {
      const raw = await readWhole(this.#directory, file);
      this.#unreadable.delete(file.name);
      return raw;
    } catch (thrown) {
      const before = this.#unreadable.get(file.name)?.delayMs ?? this.#options.pollMs;
      const delayMs = Math.min(before * 2, longestDelayMs);
      if (this.#unreadable.size >= maxOpen) this.#unreadable.clear();
      const again = this.#context.clock.monotonic() + delayMs;
      this.#unreadable.set(file.name, { identity: file.identity, delayMs, again });
      this.#context.count('file_unreadable_total');
      const fields = { endpoint: this.#options.endpoint, code: errno(thrown), size: file.size, delayMs };
      this.#context.log.warn(fields, 'a file cannot be read; it is tried again later');
      return undefined;
    }
  }

  #waits(file: FoundFile, now: number): boolean {
    const unreadable = this.#unreadable.get(file.name);
    return unreadable?.identity === file.identity && now < unreadable.again;
  }

  /** Undefined: the channel takes nothing any more, or the source is to stop. Waits where the store is full. */
  async #accept(batch: readonly Arrival[]): Promise<Delivery | undefined> {
    const { drain, halt } = this.#life;
    for (;;) {
      try {
        return await this.#intake.accept(batch, halt);
      } catch (thrown) {
        if (halt.aborted) return undefined;
        if (!(thrown instanceof HubError)) throw thrown;
        if (thrown.code === 'draining') return undefined;
        if (thrown.kind !== 'transient') throw thrown;
        this.#trouble(thrown);
      }
      await this.#pause();
      if (drain.aborted) return undefined;
    }
  }

  #answer(open: OpenFile, receipt: Receipt): void {
    if (open.left && open.pending === 0) return;
    if (receipt.outcome.status === 'draining') open.left = true;
    if (receipt.outcome.status === 'error') open.refused = true;
    open.pending--;
    if (open.pending > 0) return;
    if (!open.left) this.#finish(open);
    this.#answered();
  }

  #setAside(file: FoundFile, why: string): true {
    const open: OpenFile = { file, pending: 0, refused: true, left: false };
    this.#context.count('file_set_aside_total');
    this.#context.log.warn(
      { endpoint: this.#options.endpoint, size: file.size, why },
      'a file is moved to the error directory unread',
    );
    this.#open.set(file.name, open);
    this.#finish(open);
    return true;
  }

  #finish(open: OpenFile): void {
    const { after, errorDirectory, endpoint } = this.#options;
    const disposal = open.refused ? { move: errorDirectory } : after;
    this.#finishing = this.#finishing.then(async () => {
      if (this.#life.halt.aborted) return;
      try {
        await finish(this.#directory, open.file, disposal);
        this.#stuck.delete(open);
        this.#open.delete(open.file.name);
        if (open.refused) this.#context.count('file_refused_total');
      } catch (thrown) {
        this.#stuck.add(open);
        this.#trouble(directoryError(`clearing read files from directory ${endpoint}`, thrown));
      }
    });
  }

  /** A file that could not be moved away is never read a second time for that: only the move is tried again. */
  async #retryStuck(): Promise<void> {
    if (this.#stuck.size === 0) return;
    for (const open of this.#stuck) this.#finish(open);
    await this.#finishing;
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

  #pause(): Promise<void> {
    const { drain } = this.#life;
    return new Promise((resolve) => {
      if (drain.aborted) return resolve();
      const end = (): void => {
        cancel();
        drain.removeEventListener('abort', end);
        resolve();
      };
      const cancel = this.#context.clock.timer(this.#options.pollMs, end);
      drain.addEventListener('abort', end);
    });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
