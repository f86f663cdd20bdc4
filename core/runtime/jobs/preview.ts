import type { MessageSummary, PartSummary } from '../../store/message-store.ts';
import { positionOf } from '../position.ts';
import { destinationsOf, pagesOf, type Selection } from './filter.ts';
import type { JobPreview } from './job.ts';
import { heldBy, heldParts } from './release-work.ts';
import type { WorkHost } from './work.ts';

const page = 1_000;
const mostMessages = 100_000;
const mostMs = 20_000;

/** Counts what a job would act on; stops after 100,000 messages or 20 seconds. */
class Count {
  readonly #verb: JobPreview['verb'];
  readonly #until = performance.now() + mostMs;
  readonly #channels = new Map<string, { messages: number; destinations: Map<string, number> }>();
  #matched = 0;
  #oldest = Number.POSITIVE_INFINITY;
  #newest = Number.NEGATIVE_INFINITY;
  overtaken = 0;
  orderUnknown = 0;
  complete = true;

  constructor(verb: JobPreview['verb']) {
    this.#verb = verb;
  }

  add({ channel, receivedAt }: MessageSummary, destinations: readonly string[]): void {
    let own = this.#channels.get(channel);
    if (!own) this.#channels.set(channel, (own = { messages: 0, destinations: new Map() }));
    own.messages += 1;
    for (const each of destinations) own.destinations.set(each, (own.destinations.get(each) ?? 0) + 1);
    this.#matched += 1;
    this.#oldest = Math.min(this.#oldest, receivedAt);
    this.#newest = Math.max(this.#newest, receivedAt);
  }

  get enough(): boolean {
    if (this.#matched >= mostMessages || performance.now() > this.#until) this.complete = false;
    return !this.complete;
  }

  preview(): JobPreview {
    const channels = [...this.#channels].map(([channel, { messages, destinations }]) => ({
      channel,
      messages,
      destinations: [...destinations].map(([destination, count]) => ({ destination, messages: count })),
    }));
    const { overtaken, orderUnknown, complete } = this;
    const times = this.#matched > 0 ? { oldest: this.#oldest, newest: this.#newest } : {};
    return { verb: this.#verb, matched: this.#matched, complete, channels, ...times, overtaken, orderUnknown };
  }
}

/** What a job of this selection would do, as things stand. */
export async function previewOfFilter(host: WorkHost, selection: Selection): Promise<JobPreview> {
  const count = new Count(selection.verb);
  for await (const { messages } of pagesOf(host.store, selection, { seq: -1 }, page)) {
    for (const message of messages) {
      const only = destinationsOf(selection, message);
      const parts = message.parts.filter(
        (part) => (!only || only.includes(part.destination)) && applies(selection, part),
      );
      const all = host.channel(message.channel)?.definition.destinations.map(({ name }) => name) ?? [];
      const replayed = selection.verb === 'replay' ? (only ?? all) : undefined;
      count.add(message, replayed ?? [...new Set(parts.map((part) => part.destination))]);
      if (selection.verb !== 'skip') noteOrder(host, count, message, parts);
    }
    if (count.enough) break;
  }
  return count.preview();
}

/** Parts that the verb is about. */
function applies({ verb }: Selection, { status, resolved, queued }: PartSummary): boolean {
  if (verb === 'replay') return status !== 'filtered';
  if (status === 'error') return !resolved;
  return verb === 'skip' ? status === 'queued' : queued === 'waiting';
}

function noteOrder(
  host: WorkHost,
  count: Count,
  { seq, channel, parts: all }: MessageSummary,
  parts: readonly PartSummary[],
) {
  const runtime = host.channel(channel);
  const overtaken = parts.some(
    (part) =>
      part.keys !== undefined &&
      runtime?.dispatchers.get(part.destination)?.overtaken(positionOf({ seq, n: part.n }), part.keys),
  );
  if (overtaken) count.overtaken += 1;
  // What was sent last is known to the hub that sends it.
  else if (runtime?.isElsewhere || parts.some((part) => part.keys === undefined) || all.length === 0)
    count.orderUnknown += 1;
}

/** What the release of a hold would let go, as things stand. */
export async function previewOfHold(host: WorkHost, id: string): Promise<JobPreview> {
  const count = new Count('release');
  const hold = host.holds.get(id);
  for await (const { messages } of heldBy(host.store, () => hold, page)) {
    for (const message of messages)
      count.add(message, [...new Set(heldParts(hold, message).map((part) => part.destination))]);
    if (count.enough) break;
  }
  return count.preview();
}
