import type { IncomingMessage } from 'node:http';
import type { Callers } from '../../clients/http-server/callers.ts';
import { Refusal } from '../../clients/http-server/refusal.ts';
import { callerOf, packingOf, targetOf } from '../../clients/http-server/request-head.ts';
import { type Interaction, interactionOf } from '../../protocols/fhir/interaction.ts';
import { answeredAs, isTaken } from '../../protocols/fhir/media-type.ts';
import type { FhirSourceConfig } from './config.ts';

/** What a sender wants to get back (hl7.org/fhir/R4/http.html#ops). */
export type Preference = 'minimal' | 'representation' | 'OperationOutcome';

/** How an answer is to look. */
export interface AnswerStyle {
  readonly contentType: string;
  readonly pretty: boolean;
  readonly preference: Preference;
  /** `X-Request-Id` of the request, which goes back. */
  readonly requestId: string | undefined;
}

/** What is known of a request before its body is read. */
export interface Admitted {
  readonly interaction: Interaction;
  readonly style: AnswerStyle;
  readonly packed: boolean;
  /** Name of the endpoint by whose secret the caller is known. */
  readonly caller: string | undefined;
}

const taken = 'application/fhir+json, application/json';

/** Throws Refusal for what the head of a request shows: 400, 401, 404, 405, 406, 411, 413, 415. */
export function admit(request: IncomingMessage, config: FhirSourceConfig, callers: Callers | undefined): Admitted {
  const { headers, method = '' } = request;
  const caller = callerOf(request, callers);
  const { path, search } = targetOf(request.url);
  const below = path === config.path || path.startsWith(`${config.path}/`) ? path.slice(config.path.length) : undefined;
  if (below === undefined) throw new Refusal(404, 'there is nothing at this path');
  const interaction = interactionOf(method, below, search);
  if (interaction.kind === 'none') {
    const { status, message, allow } = interaction;
    throw new Refusal(status, message, allow && { allow: allow.join(', ') });
  }
  const style = styleOf(request);
  if (!style) throw new Refusal(406, 'answers are JSON: application/fhir+json or application/json');
  if (interaction.kind === 'capabilities') return { interaction, style, packed: false, caller };
  if (!isOffered(interaction, config)) throw new Refusal(404, 'this resource type is not taken');
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined)
    throw new Refusal(411, 'there is no body');
  if (!isTaken(headers['content-type'] ?? ''))
    throw new Refusal(415, `this content type is not taken, only ${taken}, of FHIR 4.0`, { 'accept-post': taken });
  return { interaction, style, packed: packingOf(request, config.maxBodyBytes), caller };
}

function isOffered(interaction: Interaction, { format, types }: FhirSourceConfig): boolean {
  if (!('type' in interaction)) return true;
  return format === 'fhir.r4' && (types?.includes(interaction.type) ?? true);
}

/** Undefined where the sender wants an answer that cannot be given. */
export function styleOf({ headers, url }: IncomingMessage): AnswerStyle | undefined {
  const { query } = targetOf(url);
  const contentType = answeredAs(headers.accept, query.get('_format'));
  if (contentType === undefined) return undefined;
  const requestId = headers['x-request-id'];
  return {
    contentType: `${contentType}; charset=utf-8`,
    pretty: query.get('_pretty') === 'true',
    preference: preferenceOf(headers.prefer),
    requestId: typeof requestId === 'string' && /^[ -~]{1,200}$/.test(requestId) ? requestId : undefined,
  };
}

function preferenceOf(header: string | readonly string[] = ''): Preference {
  const said = /(?:^|[,;\s])return\s*=\s*"?(minimal|representation|operationoutcome)\b/i.exec(String(header))?.[1];
  return preferences.find((each) => each.toLowerCase() === said?.toLowerCase()) ?? 'OperationOutcome';
}

const preferences: readonly Preference[] = ['minimal', 'representation', 'OperationOutcome'];
