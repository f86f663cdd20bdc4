import { asHubError, HubError } from '../../errors.ts';
import type { MessageSummary, Reader } from '../../store/message-store.ts';
import { destinationsOf, pagesOf } from './filter.ts';
import type { JobOrder } from './job.ts';
import type { Acted } from './progress.ts';
import { Interrupted, mostInFlight } from './turn.ts';
import { busyOf, type Run, type WorkHost } from './work.ts';

const countPage = 1_000;
const workPage = 500;

/** Acts on every message of a filter, in order of seq. */
export async function workOnFilter(host: WorkHost, run: Run): Promise<void> {
  const { order, progress, signal } = run;
  if (progress.matched === undefined) {
    progress.matched = await count(host, run);
    await run.reached();
  }
  for await (const { messages, cursor } of pagesOf(host.store, order, progress.position, workPage)) {
    if (signal.aborted) throw new Interrupted();
    // Replays are stored in order in one go; what the others do to one message is over before the next one's turn.
    const together = order.verb === 'replay' ? mostInFlight(order.rate) : 1;
    for (let at = 0; at < messages.length; at += together)
      await actOn(host, run, messages.slice(at, at + together), cursor);
  }
}

async function count(host: WorkHost, { order, progress, signal }: Run): Promise<number> {
  let matched = 0;
  const others = new Set(order.filter.ids);
  for await (const { messages } of pagesOf(host.store, order, { seq: -1 }, countPage)) {
    if (signal.aborted) throw new Interrupted();
    matched += messages.length;
    if (others.size > 0) for (const { id } of messages) others.delete(id);
  }
  // Ids that are not there, or not as the rest of the filter wants them.
  for (const id of others) {
    if ((await host.store.find({ id, limit: 1 })).messages.length > 0) progress.add({ to: 'already' });
    else progress.add({ to: 'failed', id, error: notFound(id) });
  }
  return matched + others.size;
}

/** Everything is durable when it resolves. Throws what interrupts the work; what was done until then is noted all the same. */
async function actOn(
  host: WorkHost,
  run: Run,
  messages: readonly MessageSummary[],
  cursor: string | undefined,
): Promise<void> {
  const { progress } = run;
  const acting: Promise<Acted>[] = [];
  let interruption: unknown;
  try {
    const act = run.order.verb === 'replay' ? await replays(host, run, messages) : single(host, run);
    for (const message of messages) {
      const destinations = destinationsOf(run.order, message);
      const needed = run.order.verb === 'skip' ? [] : destinations;
      await run.turn.take(() => busyOf(host.channel(message.channel), needed));
      acting.push(act(message, destinations));
    }
  } catch (thrown) {
    interruption = thrown;
  }
  for (const [at, outcome] of (await Promise.allSettled(acting)).entries()) {
    const { id, seq } = messages[at]!;
    if (outcome.status === 'rejected') {
      const error = asHubError(outcome.reason, 'store-failed', `acting on ${id}`);
      // Later ones may be done; they are recognized when their turn comes again.
      if (error.kind === 'transient') throw error;
      progress.add({ to: 'failed', id, error });
    } else progress.add(outcome.value);
    progress.position = { seq, ...(cursor !== undefined && { cursor }) };
  }
  if (interruption !== undefined) throw interruption;
  await run.reached();
}

type Act = (message: MessageSummary, destinations: readonly string[] | undefined) => Promise<Acted>;

function single(host: WorkHost, { order }: Run): Act {
  const { verbs } = host;
  const by = onBehalf(order);
  return async ({ id }, destinations) => {
    let parts = 0;
    for (const destination of destinations ?? [undefined]) {
      const where = destination === undefined ? {} : { destination };
      const report =
        order.verb === 'retry'
          ? await verbs.retry(id, by, { ...where, confirmed: order.confirmed })
          : await verbs.skip(id, by, where);
      parts += report.parts.length;
    }
    return { to: parts > 0 ? 'done' : 'already' };
  };
}

/** Reads what is to be replayed: each reading is on the audit trail, and names the job. */
async function replays(host: WorkHost, { order, turn }: Run, messages: readonly MessageSummary[]): Promise<Act> {
  const by = onBehalf(order);
  const read = await Promise.all(messages.map(({ id }) => host.store.content(id, by)));
  const contents = new Map(messages.map(({ id }, at) => [id, read[at]]));
  return async ({ id, channel: name }, only) => {
    const content = contents.get(id);
    if (!content) return { to: 'already' };
    if (!content.raw)
      throw new HubError('not-allowed', 'permanent', `replaying ${id}: its content is not kept any more`);
    const replaying = host.channel(name)!.replay({
      id: host.newId(),
      raw: content.raw,
      meta: content.meta,
      receivedAt: host.now(),
      replayOf: id,
      // A crash after this and before the position is written down makes it come again: the store knows it then.
      dedupe: { key: `job/${order.id}/${id}`, contentHash: 'replay' },
      ...(only && { only }),
    });
    turn.flies(
      replaying.then(
        (replayed) => replayed?.left,
        () => undefined,
      ),
    );
    await replaying;
    return { to: 'done' };
  };
}

function onBehalf({ id, by }: JobOrder): Reader {
  return { ...by, reason: `${by.reason} (job ${id})` };
}

function notFound(id: string): HubError {
  return new HubError('not-found', 'permanent', `looking for message ${id}: no message has this id`);
}
