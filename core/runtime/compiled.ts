import type { ChannelDefinition, DestinationDefinition } from '../channel.ts';
import type { Finding } from '../finding.ts';
import type { Format, Meta } from '../format.ts';
import type { ReplySteps } from './reply-steps.ts';
import type { RunnableStep } from './runnable-step.ts';

export interface CompiledDestination {
  readonly name: string;
  readonly definition: DestinationDefinition;
  readonly steps: readonly RunnableStep[];
}

/** A definition made ready to run: every step created, nothing looked up per message. */
export interface CompiledChannel {
  readonly definition: ChannelDefinition;
  readonly version: string;
  /** Decodes what arrives, as the sender's profile has it. */
  readonly format: Format<unknown>;
  /** What is wrong with a message; undefined where nobody looks. */
  readonly validate: ((payload: unknown) => readonly Finding[]) | undefined;
  /** Decodes it without what the profile puts right; undefined where there is no profile. */
  readonly received: ((raw: Uint8Array, meta: Meta) => unknown) | undefined;
  readonly filters: readonly RunnableStep[];
  readonly steps: readonly RunnableStep[];
  readonly destinations: readonly CompiledDestination[];
  /** What the answer of `replyFrom` goes through. */
  readonly reply: ReplySteps | undefined;
}
