import { createHmac, randomBytes } from 'node:crypto';
import { normalised } from '../search/normalise.ts';
import type { LaneQuery } from './lane.ts';
import type { AuditEntry, MessageStore, Reader } from './message-store.ts';

/** Where the secret is kept; the name is in the stores that there are. */
const secretName = 'audit/find';

/**
 * How the audit trail names an identifier that somebody asked for: by a keyed hash, so that the trail holds no identifier and still
 * tells who asked for the same one. The trail is never pruned and can be read by everybody whom the API serves; a patient's number
 * must outlive neither the patient's messages nor stand before all eyes. The secret is made at the first use.
 */
export class KeyMarks {
  readonly #store: Pick<MessageStore, 'state' | 'setState'>;
  #secret: Promise<string> | undefined;

  constructor(store: Pick<MessageStore, 'state' | 'setState'>) {
    this.#store = store;
  }

  /** What the trail says of a reading by identifier. */
  async reading({ key, channel }: LaneQuery, { actor, reason, ticket }: Reader, at: number): Promise<AuditEntry> {
    const mark = await this.mark(key);
    const subject = channel === undefined ? mark : `${mark} of ${channel}`;
    return { at, action: 'read key', subject, actor, reason, ...(ticket === undefined ? {} : { ticket }) };
  }

  /** The subject of everything that is asked about this identifier. */
  async mark(identifier: string): Promise<string> {
    const secret = (this.#secret ??= this.#read());
    const hash = createHmac('sha256', await secret.catch((thrown) => this.#failed(thrown)))
      .update(normalised(identifier) ?? '')
      .digest('hex');
    return `find:${hash.slice(0, 32)}`;
  }

  #failed(thrown: unknown): never {
    this.#secret = undefined;
    throw thrown;
  }

  async #read(): Promise<string> {
    const known = await this.#store.state(secretName);
    if (known !== undefined) return known;
    const secret = randomBytes(32).toString('hex');
    await this.#store.setState(secretName, secret);
    return secret;
  }
}
