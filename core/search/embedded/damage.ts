import { asHubError, HubError } from '../../errors.ts';

/** The file of a day has to be made again. */
export class DamagedFile extends Error {
  readonly day: string;

  constructor(day: string, cause?: unknown) {
    super('reading the file of a day: it is damaged', { cause });
    this.day = day;
  }
}

/** Whether SQLite says that a file is no whole database; anything else is tried again with the file as it is. */
export function isDamage(thrown: unknown): boolean {
  const { errcode = 0 } = thrown as { readonly errcode?: number };
  // SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_IOERR_SHORT_READ.
  return (errcode & 0xff) === 11 || (errcode & 0xff) === 26 || errcode === 522;
}

/** Runs what uses the file of a day. Throws DamagedFile where that is why it fails. */
export function withFile<T>(day: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw isDamage(thrown) ? new DamagedFile(day, thrown) : thrown;
  }
}

/** What was thrown, as the index's error. SQLite's messages name tables and columns, never a value. */
export function searchError(thrown: unknown, doing: string): HubError {
  const { errcode, message } = thrown as { readonly errcode?: number; readonly message?: string };
  if (errcode === undefined) return asHubError(thrown, 'search-failed', doing, 'transient');
  return new HubError('search-failed', 'transient', `${doing}: SQLite ${errcode}, ${message}`, { cause: thrown });
}
