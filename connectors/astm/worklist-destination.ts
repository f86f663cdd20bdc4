import { encodeError } from '../../clients/astm-link/driver.ts';
import { Worklist } from '../../clients/astm-link/worklist.ts';
import type { Destination, DestinationContext, WriteContext, WriteOutcome } from '../../core/destination.ts';
import type { Outgoing } from '../../core/message.ts';
import type { AstmMessage } from '../../protocols/astm/message.ts';

/** Keeps the orders of each message in a worklist. */
export class WorklistDestination implements Destination<AstmMessage> {
  readonly #worklist: Worklist;
  readonly #context: DestinationContext;

  /** Throws HubError `config-invalid`. */
  constructor(endpoint: string, keepOrdersMs: number, context: DestinationContext) {
    const { path } = context.endpoint('directory', endpoint);
    this.#worklist = new Worklist(path, keepOrdersMs, () => context.clock.now());
    this.#context = context;
    context.report('idle');
  }

  async write(batch: readonly Outgoing<AstmMessage>[], context: WriteContext): Promise<readonly WriteOutcome[]> {
    const outcomes: WriteOutcome[] = [];
    for (const { payload } of batch) {
      if (context.signal.aborted || performance.now() > context.notAfter) break;
      try {
        await this.#worklist.put(payload);
        outcomes.push({ status: 'sent' });
      } catch (thrown) {
        outcomes.push({ status: 'error', error: encodeError(thrown) });
        break;
      }
    }
    this.#context.count('astm_orders_kept_total', outcomes.filter(({ status }) => status === 'sent').length);
    while (outcomes.length < batch.length) outcomes.push({ status: 'untried' });
    return outcomes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#context.report('stopped');
  }
}
