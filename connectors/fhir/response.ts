import type { Answer } from '../../clients/http-client/client.ts';
import {
  actionOfStatus,
  obeying,
  type ResponseAction,
  refusal,
  type StatusTable,
  statusDefaults,
} from '../../clients/http-client/status-table.ts';
import type { WriteOutcome } from '../../core/destination.ts';
import { HubError } from '../../core/errors.ts';
import { describeIssues, issuesIn } from '../../protocols/fhir/outcome.ts';
import { type FhirBundle, type FhirResource, isBundle, readResource } from '../../protocols/fhir/resource.ts';
import type { FhirDestinationConfig } from './config.ts';
import { isToCarryOut } from './request.ts';

type Config = Pick<FhirDestinationConfig, 'response' | 'maxRetryAfterMs'>;

/** 409: somebody else was changing the same resource. 501: what a server has not been made for will not come by waiting. */
const defaults: StatusTable = { ...statusDefaults, '409': 'retry', '501': 'dead-letter' };

/** What becomes of a resource that was sent and got this answer at `now`. What the far end said goes with it as the reply. */
export function outcomeOf(sent: FhirResource, answer: Answer, config: Config, now: number): WriteOutcome {
  return obeying(judged(sent, answer, config.response), answer, config.maxRetryAfterMs, now);
}

function judged(sent: FhirResource, { status, body }: Answer, table: StatusTable): WriteOutcome {
  const action = actionOfStatus(status, table, defaults);
  const reply = body.length > 0 ? { reply: body } : {};
  const said = resourceIn(body);
  if (action !== 'sent') {
    const message = `sending the resource: the far end answered ${status}${inWords(said)}`;
    return { status: 'error', error: refusal('reply-negative', action, message), ...reply };
  }
  if (status < 200 || status > 299) return { status: 'sent', ...reply };
  // A page of a proxy or of a login is no answer of a FHIR server, whatever its status.
  if (body.length > 0 && !said) return unclear('it is no resource', reply);
  if (!isToCarryOut(sent) || sent.type !== 'batch') return { status: 'sent', ...reply };
  if (!said || !isBundle(said)) return unclear('it does not say what became of the entries', reply);
  return judgedByEntries(sent, said, table, reply);
}

type Reply = { readonly reply?: Uint8Array };

/**
 * A transaction is done or not as a whole; a batch may be done in part. What failed for a while is tried again with all the rest,
 * unless one that succeeded would then be there twice.
 */
function judgedByEntries(sent: FhirBundle, said: FhirBundle, table: StatusTable, reply: Reply): WriteOutcome {
  const requests = sent.entry ?? [];
  const responses = said.entry ?? [];
  if (responses.length !== requests.length) return unclear('it has not one entry for each', reply);
  const failed: { readonly at: number; readonly action: Exclude<ResponseAction, 'sent'>; readonly words: string }[] =
    [];
  let unrepeatable = false;
  for (const [at, { response }] of responses.entries()) {
    const status = Number(/^\d{3}/.exec(response?.status ?? '')?.[0]);
    if (Number.isNaN(status)) return unclear('an entry has no status', reply);
    const action = status === 304 ? 'sent' : actionOfStatus(status, table, defaults);
    if (action === 'sent') unrepeatable ||= isUnrepeatable(requests[at]?.request);
    else failed.push({ at, action, words: `entry ${at}: ${status}${inWords(response?.outcome)}` });
  }
  if (failed.length === 0) return { status: 'sent', ...reply };
  const forGood = failed.some(({ action }) => action === 'dead-letter');
  const shown = failed.slice(0, 3).map(({ words }) => words);
  const more = failed.length > shown.length ? `; and ${failed.length - shown.length} more` : '';
  const twice = !forGood && unrepeatable ? '; what was created would be created again' : '';
  const message = `sending a batch: ${failed.length} of ${requests.length} entries failed: ${shown.join('; ')}${more}${twice}`;
  return {
    status: 'error',
    error: refusal('reply-negative', forGood || unrepeatable ? 'dead-letter' : 'retry', message),
    ...reply,
  };
}

/** Done once more, it makes one more resource. */
function isUnrepeatable(request: { readonly method?: string; readonly ifNoneExist?: string } | undefined): boolean {
  return request?.method === 'POST' && request.ifNoneExist === undefined;
}

function unclear(what: string, reply: Reply): WriteOutcome {
  const error = new HubError('reply-invalid', 'transient', `reading the answer: ${what}`);
  return { status: 'uncertain', error, ...reply };
}

function resourceIn(body: Uint8Array): FhirResource | undefined {
  if (body.length === 0) return undefined;
  try {
    return readResource(body);
  } catch {
    return undefined;
  }
}

function inWords(outcome: unknown): string {
  const words = describeIssues(issuesIn(outcome));
  return words === '' ? '' : `: ${words}`;
}
