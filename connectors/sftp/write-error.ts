import { statusOf, statusText } from '../../clients/sftp/session.ts';
import { HubError } from '../../core/errors.ts';

/** What OpenSSH answers where a name is too long or has characters that its file system does not take. */
const badMessage = 5;

/** What was thrown as a destination tells it; the names of files stay out of it, they may hold a patient's. */
export function writeError(thrown: unknown, doing: string): HubError {
  if (thrown instanceof HubError) return thrown;
  const status = statusOf(thrown);
  if (status === undefined) throw thrown;
  const ofMessage = status === badMessage;
  return new HubError('write-failed', ofMessage ? 'permanent' : 'transient', `${doing}: ${statusText(status)}`, {
    scope: ofMessage ? 'message' : 'destination',
    cause: thrown,
  });
}
