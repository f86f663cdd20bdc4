import type { Finding } from './finding.ts';
import type { Meta } from './format.ts';

/**
 * What a sender does in its own way, and what is made of it: the bytes stay as they were received, what goes on from decoding is as
 * everybody else has it.
 */
export interface SenderProfile {
  readonly kind: 'profile';
  readonly name: string;
  /** The id of the format that it is about. */
  readonly format: string;
  /** The IANA zone of its times that say none (rule 34). */
  readonly zone?: string;
  /** Where that differs from site to site: the zone of the site that a payload is from, by what it says of itself. Never throws. */
  zoneOf?(payload: never): string | undefined;
  /**
   * Looks at a path into what this sender sends. True: it is agreed on beyond the standard, which need not know it. Throws HubError
   * `config-invalid` for one that it has agreed not to send.
   */
  checkPath?(text: string): boolean;
  /** Defaults of a source's configuration, by the type of source. */
  readonly source: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Reads its bytes and puts right what it writes in its own way. Throws HubError `decode-failed`. */
  decode(raw: Uint8Array, meta: Meta): unknown;
  /** Reads its bytes, and no more: what a destination with `input: source` gets. Throws HubError `decode-failed`. */
  received(raw: Uint8Array, meta: Meta): unknown;
  /** What is wrong with a payload by what was agreed on with this sender. Never throws. */
  validate?(payload: never): readonly Finding[];
}

/** Stands for a profile of the channels folder until the channel is loaded. */
export interface ProfileName {
  readonly kind: 'profile-name';
  readonly name: string;
}
