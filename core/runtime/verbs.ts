import type { Clock } from '../component.ts';
import { HubError } from '../errors.ts';
import type {
  MessageStore,
  MessageSummary,
  NewMessage,
  PartChange,
  PartSummary,
  Reader,
} from '../store/message-store.ts';
import type { ChannelRuntime } from './channel-runtime.ts';
import type { ActionReport } from './engine.ts';
import { positionOf } from './position.ts';

interface PartChoice {
  readonly destination?: string;
}

/** What people do with single messages. Each is on the audit trail, and acting twice acts once (rule 22). */
export class Verbs {
  readonly #store: MessageStore;
  readonly #clock: Clock;
  readonly #newId: () => string;
  readonly #channel: (name: string) => ChannelRuntime;

  constructor(store: MessageStore, clock: Clock, newId: () => string, channel: (name: string) => ChannelRuntime) {
    this.#store = store;
    this.#clock = clock;
    this.#newId = newId;
    this.#channel = channel;
  }

  async retry(id: string, by: Reader, options: PartChoice & { readonly confirmed?: boolean }): Promise<ActionReport> {
    const message = await this.#message(id);
    const channel = this.#channel(message.channel);
    const parts = chosen(message, options, (part) => part.status === 'error' || part.queued === 'waiting');
    const dead = parts.filter((part) => part.status === 'error');
    if (!options.confirmed && dead.some((part) => this.#overtaken(channel, message, part)))
      throw new HubError(
        'confirmation-needed',
        'permanent',
        `retrying ${id}: later messages with its key were sent already`,
      );
    await this.#audit(by, 'retry', id);
    await this.#store.update(
      message.channel,
      parts.map((part) => ({
        ...named(message, part),
        from: part.status === 'error' ? 'error' : 'queued',
        to: 'ready',
      })),
    );
    this.#tell(channel, message, parts, true);
    return { parts: parts.map((part) => named(message, part)) };
  }

  async skip(id: string, by: Reader, options: PartChoice): Promise<ActionReport> {
    const message = await this.#message(id);
    const channel = this.#channel(message.channel);
    const parts = chosen(
      message,
      options,
      (part) => part.status === 'queued' || (part.status === 'error' && !part.resolved),
    );
    await this.#audit(by, 'skip', id);
    const skipped: PartChange[] = [];
    for (const part of parts) {
      const name = named(message, part);
      const error = {
        code: 'skipped',
        kind: 'permanent',
        scope: 'message',
        message: `skipped by ${by.actor}`,
      } as const;
      if (part.status === 'queued')
        skipped.push({ ...name, from: 'queued', to: 'error', error, attempts: part.attempts });
      skipped.push({ ...name, from: 'error', to: 'resolved', by });
    }
    await this.#store.update(message.channel, skipped);
    this.#tell(channel, message, parts, false);
    return { parts: parts.map((part) => named(message, part)) };
  }

  async replay(id: string, by: Reader, options: PartChoice & { readonly raw?: Uint8Array }): Promise<ActionReport> {
    const content = await this.#store.content(id, by);
    if (!content) throw notFound(id);
    const raw = options.raw ?? content.raw;
    if (!raw) throw new HubError('not-allowed', 'permanent', `replaying ${id}: its content is not kept any more`);
    const channel = this.#channel(content.channel);
    if (channel.state === 'stopped')
      throw new HubError('not-allowed', 'permanent', `replaying ${id}: channel ${channel.name} is stopped`);
    await this.#audit(by, options.raw ? 'edit-and-replay' : 'replay', id);
    const message: NewMessage = {
      id: this.#newId(),
      raw,
      meta: content.meta,
      receivedAt: this.#clock.now(),
      replayOf: id,
      ...(options.destination !== undefined && { only: [options.destination] }),
    };
    const delivery = await channel.inject(message);
    await delivery.receipts('stored');
    return { parts: [], messageId: message.id };
  }

  async #message(id: string): Promise<MessageSummary> {
    const page = await this.#store.find({ id, limit: 1 });
    const message = page.messages[0];
    if (!message) throw notFound(id);
    return message;
  }

  #overtaken(channel: ChannelRuntime, message: MessageSummary, part: PartSummary): boolean {
    const order = channel.definition.destinations.find((each) => each.name === part.destination)?.options.order;
    if (order === 'none') return false;
    return (
      channel.dispatchers
        .get(part.destination)
        ?.overtaken(positionOf({ seq: message.seq, n: part.n }), part.keys ?? ['']) ?? false
    );
  }

  #tell(channel: ChannelRuntime, message: MessageSummary, parts: readonly PartSummary[], ready: boolean): void {
    for (const part of parts)
      channel.dispatchers.get(part.destination)?.rowsChanged([{ seq: message.seq, n: part.n, ready }]);
  }

  #audit(by: Reader, action: string, subject: string): Promise<void> {
    return this.#store.audit({ ...by, action, subject, at: this.#clock.now() });
  }
}

function chosen(
  message: MessageSummary,
  options: PartChoice,
  applies: (part: PartSummary) => boolean,
): readonly PartSummary[] {
  if (options.destination !== undefined && !message.parts.some((part) => part.destination === options.destination))
    throw new HubError(
      'not-found',
      'permanent',
      `acting on ${message.id}: it has no destination ${options.destination}`,
    );
  return message.parts.filter(
    (part) => (options.destination === undefined || part.destination === options.destination) && applies(part),
  );
}

function named(message: MessageSummary, part: PartSummary) {
  return { destination: part.destination, seq: message.seq, n: part.n };
}

function notFound(id: string): HubError {
  return new HubError('not-found', 'permanent', `looking for message ${id}: no message has this id`);
}
