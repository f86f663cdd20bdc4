import type { PostgresSession } from '../../../../clients/postgres/session.ts';
import { HubError } from '../../../../core/errors.ts';
import type { Extractor } from '../../../../core/search/extractor.ts';
import { storeError } from '../errors.ts';
import type { Names } from '../names.ts';
import { connected } from '../opening.ts';
import type { Settings } from '../options.ts';
import { tidy } from './tidying.ts';
import { type Follow, turn } from './turn.ts';

const retryMs = 5_000;
const tidyEveryMs = 60 * 60_000;
/** After a full turn it rests, for a part of the time that this took: longer while the store itself has much to do. */
const restPart = 0.1;
const restPartBesideIntake = 1;
/** Messages a second that the store takes. */
const muchIntake = 100;
const newFollow = (): Follow => ({ bound: 0, asked: undefined, openAt: 0, unread: 0 });

/** Indexes what is new in the store, turn by turn, whenever no other hub does. On two connections of its own. */
export class Follower {
  readonly #settings: Settings;
  readonly #quoted: string;
  readonly #names: Names;
  readonly #extractor: Extractor;
  readonly #pollMs: number;
  #follow = newFollow();
  #sessions: { readonly writer: PostgresSession; readonly reader: PostgresSession } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #closed = false;
  #tidyAt = performance.now() + tidyEveryMs;
  #error: string | undefined;
  /** The last seq of the store at a turn that found nothing more to do. */
  #quietAt = -1;
  #seen = { last: 0, at: 0, perSecond: 0 };

  constructor(settings: Settings, quoted: string, names: Names, extractor: Extractor, pollMs: number) {
    this.#settings = settings;
    this.#quoted = quoted;
    this.#names = names;
    this.#extractor = extractor;
    this.#pollMs = pollMs;
    this.#later(pollMs);
  }

  /** Why nothing is being indexed at the moment. */
  get error(): string | undefined {
    return this.#error;
  }

  get unread(): number {
    return this.#follow.unread;
  }

  /** Forgets what the store has pruned; see `tidy`. After the turn that is under way. */
  async tidy(): Promise<void> {
    const tidied = this.#running.then(async () => await tidy((await this.#connected()).writer, this.#quoted));
    this.#running = tidied.catch(() => undefined);
    await tidied;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#running;
    await this.#sessions?.writer.close();
    await this.#sessions?.reader.close();
  }

  #later(ms: number): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#running = this.#running.then(() => this.#step());
    }, ms);
  }

  async #step(): Promise<void> {
    const started = performance.now();
    let pause = this.#pollMs;
    try {
      if ((await this.#turn()) === 'more') {
        const part = this.#seen.perSecond > muchIntake ? restPartBesideIntake : restPart;
        pause = (performance.now() - started) * part;
      }
      if (started > this.#tidyAt) {
        this.#tidyAt = started + tidyEveryMs;
        await tidy((await this.#connected()).writer, this.#quoted);
      }
      this.#error = undefined;
    } catch (thrown) {
      // Another hub may have had turns meanwhile.
      this.#follow = { ...newFollow(), unread: this.#follow.unread };
      this.#error = (thrown instanceof HubError ? thrown : storeError(thrown, 'indexing')).message;
      this.#drop();
      pause = retryMs;
    }
    this.#later(pause);
  }

  async #turn(): Promise<string> {
    const { writer, reader } = await this.#connected();
    // A store where nothing comes costs one question a poll.
    const [row] = await reader.ask(
      `SELECT CASE WHEN s.is_called THEN s.last_value ELSE s.last_value - 1 END, EXISTS (SELECT FROM ${this.#quoted}.search_open) FROM ${this.#quoted}.seq s`,
    );
    const last = Number(row?.[0]);
    this.#saw(last);
    if (row?.[1] === false && last === this.#quietAt) return 'nothing';
    const options = { quoted: this.#quoted, hub: this.#settings.hub, names: this.#names, extractor: this.#extractor };
    const end = await turn({ ...options, writer, reader, follow: this.#follow });
    this.#quietAt = end === 'nothing' && this.#follow.bound >= last ? last : -1;
    return end;
  }

  #saw(last: number): void {
    const at = performance.now();
    const perSecond = ((last - this.#seen.last) * 1_000) / Math.max(1, at - this.#seen.at);
    this.#seen = { last, at, perSecond: this.#seen.at === 0 ? 0 : perSecond };
  }

  async #connected() {
    if (this.#sessions?.writer.usable && this.#sessions.reader.usable) return this.#sessions;
    this.#drop();
    const writer = await connected(this.#settings);
    try {
      this.#sessions = { writer, reader: await connected(this.#settings) };
    } catch (thrown) {
      writer.destroy();
      throw thrown;
    }
    return this.#sessions;
  }

  #drop(): void {
    this.#sessions?.writer.destroy();
    this.#sessions?.reader.destroy();
    this.#sessions = undefined;
  }
}
