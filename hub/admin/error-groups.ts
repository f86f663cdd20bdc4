import { isOfCause, signatureOf, withoutNumbers } from '../../core/runtime/jobs/error-signature.ts';
import type { MessageStore } from '../../core/store/message-store.ts';
import type { OpenError, OpenErrorPage, OpenErrorQuery } from '../../core/store/open-error.ts';

/** Open errors of one cause, as far as their code and text tell. */
export interface ErrorGroup {
  readonly channel: string;
  /** `''` where messages failed as a whole. */
  readonly destination: string;
  readonly code: string;
  /** Without ids and numbers. */
  readonly message: string;
  /** What jobs take as `error` to act on these and no others; absent where several causes are told together. */
  readonly signature?: string;
  readonly count: number;
  /** When the first and the last of their messages were received. */
  readonly first: number;
  readonly last: number;
  /** Keys that wait behind them. */
  readonly blockedKeys: number;
  /** The id of the last of their messages. */
  readonly example: string;
}

export interface ErrorGroups {
  /** The largest first. */
  readonly groups: readonly ErrorGroup[];
  readonly errors: number;
  /** Set where there are more errors than were looked at. */
  readonly more?: true;
}

const page = 2_000;
const mostErrors = 200_000;
const mostGroups = 1_000;
const others = '(other messages)';

type Growing = { -readonly [K in keyof Omit<ErrorGroup, 'blockedKeys'>]: ErrorGroup[K] } & {
  readonly keys: Set<string>;
};

/** Groups the open errors of the store, of one channel if it is named, by channel, destination, code and text. */
export async function errorGroups(store: MessageStore, channel: string | undefined): Promise<ErrorGroups> {
  const groups = new Map<string, Growing>();
  let errors = 0;
  let cursor: string | undefined;
  do {
    const query = { limit: page, ...(channel === undefined ? {} : { channel }) };
    const found = await store.openErrors(cursor === undefined ? query : { ...query, cursor });
    for (const each of found.errors) add(groups, each);
    errors += found.errors.length;
    cursor = found.cursor;
  } while (cursor !== undefined && errors < mostErrors);
  const told = [...groups.values()].map(({ keys, ...group }) => ({ ...group, blockedKeys: keys.size }));
  return {
    groups: told.sort((a, b) => b.count - a.count || b.last - a.last),
    errors,
    ...(cursor === undefined ? {} : { more: true }),
  };
}

function add(groups: Map<string, Growing>, each: OpenError): void {
  const { channel, destination, id, receivedAt, error, holds } = each;
  const text = withoutNumbers(error.message);
  let name = JSON.stringify([channel, destination, error.code, text]);
  const isOther = !groups.has(name) && groups.size >= mostGroups;
  if (isOther) name = JSON.stringify([channel, destination, error.code]);
  let group = groups.get(name);
  if (!group) {
    const message = isOther ? others : text;
    const cause = { code: error.code, message, ...(!isOther && { signature: signatureOf(error.code, text) }) };
    const times = { first: receivedAt, last: receivedAt };
    group = { channel, destination, ...cause, count: 0, ...times, example: id, keys: new Set() };
    groups.set(name, group);
  }
  group.count++;
  group.first = Math.min(group.first, receivedAt);
  if (receivedAt >= group.last) {
    group.last = receivedAt;
    group.example = id;
  }
  for (const key of holds) group.keys.add(key);
}

/**
 * Open errors with a code, or of the cause that a signature names: what `ErrorGroup.count` counts, and what jobs with it act on. It
 * looks at a bounded number of errors: a page may be short, or empty, and still have a cursor.
 */
export async function errorsOfCause(
  store: MessageStore,
  cause: string,
  { limit, cursor: from, ...query }: OpenErrorQuery,
): Promise<OpenErrorPage> {
  const errors: OpenError[] = [];
  let cursor = from;
  let seen = 0;
  do {
    const after = cursor === undefined ? query : { ...query, cursor };
    let found = await store.openErrors({ ...after, limit: page });
    let own = matching(found, cause);
    const last = own[limit - errors.length - 1];
    // More than fit: the same page again, that ends with the last one that does, so that the cursor goes on behind it.
    if (last && last !== found.errors.at(-1)) {
      found = await store.openErrors({ ...after, limit: found.errors.indexOf(last) + 1 });
      own = matching(found, cause);
    }
    seen += found.errors.length;
    errors.push(...own.slice(0, limit - errors.length));
    cursor = found.cursor;
  } while (cursor !== undefined && errors.length < limit && seen < mostErrors);
  return { errors, ...(cursor !== undefined && { cursor }) };
}

function matching({ errors }: OpenErrorPage, cause: string): readonly OpenError[] {
  return errors.filter(({ error }) => isOfCause(cause, error));
}
