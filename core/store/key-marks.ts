import { createHmac, randomBytes } from 'node:crypto';
import type { LaneQuery } from './lane.ts';
import type { AuditEntry, MessageStore, Reader } from './message-store.ts';

/** Where the secret is kept: one with that of searches, so that a search and a reading of one identifier have the same subject. */
const secretName = 'audit/find';

/**
 * How the audit trail names an identifier that somebody asked for: by a keyed hash, so that the trail holds no identifier and still
 * tells who asked for the same one. The secret is made at the first use.
 */
export class KeyMarks {
  readonly #store: Pick<MessageStore, 'state' | 'setState'>;
  #secret: string | undefined;

  constructor(store: Pick<MessageStore, 'state' | 'setState'>) {
    this.#store = store;
  }

  /** What the trail says of a reading by identifier. */
  async reading({ key, channel }: LaneQuery, { actor, reason, ticket }: Reader, at: number): Promise<AuditEntry> {
    const mark = await this.#mark(key);
    const subject = channel === undefined ? mark : `${mark} of ${channel}`;
    return { at, action: 'read key', subject, actor, reason, ...(ticket === undefined ? {} : { ticket }) };
  }

  async #mark(identifier: string): Promise<string> {
    this.#secret ??= (await this.#store.state(secretName)) ?? (await this.#made());
    const hash = createHmac('sha256', this.#secret).update(identifier.trim().toLowerCase()).digest('hex');
    return `find:${hash.slice(0, 32)}`;
  }

  async #made(): Promise<string> {
    const secret = randomBytes(32).toString('hex');
    await this.#store.setState(secretName, secret);
    return secret;
  }
}
