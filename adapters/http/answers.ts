import type { OutgoingHttpHeaders } from 'node:http';
import { comeAgain, type Refusal } from '../../clients/http-server/refusal.ts';
import type { Answer } from '../../clients/http-server/service.ts';
import { type ErrorCode, errorCodes } from '../../core/errors.ts';
import type { Outcome, Receipt } from '../../core/outcome.ts';
import type { SourceContext } from '../../core/source.ts';
import { type AckCode, ackMode, acknowledge, isWanted } from '../../protocols/hl7v2/ack.ts';
import type { AckError } from '../../protocols/hl7v2/ack-error.ts';
import type { Header } from '../../protocols/hl7v2/header.ts';
import { refuseQuery } from '../../protocols/hl7v2/query.ts';
import { ackErrorOf, type Issue } from '../../protocols/hl7v2/schema/issue.ts';
import type { HttpSourceConfig } from './config.ts';

/** A message whose sender waits for an acknowledgement. */
export interface Hl7Request {
  readonly header: Header;
  readonly contentType: string;
  /** The message itself, where it is a query. */
  readonly query?: Uint8Array;
}

/** The answer to a request that was not handed over. */
export function refused({ status, message, headers }: Refusal): Answer {
  return jsonAnswer(status, { status: 'refused', error: { message } }, headers);
}

/** Writes the answers of one source. */
export class Answers {
  readonly #config: HttpSourceConfig;
  readonly #context: SourceContext;
  readonly #prefix: string;
  #written = 0;

  constructor(config: HttpSourceConfig, context: SourceContext) {
    this.#config = config;
    this.#context = context;
    // 8 characters of time and 4 of chance leave 8 of the 20 that MSH-10 may have for a counter.
    const chance = Math.floor(context.random() * 36 ** 4);
    this.#prefix = `${context.clock.now().toString(36)}${chance.toString(36).padStart(4, '0')}`.toUpperCase();
  }

  /**
   * The answer to a request whose arrivals have these receipts: the status is that of the worst.
   * @param hl7 the header of a message whose sender waits for an acknowledgement, and the content type that it is sent as
   */
  of(receipts: readonly Receipt[], hl7?: Hl7Request): Answer {
    const status = Math.max(...receipts.map(({ outcome }) => statusOf(outcome)));
    const [only] = receipts;
    if (status === 503) return refused(comeAgain(this.#config.retryAfterMs, 'not now: come again'));
    if (receipts.length === 1 && only) {
      if (only.reply) {
        const contentType = hl7?.contentType ?? this.#config.replyContentType;
        return { status, headers: { 'content-type': contentType }, body: only.reply };
      }
      if (hl7) return this.#acknowledgement(hl7, only);
      return jsonAnswer(status, said(only));
    }
    const messages = receipts.map(said);
    return jsonAnswer(status, { status: worst(receipts), messages });
  }

  /** HL7 over HTTP §2.6: 200 with AA and CA, 400 with AR, 500 with AE. */
  #acknowledgement({ header, contentType, query }: Hl7Request, receipt: Receipt): Answer {
    const code = this.#codeFor(header, receipt.outcome);
    const error = receipt.outcome.status === 'error' ? receipt.outcome.error : undefined;
    const input = {
      code,
      controlId: this.#prefix + (this.#written++).toString(36).toUpperCase(),
      now: this.#context.clock.now(),
      ...(error && { errors: errorsOf(receipt, error.code) }),
    };
    const unanswered = query && (code === 'AE' || code === 'AR') ? refuseQuery(query, { ...input, code }) : undefined;
    const body = unanswered ?? acknowledge(header, input);
    const status = code === 'AE' ? 500 : code === 'AR' ? 400 : 200;
    return { status, headers: { 'content-type': contentType }, body };
  }

  #codeFor(header: Header, outcome: Outcome): AckCode {
    if (outcome.status === 'error') return refusals.has(outcome.error.code) ? 'AR' : 'AE';
    const mode = ackMode(header);
    const commits = this.#context.ackAfter === 'stored' && mode.mode === 'enhanced' && isWanted(mode.accept, 'CA');
    return commits ? 'CA' : 'AA';
  }
}

/** What this channel does not take in at all. */
const refusals: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['unmatched', 'processing-refused']);
/** HL7 table 0357; any other error is one of the application. */
const conditions: Readonly<Record<string, string>> = { unmatched: '200', 'processing-refused': '202' };
const mostErrors = 20;

/** The places that are wrong with the message, else the meaning of the code and the id to ask about. */
function errorsOf({ findings = [], id }: Receipt, code: ErrorCode): readonly AckError[] {
  const errors = findings.filter(({ severity }) => severity === 'error').slice(0, mostErrors);
  const diagnostic = id === undefined ? {} : { diagnostic: id };
  if (errors.length > 0) return errors.map((each) => ({ ...ackErrorOf(each as Issue), ...diagnostic }));
  return [{ code: conditions[code] ?? '207', severity: 'E', text: errorCodes[code], ...diagnostic }];
}

/** 202: it is kept, and will be done. 503: it was not taken, or withdrawn, and the sender is to come again. */
function statusOf(outcome: Outcome): number {
  switch (outcome.status) {
    case 'sent':
    case 'filtered':
      return 200;
    case 'stored':
    case 'queued':
      return 202;
    case 'draining':
      return 503;
    case 'error':
      return outcome.error.kind === 'transient' || outcome.error.code === 'cancelled' ? 503 : 422;
    default:
      return outcome satisfies never;
  }
}

/** A duplicate is told the id of the message that it repeats: both answers are the same. Never our own error's text. */
function said({ id, duplicateOf, outcome }: Receipt) {
  const error =
    outcome.status === 'error' ? { error: { code: outcome.error.code, message: errorCodes[outcome.error.code] } } : {};
  return { id: duplicateOf ?? id, status: outcome.status, ...error };
}

function worst(receipts: readonly Receipt[]): Outcome['status'] {
  return receipts.map(({ outcome }) => outcome).reduce((a, b) => (statusOf(b) > statusOf(a) ? b : a)).status;
}

function jsonAnswer(status: number, value: unknown, headers: OutgoingHttpHeaders = {}): Answer {
  const body = Buffer.from(`${JSON.stringify(value)}\n`);
  return { status, headers: { ...headers, 'content-type': 'application/json' }, body };
}
