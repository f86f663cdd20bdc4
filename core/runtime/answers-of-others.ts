import type { ChannelOptions } from '../channel.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Clock } from '../component.ts';
import type { Outcome, Receipt } from '../outcome.ts';
import type { OutcomeElsewhere } from '../store/shared-store.ts';
import type { Awaited } from './behind.ts';

export interface AnswersOfOthersHost {
  readonly channel: string;
  readonly clock: Clock;
  readonly cluster: Cluster | undefined;
  readonly options: ChannelOptions;
  /** The channel has stopped here. */
  halted(): boolean;
  /** There may be room again for what comes in. */
  roomAgain(): void;
}

/** The hub that has the channel withdraws what is too late; so long it has for that, and for saying so in the store. */
const elsewhereMs = 1_000;
/** A replay that another hub has not begun after this holds up no job. */
const replayElsewhereMs = 60_000;

/** Senders of this hub whose messages another hub processes: they are answered by way of the store. */
export class AnswersOfOthers {
  readonly #host: AnswersOfOthersHost;

  constructor(host: AnswersOfOthersHost) {
    this.#host = host;
  }

  get waiting(): number {
    return this.#host.cluster?.answers.waitingFor(this.#host.channel) ?? 0;
  }

  /**
   * @param again it is another arrival of the same message
   * @param answerBy on the monotonic clock; the channel's time-out from now on if not given, or 0
   */
  wait({ id, seq, delivery, index }: Awaited, again: boolean, answerBy?: number): void {
    const { channel, clock, cluster, options } = this.#host;
    const { ackAfter, ackTimeoutMs, ackOn, replyFrom } = options;
    const about = { ...(id !== undefined && { id }), ...(again && id !== undefined && { duplicateOf: id }) };
    const wait = (routedIsEnough: boolean) =>
      cluster!.answers.wait({
        channel,
        seq,
        question: { ...(ackOn && { ackOn }), ...(replyFrom !== undefined && { replyFrom }) },
        routedIsEnough,
        until: (answerBy || clock.monotonic() + ackTimeoutMs) + elsewhereMs,
        done: (outcome) => {
          const receipt = { ...about, ...this.#receipt(outcome) };
          const over = outcome?.status !== 'queued';
          delivery.reach(over ? 'settled' : 'transformed', index, receipt);
          if (!over && delivery.late) wait(false);
          this.#host.roomAgain();
        },
      });
    wait(ackAfter === 'transformed');
  }

  /** Calls `done` when the hub that has the channel has routed the message, or after a time. */
  untilRouted(seq: number, done: () => void): void {
    const { channel, clock, cluster } = this.#host;
    const until = clock.monotonic() + replayElsewhereMs;
    cluster!.answers.wait({ channel, seq, question: {}, routedIsEnough: true, until, done });
  }

  /** Nobody waits here any more. */
  abandon(): void {
    this.#host.cluster?.answers.abandon(this.#host.channel);
  }

  /**
   * Without an outcome in time: the hub that has the channel withdraws what is too late (`onUnsettled: reject`), and that it did is an
   * outcome. So what has none may still be sent, and a negative answer would not be true (rule 9): it is positive where the channel
   * says `accept`, else there is none and the sender's own time-out decides.
   */
  #receipt(outcome: OutcomeElsewhere | undefined): Pick<Receipt, 'outcome' | 'reply'> {
    if (!outcome) {
      const accept = this.#host.options.onUnsettled === 'accept' && this.#host.options.replyFrom === undefined;
      return { outcome: { status: accept && !this.#host.halted() ? 'queued' : 'draining' } };
    }
    const { status, error, reply } = outcome;
    const said: Outcome =
      status === 'error' && error
        ? { status, error }
        : { status: status === 'error' || status === 'queued' ? 'stored' : status };
    return { outcome: said, ...(reply && { reply }) };
  }
}
