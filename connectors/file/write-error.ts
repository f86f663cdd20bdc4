import { HubError } from '../../core/errors.ts';

/** What only a name or a content can cause. Everything else is the directory's: full, read-only, away, not ours. */
const messageCodes: ReadonlySet<string> = new Set(['EISDIR', 'ENAMETOOLONG', 'EEXIST', 'EINVAL', 'EILSEQ', 'EFBIG']);

/** An error of the file system as a destination tells it; the names of files stay out of it, they may hold a patient's. */
export function writeError(thrown: unknown, doing: string): HubError {
  if (thrown instanceof HubError) return thrown;
  const code = thrown instanceof Error ? (thrown as NodeJS.ErrnoException).code : undefined;
  const ofMessage = code !== undefined && messageCodes.has(code);
  return new HubError('write-failed', ofMessage ? 'permanent' : 'transient', `${doing}: ${code ?? 'failed'}`, {
    scope: ofMessage ? 'message' : 'destination',
    cause: thrown,
  });
}
