import { errorCodes } from '../../core/errors.ts';
import type { AckPoint, Outcome, Receipt } from '../../core/outcome.ts';
import { type AckCode, type AckMode, ackMode, acknowledgement, isWanted } from '../../protocols/hl7v2/ack.ts';
import type { AckError } from '../../protocols/hl7v2/ack-error.ts';
import type { Header } from '../../protocols/hl7v2/header.ts';
import { refuseQuery } from '../../protocols/hl7v2/query.ts';
import { ackErrorOf, type Issue } from '../../protocols/hl7v2/schema/issue.ts';
import type { MllpSourceConfig } from './config.ts';

/** What a sender is told in the end; `close`: nothing, the connection ends without an answer. */
export type Verdict = 'AA' | 'AE' | 'AR' | 'close';

export interface Identity {
  readonly now: () => number;
  readonly random: () => number;
}

/** HL7 table 0357; any other error is one of the application. */
const conditions: Readonly<Record<string, string>> = { unmatched: '200', 'processing-refused': '202' };
const ORIGINAL: AckMode = { mode: 'original' };
const COMMIT = { AA: 'CA', AE: 'CE', AR: 'CR' } as const;

/** Writes the acknowledgements of one source, each byte one character: which codes a message gets, and when, by its own MSH-15 and MSH-16. */
export class Acknowledger {
  readonly #config: MllpSourceConfig;
  readonly #ackAfter: AckPoint;
  readonly #identity: Identity;
  readonly #prefix: string;
  #written = 0;

  constructor(config: MllpSourceConfig, ackAfter: AckPoint, identity: Identity) {
    this.#config = config;
    this.#ackAfter = ackAfter;
    this.#identity = identity;
    // 8 characters of time and 4 of chance leave 8 of the 20 that MSH-10 may have for a counter.
    const chance = Math.floor(identity.random() * 36 ** 4);
    this.#prefix = `${identity.now().toString(36)}${chance.toString(36).padStart(4, '0')}`.toUpperCase();
  }

  /** How a message is to be answered; nothing where this sender never is. */
  mode(header: Header | undefined): AckMode | undefined {
    const { mode } = this.#config.acknowledgement;
    if (mode === 'none') return undefined;
    return mode === 'original' || header === undefined ? ORIGINAL : ackMode(header);
  }

  /** Whether a commit accept (MSH-15) goes out at `stored`, ahead of the answer at the channel's own point. */
  commitsFirst(mode: AckMode): boolean {
    return this.#ackAfter !== 'stored' && mode.mode === 'enhanced' && mode.accept !== 'NE';
  }

  /** Whether there is anything to be answered at the channel's own point, whatever the outcome. */
  answersLater(mode: AckMode): boolean {
    if (mode.mode === 'original' || mode.application !== 'NE') return true;
    return this.#ackAfter === 'stored' && mode.accept !== 'NE';
  }

  /** The commit accept, where the sender wants one for this verdict. */
  commit(
    header: Header | undefined,
    mode: AckMode,
    verdict: Exclude<Verdict, 'close'>,
    receipt?: Receipt,
  ): string | undefined {
    const code = COMMIT[verdict];
    return mode.mode === 'enhanced' && isWanted(mode.accept, code) ? this.#write(header, code, receipt) : undefined;
  }

  /**
   * The answer at the channel's own point. Where that is `stored` there is one answer: the commit accept if the sender
   * wants it, else the application's, which for such a channel is the same.
   */
  answer(
    header: Header | undefined,
    mode: AckMode,
    verdict: Exclude<Verdict, 'close'>,
    receipt?: Receipt,
    raw?: Uint8Array,
  ): string | undefined {
    const query = header?.code === 'QBP' ? raw : undefined;
    if (mode.mode === 'original') return this.#write(header, verdict, receipt, query);
    const commit = this.#ackAfter === 'stored' ? this.commit(header, mode, verdict, receipt) : undefined;
    if (commit) return commit;
    return isWanted(mode.application, verdict) ? this.#write(header, verdict, receipt, query) : undefined;
  }

  /** AE for what processing found wrong; AR for what this channel does not take in at all (HL7 table 0008). */
  verdict(outcome: Outcome): Verdict {
    switch (outcome.status) {
      case 'stored':
      case 'sent':
      case 'filtered':
      case 'queued':
        return 'AA';
      case 'draining':
        return 'close';
      case 'error':
        break;
      default:
        outcome satisfies never;
    }
    switch (outcome.error.code) {
      case 'store-full':
      case 'store-failed':
        return this.#config.storeRefusal;
      case 'draining':
        return 'close';
      case 'unmatched':
      case 'processing-refused':
      case 'frame-malformed':
      case 'frame-oversized':
        return 'AR';
      default:
        return 'AE';
    }
  }

  /** @param query the message, where its sender waits for the response to a query */
  #write(header: Header | undefined, code: AckCode, receipt: Receipt | undefined, query?: Uint8Array): string {
    const { application, facility } = this.#config.acknowledgement;
    const controlId = this.#prefix + (this.#written++).toString(36).toUpperCase();
    const input = { code, controlId, now: this.#identity.now(), application, facility };
    if (code === 'AA' || code === 'CA') return acknowledgement(header, input);
    const errors = { ...input, errors: reasons(receipt) };
    const isAnswer = code === 'AE' || code === 'AR';
    const refused = isAnswer && query ? refuseQuery(query, { ...errors, code }) : undefined;
    return refused?.toString('latin1') ?? acknowledgement(header, errors);
  }
}

/** So many of the things that are wrong are told, the worst of them. */
const mostErrors = 20;

/**
 * What the sender's people are told: places that are wrong with the message, else the meaning of the code and the id to ask about; never
 * our own error's text.
 */
function reasons(receipt: Receipt | undefined): readonly AckError[] {
  const errors = (receipt?.findings ?? []).filter(({ severity }) => severity === 'error');
  if (errors.length > 0)
    return errors.slice(0, mostErrors).map((each) => ({ ...ackErrorOf(each as Issue), ...idOf(receipt) }));
  return [reason(receipt)];
}

function reason(receipt: Receipt | undefined): AckError {
  const error = receipt?.outcome.status === 'error' ? receipt.outcome.error : undefined;
  return {
    code: conditions[error?.code ?? ''] ?? '207',
    severity: 'E',
    text: errorCodes[error?.code ?? 'frame-malformed'],
    ...idOf(receipt),
  };
}

function idOf(receipt: Receipt | undefined): Pick<AckError, 'diagnostic'> {
  return receipt?.id === undefined ? {} : { diagnostic: receipt.id };
}
