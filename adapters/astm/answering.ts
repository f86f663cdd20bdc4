import type { LinkDriver } from '../../clients/astm-link/driver.ts';
import { type FoundOrders, Worklist } from '../../clients/astm-link/worklist.ts';
import { asHubError } from '../../core/errors.ts';
import type { Receipt } from '../../core/outcome.ts';
import type { SourceContext } from '../../core/source.ts';
import type { Dialect } from '../../protocols/astm/dialect.ts';
import type { TerminationCode } from '../../protocols/astm/fields.ts';
import { type AstmMessage, parse } from '../../protocols/astm/message.ts';
import { type Worklist as Answered, answer, queriesOf } from '../../protocols/astm/query.ts';
import { timestamp } from '../../protocols/astm/time.ts';
import type { AstmSourceConfig } from './config.ts';

/** Answers host queries (LIS02-A2 §11): with what a destination said, or with what waits in a worklist. */
export class Answering {
  readonly #config: AstmSourceConfig;
  readonly #context: SourceContext;
  readonly #dialect: Partial<Dialect>;
  readonly #charset: string | undefined;
  readonly #worklist: Worklist | undefined;

  /** Throws HubError `config-invalid`. */
  constructor(
    config: AstmSourceConfig,
    context: SourceContext,
    dialect: Partial<Dialect>,
    charset: string | undefined,
  ) {
    this.#config = config;
    this.#context = context;
    this.#dialect = dialect;
    this.#charset = charset;
    if (config.worklist === undefined) return;
    const { path } = context.endpoint('directory', config.worklist);
    this.#worklist = new Worklist(path, config.keepOrdersMs, () => context.clock.now());
  }

  /** Whether somebody waits for an answer to this message: it asks for something, and calls no earlier question back. */
  isAsked(message: AstmMessage | undefined): message is AstmMessage {
    if (!message || this.#config.queries === 'ignore') return false;
    const queries = queriesOf(message, this.#dialect);
    return queries.length > 0 && queries.every(({ status }) => status !== 'A');
  }

  /**
   * Answers on the line that the question came by. Resolves when the answer is there, or cannot be given; what goes wrong is
   * counted and logged.
   * @param settled the receipt with the destination's reply
   */
  async answer(question: AstmMessage, driver: LinkDriver, settled: Promise<Receipt>, halt: AbortSignal): Promise<void> {
    const { log, count } = this.#context;
    let content: Uint8Array;
    let listed: FoundOrders | undefined;
    try {
      listed = await this.#worklist?.find(queriesOf(question, this.#dialect), this.#config.giveAgain);
      content = listed ? this.#written(question, listed.worklists).raw : await this.#replied(question, settled);
    } catch (thrown) {
      const { code, message } = asHubError(thrown, 'encode-failed', 'answering a query');
      log.warn({ code }, message);
      count('astm_answers_failed_total');
      listed = undefined;
      content = this.#written(question, [], 'Q').raw;
    }
    if (halt.aborted) return;
    const sent = await driver.send(content, halt).catch((thrown: unknown) => {
      log.warn(
        { code: asHubError(thrown, 'encode-failed', '').code },
        'answering a query: no frame can hold the answer',
      );
      return { status: 'failed' as const, reason: 'rejected' as const };
    });
    if (sent.status === 'sent') {
      count('astm_answers_total');
      await listed?.given().catch((thrown: unknown) => {
        const { code, message } = asHubError(thrown, 'write-failed', 'noting what a worklist has given');
        log.warn({ code }, message);
      });
    } else {
      count('astm_answers_failed_total');
      if (sent.status === 'failed')
        log.warn({ reason: sent.reason }, 'answering a query: the analyzer did not take it');
    }
  }

  async #replied(question: AstmMessage, settled: Promise<Receipt>): Promise<Uint8Array> {
    const late = Promise.withResolvers<undefined>();
    const cancel = this.#context.clock.timer(this.#config.answerWithinMs, () => late.resolve(undefined));
    const receipt = await Promise.race([settled, late.promise]);
    cancel();
    if (!receipt) this.#context.count('astm_answers_late_total');
    const { reply } = receipt ?? {};
    if (reply === undefined) {
      const failed = !receipt || receipt.outcome.status === 'error';
      return this.#written(question, [], failed ? 'Q' : 'I').raw;
    }
    // What is no message would be taken for one by some analyzer.
    return parse(reply).raw;
  }

  #written(question: AstmMessage, worklists: readonly Answered[], termination?: TerminationCode): AstmMessage {
    const asking = question.header.repeats(5)[0];
    return answer({
      header: {
        sender: this.#config.hostName,
        ...(asking && { receiver: asking }),
        processingId: 'P',
        version: 'LIS2-A2',
        time: timestamp(this.#context.clock.now()),
      },
      worklists,
      delimiters: question.delimiters,
      ...(termination !== undefined && { termination }),
      ...(this.#charset !== undefined && { charset: this.#charset }),
      substitute: '?',
    });
  }
}
