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
import { Turns } from './turns.ts';

interface PartChoice {
  readonly destination?: string;
}

/** What people do with single messages. Each is on the audit trail, and acting twice acts once (rule 22). */
export class Verbs {
  readonly #store: MessageStore;
  readonly #clock: Clock;
  readonly #newId: () => string;
  readonly #channel: (name: string) => ChannelRuntime;
  readonly #turns = new Turns();

  constructor(store: MessageStore, clock: Clock, newId: () => string, channel: (name: string) => ChannelRuntime) {
    this.#store = store;
    this.#clock = clock;
    this.#newId = newId;
    this.#channel = channel;
  }

  retry(id: string, by: Reader, options: PartChoice & { readonly confirmed?: boolean }): Promise<ActionReport> {
    return this.#turns.take(id, () => this.#retry(id, by, options));
  }

  async #retry(id: string, by: Reader, options: PartChoice & { readonly confirmed?: boolean }): Promise<ActionReport> {
    const message = await this.#message(id);
    const channel = this.#channel(message.channel);
    refuseQueries(channel, `retrying ${id}`);
    const parts = chosen(message, options, (part) => isOpenError(part) || part.queued === 'waiting');
    const dead = parts.filter((part) => part.status === 'error' && keepsOrder(channel, part));
    const confirmation = (why: string) =>
      new HubError('confirmation-needed', 'permanent', `retrying ${id}: ${why} with its key were sent already`);
    if (!options.confirmed && channel.isElsewhere && dead.length > 0)
      throw confirmation(`hub ${channel.hub ?? 'that has the channel'} knows whether later messages`);
    if (!options.confirmed && dead.some((part) => overtaken(channel, message, part)))
      throw confirmation('later messages');
    await this.#audit(by, 'retry', id);
    await this.#store.update(
      message.channel,
      parts.map((part) => ({
        ...named(message, part),
        from: part.status === 'error' ? 'error' : 'queued',
        to: 'ready',
      })),
    );
    // What the store left alone has no frozen bytes: it failed before it was encoded, or its content is not kept.
    const after = parts.length > 0 ? (await this.#message(id)).parts : [];
    const again = parts.filter((part) => !after.some((each) => isSame(each, part) && isOpenError(each)));
    if (again.length < parts.length && again.length === 0)
      throw new HubError('not-allowed', 'permanent', `retrying ${id}: there are no bytes to send again; replay it`);
    this.#tell(channel, message, again, true);
    return { parts: again.map((part) => named(message, part)) };
  }

  skip(id: string, by: Reader, options: PartChoice): Promise<ActionReport> {
    return this.#turns.take(id, () => this.#skip(id, by, options));
  }

  async #skip(id: string, by: Reader, options: PartChoice): Promise<ActionReport> {
    const message = await this.#message(id);
    const channel = this.#channel(message.channel);
    const parts = chosen(message, options, (part) => part.status === 'queued' || isOpenError(part));
    await this.#audit(by, 'skip', id);
    const skipped: PartChange[] = [];
    const whole = message.error && !message.resolved && options.destination === undefined;
    if (whole) skipped.push({ ...asWhole(message), from: 'error', to: 'resolved', by });
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
    const skippedParts = parts.map((part) => named(message, part));
    return { parts: whole ? [asWhole(message), ...skippedParts] : skippedParts };
  }

  async replay(id: string, by: Reader, options: PartChoice & { readonly raw?: Uint8Array }): Promise<ActionReport> {
    const content = await this.#store.content(id, by);
    if (!content) throw notFound(id);
    const raw = options.raw ?? content.raw;
    if (!raw) throw new HubError('not-allowed', 'permanent', `replaying ${id}: its content is not kept any more`);
    const channel = this.#channel(content.channel);
    refuseQueries(channel, `replaying ${id}`);
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
    await delivery?.receipts('stored');
    return { parts: [], messageId: message.id };
  }

  async #message(id: string): Promise<MessageSummary> {
    const page = await this.#store.find({ id, limit: 1 });
    const message = page.messages[0];
    if (!message) throw notFound(id);
    return message;
  }

  #tell(channel: ChannelRuntime, message: MessageSummary, parts: readonly PartSummary[], ready: boolean): void {
    for (const part of parts) channel.rowsChanged(part.destination, [{ seq: message.seq, n: part.n, ready }]);
  }

  #audit(by: Reader, action: string, subject: string): Promise<void> {
    return this.#store.audit({ ...by, action, subject, at: this.#clock.now() });
  }
}

function keepsOrder({ definition }: ChannelRuntime, { destination }: PartSummary): boolean {
  return definition.destinations.find(({ name }) => name === destination)?.options.order !== 'none';
}

function overtaken({ dispatchers }: ChannelRuntime, { seq }: MessageSummary, part: PartSummary): boolean {
  const position = positionOf({ seq, n: part.n });
  return dispatchers.get(part.destination)?.overtaken(position, part.keys ?? ['']) ?? false;
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

function isOpenError(part: PartSummary): boolean {
  return part.status === 'error' && !part.resolved;
}

function isSame(one: PartSummary, other: PartSummary): boolean {
  return one.destination === other.destination && one.n === other.n;
}

/** How the store names the error of a message that failed before it had parts. */
function asWhole(message: MessageSummary) {
  return { destination: '', seq: message.seq, n: 0 };
}

function named(message: MessageSummary, part: PartSummary) {
  return { destination: part.destination, seq: message.seq, n: part.n };
}

function notFound(id: string): HubError {
  return new HubError('not-found', 'permanent', `looking for message ${id}: no message has this id`);
}

/** Nobody waits any more for the answer to a question that was asked before. */
function refuseQueries({ name, definition }: ChannelRuntime, doing: string): void {
  if (definition.options.mode === 'query')
    throw new HubError(
      'not-allowed',
      'permanent',
      `${doing}: channel ${name} answers queries, which are asked again instead`,
    );
}
