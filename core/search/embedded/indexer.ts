import { mkdirSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { describeThrown } from '../../errors.ts';
import type { Extractor } from '../extractor.ts';
import type { Feed, FeedMessage } from '../feed.ts';
import type { SearchStatus } from '../search-index.ts';
import { DamagedFile, isDamage } from './damage.ts';
import { DayFiles } from './day-files.ts';
import { Days } from './days.ts';
import { FreeText } from './free-text.ts';
import { Indexing } from './indexing.ts';
import { PositionFile } from './position-file.ts';
import { Rebuild } from './rebuild.ts';
import { Recent } from './recent.ts';

/** A step takes 10 to 40 ms, and what is looked for waits for it. */
const stepMessages = 500;
const stepBytes = 8 * 1024 * 1024;
/** Of messages whose first pass has not ended; the others have their turn at the next step. */
const openPerStep = 2_000;

export interface IndexerOptions {
  readonly directory: string;
  readonly freeText: boolean;
  /** Nothing is written while the disk has less free than this: the message store needs it more. */
  readonly lowWaterBytes: number;
  /** Rows that gather in memory, 50 bytes each, before they are written; a crash makes the index read them again. */
  readonly memoryRows: number;
}

/** Keeps the files in step with the store, a step at a time. */
export class Indexer implements Disposable {
  readonly files: DayFiles;
  readonly recent = new Recent();
  readonly freeText: FreeText | undefined;
  readonly #options: IndexerOptions;
  readonly #feed: Feed;
  readonly #positions: PositionFile;
  readonly #indexing: Indexing;
  readonly #days: Days;
  readonly #rebuild: Rebuild;
  /** Everything up to it is indexed, in memory at least. */
  #stored: number;
  #error: string | undefined;

  constructor(options: IndexerOptions, feed: Feed, extractor: Extractor) {
    const { directory, freeText } = options;
    mkdirSync(directory, { recursive: true });
    this.#options = options;
    this.#feed = feed;
    this.files = new DayFiles(directory);
    this.freeText = freeText ? new FreeText(directory) : undefined;
    const { positions, begun } = openPositions(directory, feed);
    this.#positions = positions;
    const { stored = 0, open = new Map(), levels = new Map() } = begun ?? {};
    this.#stored = stored;
    this.#indexing = new Indexing(extractor, this.recent, this.freeText, open, levels);
    this.#days = new Days(this.#positions, this.files, feed);
    this.#rebuild = new Rebuild(feed);
    for (const name of readdirSync(directory)) {
      const isText = /\.text\.db(-journal)?$/.test(name);
      const isDay = /^\d{4}-\d\d-\d\d\./.test(name);
      if (isDay && (!begun || (isText && !freeText))) rmSync(join(directory, name), { force: true });
    }
    for (const day of this.#days.inDoubt(begun?.restarted ?? false)) this.doubt(day);
    this.#positions.begun(feed);
  }

  /** Indexes some of what is new. Whether there is more at hand. */
  step(): boolean {
    try {
      return this.#step();
    } catch (thrown) {
      if (!(thrown instanceof DamagedFile)) throw thrown;
      this.doubt(thrown.day);
      return true;
    }
  }

  #step(): boolean {
    if (this.recent.rows >= this.#options.memoryRows && !this.#write()) return false;
    const { messages, upTo, more } = this.#feed.after(this.#stored, stepMessages, stepBytes);
    const again = more ? undefined : this.#rebuild.next(stepMessages, stepBytes, this.#stored);
    this.#index([...this.#ended(), ...messages], again?.messages ?? []);
    this.#stored = upTo;
    if (again?.done && this.#write()) {
      const day = this.#rebuild.finish();
      if (day !== undefined) this.#days.rebuilt(day);
    }
    this.#error = undefined;
    return more || again !== undefined;
  }

  /** The file of that day is made again from the store. */
  doubt(day: string): void {
    this.#remove(day);
    this.#days.doubted(day);
    this.#rebuild.add(day);
  }

  /** A step has thrown. */
  failed(thrown: unknown): void {
    this.#error = describeThrown(thrown);
  }

  /** When the first message was received that is not indexed. */
  indexedUpTo(): number | undefined {
    return this.#feed.after(this.#stored, 1, 0).messages[0]?.receivedAt;
  }

  status(now: number): SearchStatus {
    return {
      lagMs: Math.max(0, now - (this.indexedUpTo() ?? now)),
      position: this.#stored,
      open: this.#indexing.open.size,
      unread: this.#indexing.unread,
      days: this.days().length,
      bytes: this.days().reduce((sum, day) => sum + (this.freeText?.bytes(day) ?? 0), this.files.bytes()),
      rebuilding: this.rebuilding,
      ...(this.#error !== undefined && { error: this.#error }),
    };
  }

  /** Days whose file is being made again: what is found of them is not all. */
  get rebuilding(): readonly string[] {
    return this.#rebuild.days;
  }

  /** Days that something is indexed of. */
  days(): readonly string[] {
    return [...new Set([...this.#days.all(), ...this.recent.days()])].sort();
  }

  /** Follows the store's own pruning: see `Days.pruned`. And puts on the disk what has not been written to for long. */
  tidy(): void {
    // What came on a day that is past is in its file from then on.
    if (this.recent.days().length > 1) this.#write();
    const { gone, mostlyGone, withoutContent } = this.#days.pruned();
    for (const day of gone) {
      this.#remove(day);
      this.#days.forget(day);
    }
    for (const day of mostlyGone) this.doubt(day);
    for (const day of withoutContent) this.freeText?.remove(day);
    this.#days.settle();
  }

  /** Writes what is in memory and says that the files can be believed. */
  [Symbol.dispose](): void {
    if (this.#write()) this.#days.sync();
    this.freeText?.[Symbol.dispose]();
    this.files[Symbol.dispose]();
    this.recent[Symbol.dispose]();
    this.#positions[Symbol.dispose]();
    this.#feed[Symbol.dispose]();
  }

  #remove(day: string): void {
    this.files.remove(day);
    this.freeText?.remove(day);
    this.recent.forget(day);
  }

  #index(messages: readonly FeedMessage[], again: readonly FeedMessage[]): void {
    if (messages.length + again.length === 0) return;
    const wrong = new Set<string>();
    const add = (message: FeedMessage, anew: boolean) => {
      const { day, mayNotBeKept } = this.#indexing.add(message, anew);
      this.#days.saw(day, message.seq);
      if (mayNotBeKept) wrong.add(day);
    };
    this.recent.begin();
    try {
      for (const message of messages) add(message, false);
      for (const message of again) add(message, true);
    } finally {
      this.recent.commit();
      this.freeText?.commit();
    }
    for (const day of wrong) this.doubt(day);
  }

  /** Messages whose first pass has ended since they were indexed. */
  #ended(): readonly FeedMessage[] {
    const { open } = this.#indexing;
    const ended: FeedMessage[] = [];
    let left = Math.min(open.size, openPerStep);
    for (const [seq, entry] of open) {
      if (left-- === 0 || ended.length === stepMessages) break;
      const ref = { seq, channel: entry.channel };
      open.delete(seq);
      if (this.#feed.isOpen(ref)) {
        // At the end of the row: the others have their turn first.
        open.set(seq, entry);
        continue;
      }
      const message = this.#feed.message(ref);
      if (!message) continue;
      ended.push(message);
      open.set(seq, entry);
    }
    return ended;
  }

  /** Writes what is in memory to the files, then how far they go. Whether there was room. */
  #write(): boolean {
    const { directory, lowWaterBytes } = this.#options;
    const { bavail, bsize } = statfsSync(directory);
    if (bavail * bsize < lowWaterBytes) {
      this.#error = 'the disk is below its low-water mark';
      return false;
    }
    for (const day of this.recent.days()) {
      this.#days.writing(day);
      try {
        this.files.write(day, this.recent.db, this.recent.tableOf(day)!);
        this.recent.forget(day);
      } catch (thrown) {
        if (!(thrown instanceof DamagedFile)) throw thrown;
        this.doubt(day);
      }
    }
    const { open, levels } = this.#indexing;
    this.#positions.set({ stored: this.#stored, open, levels }, this.#days.rows());
    return true;
  }
}

/** A position that cannot be read is worth as much as none. */
function openPositions(directory: string, feed: Feed) {
  try {
    const positions = new PositionFile(directory);
    positions.days();
    return { positions, begun: positions.begin(feed) };
  } catch (thrown) {
    if (!isDamage(thrown)) throw thrown;
    for (const suffix of ['', '-journal']) rmSync(join(directory, `position.db${suffix}`), { force: true });
    const positions = new PositionFile(directory);
    return { positions, begun: positions.begin(feed) };
  }
}
