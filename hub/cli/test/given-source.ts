import { Acknowledger } from '../../../adapters/mllp/acknowledger.ts';
import { type MllpSourceConfig, config as mllpConfig } from '../../../adapters/mllp/config.ts';
import { beginExchange } from '../../../adapters/mllp/exchange.ts';
import { messageArrival } from '../../../adapters/mllp/message-arrival.ts';
import { Replies } from '../../../adapters/mllp/replies.ts';
import type { ChannelDefinition, Erased } from '../../../core/channel.ts';
import type { Arrival } from '../../../core/message.ts';
import type { Delivery, Intake, SourceContext, SourceSpec } from '../../../core/source.ts';
import { readHeader } from '../../../protocols/hl7v2/header.ts';

/** A message on its way in, and what its sender has been answered so far. */
export interface Sent {
  /** Undefined where nothing was stored. */
  readonly id: Promise<string | undefined>;
  readonly replies: readonly string[];
}

/** Stands where the channel's source would: what a test gives comes in as if a sender had sent it. */
export class GivenSource {
  readonly spec: SourceSpec<Erased>;
  readonly #definition: ChannelDefinition;
  readonly #running = Promise.withResolvers<{ readonly intake: Intake; readonly context: SourceContext }>();

  constructor(definition: ChannelDefinition) {
    this.#definition = definition;
    this.spec = Object.freeze({
      ...definition.source,
      resources: [],
      create: (context: SourceContext) => ({
        run: async (intake: Intake, { drain, halt }: { readonly drain: AbortSignal; readonly halt: AbortSignal }) => {
          this.#running.resolve({ intake, context });
          if (drain.aborted || halt.aborted) return;
          await new Promise<void>((resolve) => {
            for (const signal of [drain, halt]) signal.addEventListener('abort', () => resolve(), { once: true });
          });
        },
      }),
    });
  }

  async send(raw: Buffer): Promise<Sent> {
    const { intake, context } = await this.#running.promise;
    const { type, config } = this.#definition.source;
    const { ackAfter } = context;
    const mllp = type === 'mllp' ? (config as MllpSourceConfig) : mllpConfig.parse({ endpoint: 'test' });
    const acknowledger = new Acknowledger(mllp, ackAfter, { now: context.clock.now, random: context.random });
    const replies: string[] = [];
    const due = () => void order.takeDue(replies);
    const order = new Replies(acknowledger, ackAfter, { replyDue: due, replyRefused: due });
    const begun = beginExchange(raw, 'test', acknowledger, order);
    const exchange = type === 'mllp' ? begun : { ...begun, arrival: this.#arrival(raw) };
    const delivery = await intake.accept([exchange.arrival], new AbortController().signal);
    order.await([exchange], delivery);
    return { id: idOf(delivery), replies };
  }

  #arrival(raw: Buffer): Arrival {
    const header = this.#definition.format.id === 'hl7v2' ? readHeader(raw) : undefined;
    return header ? messageArrival(raw, header, 'test') : { raw, meta: {} };
  }
}

async function idOf(delivery: Delivery): Promise<string | undefined> {
  const [receipt] = await delivery.receipts('stored');
  return receipt?.duplicateOf ?? receipt?.id;
}
