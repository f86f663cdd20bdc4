import type { OutgoingHttpHeaders } from 'node:http';
import { comeAgain, type Refusal } from '../../clients/http-server/refusal.ts';
import type { Answer } from '../../clients/http-server/service.ts';
import { type ErrorCode, errorCodes } from '../../core/errors.ts';
import type { Receipt } from '../../core/outcome.ts';
import type { Interaction } from '../../protocols/fhir/interaction.ts';
import {
  type IssueCode,
  issueCodeOf,
  issuesIn,
  type OutcomeIssue,
  operationOutcome,
} from '../../protocols/fhir/outcome.ts';
import type { BundleRequest } from '../../protocols/fhir/requests.ts';
import { type FhirResource, isBundle, readResource } from '../../protocols/fhir/resource.ts';
import type { AnswerStyle } from './admission.ts';
import type { FhirSourceConfig } from './config.ts';
import { ResourceRefusal } from './resource-refusal.ts';

type Config = Pick<FhirSourceConfig, 'path' | 'retryAfterMs'>;

const plainStyle: AnswerStyle = {
  contentType: 'application/fhir+json; charset=utf-8',
  pretty: false,
  preference: 'OperationOutcome',
  requestId: undefined,
};

/** The answer to a request that was not handed over. */
export function refused(refusal: Refusal, style: AnswerStyle = plainStyle): Answer {
  const { status, message, headers } = refusal;
  const issue: OutcomeIssue = { severity: 'error', code: issueCodeOf(status), diagnostics: message };
  if (!(refusal instanceof ResourceRefusal)) return answerWith(status, operationOutcome([issue]), style, headers);
  const { code, expression } = refusal;
  const found = { ...issue, code, ...(expression !== undefined && { expression: [expression] }) };
  return answerWith(status, operationOutcome([found]), style, headers);
}

/** What of a request its answer depends on: it is kept until the message has come so far, which may take a while. */
export interface Asked {
  readonly interaction: Interaction;
  /** `transaction`, `batch`. */
  readonly bundleType: unknown;
  /** Of a transaction or batch: what each of its entries asks for. */
  readonly requests: readonly BundleRequest[] | undefined;
  /** What was posted, where the sender wants it back. */
  readonly resource: FhirResource | undefined;
}

/** The answer to what was posted, when its message has reached the channel's `ackAfter`. */
export function answerTo(asked: Asked, receipt: Receipt, style: AnswerStyle, config: Config): Answer {
  const { outcome, reply, duplicateOf, id } = receipt;
  if (outcome.status === 'draining') return notNow(style, config);
  if (outcome.status === 'error') {
    const { kind, code } = outcome.error;
    if (kind === 'transient' || code === 'cancelled') return notNow(style, config);
    const said = reply && resourceIn(reply);
    if (said) return answerWith(statusOf(said), said, style);
    return answerWith(422, operationOutcome(issuesOf(receipt, code)), style);
  }
  if (reply) return relayed(asked, reply, style, config);
  const about: OutcomeIssue = {
    severity: 'information',
    code: 'informational',
    diagnostics: `${outcome.status === 'filtered' ? 'no destination wanted it' : 'it is kept and passed on'}: message ${duplicateOf ?? id}`,
  };
  if (asked.requests) {
    const response = bundleResponse(asked, asked.requests, about, style, config);
    return answerWith(200, response, style);
  }
  const { interaction, resource } = asked;
  const location = interaction.kind === 'update' ? { location: at(config, interaction.type, interaction.id) } : {};
  const created = interaction.kind === 'create' && outcome.status !== 'filtered';
  return answerWith(created ? 201 : 200, wanted(resource, about, style), style, location);
}

function notNow(style: AnswerStyle, { retryAfterMs }: Config): Answer {
  return refused(comeAgain(retryAfterMs, 'not now: come again'), style);
}

/** What the sender wants to see of it. */
function wanted(
  resource: FhirResource | undefined,
  about: OutcomeIssue,
  { preference }: AnswerStyle,
): FhirResource | undefined {
  if (preference === 'minimal') return undefined;
  return preference === 'representation' ? resource : operationOutcome([about]);
}

/** One entry for each, in the same order (hl7.org/fhir/R4/http.html#transaction-response). */
function bundleResponse(
  { bundleType, resource }: Asked,
  requests: readonly BundleRequest[],
  about: OutcomeIssue,
  { preference }: AnswerStyle,
  config: Config,
): FhirResource {
  const entries = resource && isBundle(resource) ? (resource.entry ?? []) : [];
  return {
    resourceType: 'Bundle',
    type: `${bundleType}-response`,
    entry: requests.map(({ kind, location }, index) => ({
      ...(preference === 'representation' && { resource: entries[index]?.resource }),
      response: {
        status: entryStatus[kind],
        ...(location !== undefined && { location: `${config.path}/${location}` }),
        ...(preference === 'OperationOutcome' && { outcome: operationOutcome([about]) }),
      },
    })),
  };
}

const entryStatus: Readonly<Record<BundleRequest['kind'], string>> = {
  create: '201 Created',
  update: '200 OK',
  'conditional-update': '200 OK',
  delete: '204 No Content',
};

/** What the far end said, with the headers that go with it: it knows under which id and version the resource is there. */
function relayed({ interaction }: Asked, reply: Uint8Array, style: AnswerStyle, config: Config): Answer {
  const said = resourceIn(reply);
  const status = interaction.kind === 'create' ? 201 : 200;
  if (!said) return { ...answerWith(status, undefined, style), body: reply };
  if (!('type' in interaction) || said.resourceType !== interaction.type || typeof said.id !== 'string')
    return answerWith(status, said, style);
  const { versionId, lastUpdated } = (said.meta ?? {}) as Readonly<Record<string, unknown>>;
  const known = typeof versionId === 'string' && /^[A-Za-z0-9.-]{1,64}$/.test(versionId);
  const modified = typeof lastUpdated === 'string' ? Date.parse(lastUpdated) : Number.NaN;
  const address = at(config, interaction.type, said.id);
  return answerWith(status, style.preference === 'minimal' ? undefined : said, style, {
    location: known ? `${address}/_history/${versionId}` : address,
    ...(known && { etag: `W/"${versionId}"` }),
    ...(!Number.isNaN(modified) && { 'last-modified': new Date(modified).toUTCString() }),
  });
}

function resourceIn(reply: Uint8Array): FhirResource | undefined {
  try {
    return readResource(reply);
  } catch {
    return undefined;
  }
}

function statusOf(said: FhirResource): number {
  const codes = issuesIn(said).map(({ code }) => code);
  if (codes.includes('multiple-matches')) return 412;
  return codes.includes('conflict') || codes.includes('duplicate') ? 409 : 422;
}

const mostIssues = 100;

/** The places that are wrong with the resource, else the meaning of the code; and the id to ask about. */
function issuesOf({ findings = [], id }: Receipt, code: ErrorCode): readonly OutcomeIssue[] {
  const about = id === undefined ? '' : `: message ${id}`;
  if (findings.length === 0)
    return [{ severity: 'error', code: kinds[code] ?? 'processing', diagnostics: `${errorCodes[code]}${about}` }];
  return findings.slice(0, mostIssues).map((finding) => ({
    severity: finding.severity,
    code: finding.code as IssueCode,
    diagnostics: `${finding.message}${about}`,
    ...(finding.path !== '' && { expression: [finding.path] }),
  }));
}

const kinds: Partial<Record<ErrorCode, IssueCode>> = {
  unmatched: 'not-supported',
  'processing-refused': 'business-rule',
  'decode-failed': 'structure',
};

function at({ path }: Config, type: string, id: string): string {
  return `${path}/${type}/${id}`;
}

export function answerWith(
  status: number,
  resource: FhirResource | undefined,
  { contentType, pretty, requestId }: AnswerStyle,
  headers: OutgoingHttpHeaders = {},
): Answer {
  const body = resource ? `${JSON.stringify(resource, undefined, pretty ? 2 : 0)}\n` : '';
  return {
    status,
    headers: {
      ...headers,
      ...(body !== '' && { 'content-type': contentType }),
      ...(requestId !== undefined && { 'x-request-id': requestId }),
    },
    body: Buffer.from(body),
  };
}
