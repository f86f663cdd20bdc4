import type { ContentLevel } from '../../store/message-store.ts';
import type { Extractor } from '../extractor.ts';
import type { FeedMessage } from '../feed.ts';
import { dayOf } from '../normalise.ts';
import { addTerms } from '../terms.ts';
import { DamagedFile } from './damage.ts';
import type { FreeText } from './free-text.ts';
import type { OpenMessage } from './position-file.ts';
import type { Recent } from './recent.ts';

/** What a message's indexing changed, beside the rows. */
export interface Indexed {
  readonly day: string;
  /** It was looked at before its first pass ended, with its content, and now it turns out that none of that may be kept. */
  readonly mayNotBeKept: boolean;
}

/**
 * Indexes one message after another: what was received when it is first seen, and what was sent when its first pass has ended. Of a
 * channel with `content: metadata` only meta is looked at. Whether a channel is one its last settlement says, and, for a message whose
 * pass has not ended, that of a message before it; where there is none, the message's content waits for its own.
 */
export class Indexing {
  readonly open: Map<number, OpenMessage>;
  readonly levels: Map<number, ContentLevel>;
  /** Messages at which the extractor threw: they are found by less than they should be. */
  unread = 0;
  readonly #extractor: Extractor;
  readonly #recent: Recent;
  readonly #freeText: FreeText | undefined;

  constructor(
    extractor: Extractor,
    recent: Recent,
    freeText: FreeText | undefined,
    open: ReadonlyMap<number, OpenMessage>,
    levels: ReadonlyMap<number, ContentLevel>,
  ) {
    this.#extractor = extractor;
    this.#recent = recent;
    this.#freeText = freeText;
    this.open = new Map(open);
    this.levels = new Map(levels);
  }

  /** `anew`: whatever was indexed of it before is gone. */
  add(message: FeedMessage, anew = false): Indexed {
    const { seq, channel, settled } = message;
    const before = anew ? undefined : this.open.get(seq);
    const day = dayOf(message.receivedAt);
    // What is read again is older than what the channel has said since.
    if (settled?.level && !anew) this.levels.set(channel, settled.level);
    const withContent = (settled?.level ?? this.levels.get(channel) ?? 'metadata') !== 'metadata';
    const terms = new Set<string>();
    try {
      addTerms(terms, this.#extractor, message, { withContent, before });
      if (settled && withContent && this.#freeText) this.#addText(day, message);
    } catch (thrown) {
      if (thrown instanceof DamagedFile) throw thrown;
      // It holds up no other message.
      this.unread++;
    }
    for (const term of terms) this.#recent.add(day, term, message);
    if (settled) this.open.delete(seq);
    else this.open.set(seq, { channel, withContent });
    return { day, mayNotBeKept: settled?.level === 'metadata' && before?.withContent === true };
  }

  #addText(day: string, message: FeedMessage): void {
    const text = this.#extractor.text(message);
    if (text !== '') this.#freeText!.add(day, message, text);
  }
}
