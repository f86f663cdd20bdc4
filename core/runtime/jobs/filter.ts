import type { ErrorRecord } from '../../errors.ts';
import type { MessageQuery, MessageStore, MessageSummary } from '../../store/message-store.ts';
import { matches } from '../../store/standing.ts';
import { isOfCause } from './error-signature.ts';
import type { JobFilter, JobOrder } from './job.ts';

/** Which messages a job is about, in order of seq. */
export type Selection = Pick<JobOrder, 'verb' | 'filter' | 'throughSeq'>;

/** How far a job has come: everything up to `seq` is done. */
export interface Position {
  readonly seq: number;
  /** Of the page that it is in. */
  readonly cursor?: string;
}

export interface Page {
  readonly messages: readonly MessageSummary[];
  readonly cursor?: string;
}

/** Whether it says anything: a job is not about all there is. */
export function saysSomething({ status: _, destination: __, ...filter }: JobFilter): boolean {
  return Object.values(filter).some((each) => each !== undefined);
}

/** The messages of a selection behind a position, page by page; a page may be empty. */
export async function* pagesOf(
  store: MessageStore,
  selection: Selection,
  after: Position,
  limit: number,
): AsyncGenerator<Page> {
  const { filter, throughSeq } = selection;
  const query = queryOf(selection);
  const wanted = (message: MessageSummary) =>
    message.seq > after.seq && message.seq <= throughSeq && isWanted(selection, message);
  if (filter.ids) {
    const found = await byIds(store, filter.ids);
    const messages = found.filter((message) => matches({ ...query, limit }, message) && wanted(message));
    for (let at = 0; at < messages.length; at += limit) yield { messages: messages.slice(at, at + limit) };
    return;
  }
  for (let { cursor } = after; ; ) {
    const page = await store.find({ ...query, ascending: true, limit, ...(cursor !== undefined && { cursor }) });
    yield { messages: page.messages.filter(wanted), ...(cursor !== undefined && { cursor }) };
    if (page.cursor === undefined || page.messages.some(({ seq }) => seq > throughSeq)) return;
    cursor = page.cursor;
  }
}

async function byIds(store: MessageStore, ids: readonly string[]): Promise<readonly MessageSummary[]> {
  const found: MessageSummary[] = [];
  for (const id of new Set(ids)) found.push(...(await store.find({ id, limit: 1 })).messages);
  return found.sort((a, b) => a.seq - b.seq);
}

function queryOf({ verb, filter }: Selection): Omit<MessageQuery, 'limit'> {
  const { type: _, error: __, errorText: ___, ids: ____, ...query } = filter;
  // What has an open error, or waits: anything else would be gone through for nothing.
  return verb === 'replay' || query.status !== undefined || filter.ids ? query : { ...query, status: 'open-error' };
}

function isWanted({ verb, filter }: Selection, message: MessageSummary): boolean {
  // Its first pass is under way: it has not been sent even once.
  if (verb === 'replay' && message.status === 'received' && filter.status !== 'received') return false;
  if (filter.type !== undefined && !isOfType(filter.type, message.type ?? message.meta['hl7.type'])) return false;
  if (!wantsError(filter)) return true;
  const { destination } = filter;
  if (destination === undefined && hasError(filter, message.error)) return true;
  return message.parts.some(
    (part) => (destination === undefined || part.destination === destination) && hasError(filter, part.error),
  );
}

function wantsError(filter: JobFilter): boolean {
  return filter.error !== undefined || filter.errorText !== undefined;
}

function hasError(filter: JobFilter, error: ErrorRecord | undefined): boolean {
  if (!error) return false;
  if (filter.error !== undefined && !isOfCause(filter.error, error)) return false;
  return filter.errorText === undefined || error.message.includes(filter.errorText);
}

function isOfType(wanted: string, type: string | undefined): boolean {
  return type === wanted || (type?.startsWith(`${wanted}^`) ?? false);
}

/** The destinations that the verb acts on; undefined: the message as a whole. */
export function destinationsOf({ verb, filter }: Selection, message: MessageSummary): readonly string[] | undefined {
  if (filter.destination !== undefined) return [filter.destination];
  if (verb === 'replay' || !wantsError(filter) || hasError(filter, message.error)) return undefined;
  return [...new Set(message.parts.filter((part) => hasError(filter, part.error)).map((part) => part.destination))];
}
