import type { ChannelDefinition } from '../../channel.ts';
import { HubError } from '../../errors.ts';
import type { MessageStore, Reader } from '../../store/message-store.ts';
import type { ChannelRuntime } from '../channel-runtime.ts';
import type { HoldInForce } from '../dispatch/operator-holds.ts';
import type { Hold, HoldRequest, Holds } from './job.ts';

export interface HoldsHost {
  readonly store: MessageStore;
  now(): number;
  newId(): string;
  channel(name: string): ChannelRuntime | undefined;
}

/** A hold in force; dispatchers have this very object, so that they see how far it is released. */
type LiveHold = { -readonly [K in keyof Hold]: Hold[K] };

const stateName = 'holds';

/** Why one key cannot be held back at a destination of this order. */
const whyNoKey = {
  key: '',
  strict: 'keeps all its messages in one order, so that a key cannot wait without all that follow',
  none: 'keeps no order, so that nothing would wait behind what is held',
} as const;

/** Where a hold on one key does not do what it was made for, because the channel is another one by now: a sentence for each destination. */
export function unkeyedAt({ name, key, destinations }: ChannelDefinition, hold: Hold): readonly string[] {
  if (hold.channel !== name || hold.key === undefined) return [];
  const chosen = destinations.filter((each) => hold.destination === undefined || each.name === hold.destination);
  return chosen.flatMap((each) => {
    const { order } = each.options;
    if (key && order === 'key') return [];
    const why = key && order !== 'key' ? whyNoKey[order] : 'has no keys any more: all its messages are one lane';
    return [`hold ${hold.id} on one key at ${name}/${each.name}: it ${why}; weir release ${hold.id} ends the hold`];
  });
}

/** The holds of operators, in force and durable (rule 22). */
export class HoldRegistry implements Holds {
  readonly #host: HoldsHost;
  #holds: readonly LiveHold[] = [];
  #saving: Promise<void> = Promise.resolve();

  constructor(host: HoldsHost) {
    this.#host = host;
  }

  /** Takes over what an earlier run left. Before any channel starts. */
  async load(): Promise<void> {
    const saved = await this.#host.store.state(stateName);
    if (saved) this.#holds = JSON.parse(saved) as LiveHold[];
  }

  list(): readonly Hold[] {
    return this.#holds.map((each) => ({ ...each }));
  }

  get(id: string): Hold {
    const hold = this.#holds.find((each) => each.id === id);
    if (!hold) throw new HubError('not-found', 'permanent', `looking for hold ${id}: no hold has this id`);
    return hold;
  }

  /** Those at a destination: the same objects each time. */
  at(channel: string, destination: string): readonly HoldInForce[] {
    const here = (each: Hold) =>
      each.channel === channel && (each.destination === undefined || each.destination === destination);
    return this.#holds.filter(here);
  }

  async add(request: HoldRequest, by: Reader): Promise<Hold> {
    const { channel, destination, key, type } = request;
    const { store, now, newId } = this.#host;
    this.#refuse(request);
    const same = this.#holds.find(
      (each) => each.channel === channel && each.destination === destination && each.key === key && each.type === type,
    );
    // One that is being released begins anew: what comes from now on is held back again.
    if (same && same.upTo < 0) return { ...same };
    const hold: LiveHold = {
      id: newId(),
      channel,
      ...(destination !== undefined && { destination }),
      ...(key !== undefined && { key }),
      ...(type !== undefined && { type }),
      by,
      at: now(),
      upTo: -1,
    };
    this.#holds = [...this.#holds, hold];
    const about = key !== undefined ? 'one key' : type !== undefined ? `type ${type}` : 'everything';
    const subject = `hold/${hold.id} ${channel}/${destination ?? '*'} ${about}`;
    await store.audit({ ...by, at: hold.at, action: 'hold', subject });
    await this.save();
    this.#host.channel(channel)?.holdsChanged();
    return { ...hold };
  }

  #refuse({ channel: name, destination, key }: HoldRequest): void {
    const channel = this.#host.channel(name);
    if (!channel) throw new HubError('not-found', 'permanent', `holding at ${name}: no channel has this name`);
    const { destinations, options } = channel.definition;
    const chosen = destinations.filter((each) => destination === undefined || each.name === destination);
    if (chosen.length === 0)
      throw new HubError('not-found', 'permanent', `holding at ${name}: it has no destination ${destination}`);
    const refuse = (why: string) => new HubError('not-allowed', 'permanent', `holding at ${name}: ${why}`);
    if (destination !== undefined && destination === options.replyFrom)
      throw refuse(`the sender waits for the answer of ${destination}`);
    const collects = chosen.find((each) => each.to.collect);
    if (collects) throw refuse(`${collects.name} collects; stop it instead`);
    if (key === undefined) return;
    if (!channel.definition.key)
      throw refuse(
        'it has no key: its messages are one lane, of which none can wait by itself; hold everything (--all)',
      );
    const asked = chosen.filter((each) => each.name !== options.replyFrom);
    const unkeyed = asked.find((each) => each.options.order !== 'key');
    if (!unkeyed) return;
    const keyed = asked.filter((each) => each.options.order === 'key').map((each) => each.name);
    const others = keyed.length > 0 ? `; by key hold at ${keyed.join(' or ')} only (--destination)` : '';
    const why = whyNoKey[unkeyed.options.order];
    throw refuse(
      `${unkeyed.name} ${why}; hold everything there (--destination ${unkeyed.name} --all) or a type${others}`,
    );
  }

  /** Messages up to this seq may go. Written down with the next `save`. */
  advance(id: string, seq: number): void {
    const hold = this.#holds.find((each) => each.id === id);
    if (hold) hold.upTo = Math.max(hold.upTo, seq);
  }

  /** Ends the hold: everything that only it held back goes. */
  async remove(id: string): Promise<void> {
    const hold = this.#holds.find((each) => each.id === id);
    if (!hold) return;
    this.#holds = this.#holds.filter((each) => each !== hold);
    await this.save();
    this.#host.channel(hold.channel)?.holdsChanged();
  }

  save(): Promise<void> {
    const write = () => this.#host.store.setState(stateName, JSON.stringify(this.#holds));
    this.#saving = this.#saving.then(write, write);
    return this.#saving;
  }
}
