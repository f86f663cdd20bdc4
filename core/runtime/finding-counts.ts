import type { Finding } from '../finding.ts';

/** A kind of thing that is wrong with the messages of a channel, for whoever talks to their sender. */
export interface CountedFinding extends Finding {
  /** As of a finding, but of any segment and repetition: `PID-3.4`. */
  readonly path: string;
  readonly count: number;
  /** When the first and the last message with it were received, milliseconds since 1970. */
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** The ids of the last messages with it, the newest first; at most five. */
  readonly messages: readonly string[];
}

const most = 1_000;
const mostMessages = 5;

/** What validation found in a channel since it was started. Bounded: what comes when it is full is counted, not kept. */
export class FindingCounts {
  readonly #entries = new Map<string, { -readonly [K in keyof CountedFinding]: CountedFinding[K] }>();
  #untold = 0;

  /** How often something was found that has no room in the list. */
  get untold(): number {
    return this.#untold;
  }

  note(findings: readonly Finding[], messageId: string, at: number): void {
    for (const { severity, code, path, message } of findings) {
      const place = path.replaceAll(/\[\d+\]/g, '');
      const key = `${code} ${place}`;
      const entry = this.#entries.get(key);
      if (entry) {
        entry.count += 1;
        entry.lastSeen = at;
        // One message may have it in several places.
        if (entry.messages[0] !== messageId) entry.messages = [messageId, ...entry.messages].slice(0, mostMessages);
      } else if (this.#entries.size < most) {
        const seen = { count: 1, firstSeen: at, lastSeen: at, messages: [messageId] };
        this.#entries.set(key, { severity, code, path: place, message, ...seen });
      } else this.#untold += 1;
    }
  }

  /** Errors before warnings, the most frequent first. */
  list(): readonly CountedFinding[] {
    return [...this.#entries.values()]
      .map((entry) => ({ ...entry }))
      .sort((a, b) => (a.severity < b.severity ? -1 : a.severity > b.severity ? 1 : b.count - a.count));
  }
}
