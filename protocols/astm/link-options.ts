import { E1381_TEXT_BYTES, LIS01_TEXT_BYTES, type Packing } from './frame.ts';

/** The times of the link, in milliseconds (LIS01-A2 §6.5.2 and as analyzers keep them). */
export interface LinkTimes {
  /** Sender: how long to wait for the reply to ENQ or to a frame; then it sends EOT (§6.5.2). */
  readonly replyMs: number;
  /** Receiver: how long to wait for the next frame or EOT; then what came is incomplete (§6.5.2). */
  readonly frameMs: number;
  /** Sender: how long to wait after a NAK to ENQ (§6.2), and after a reply that never came. */
  readonly busyMs: number;
  /** Both sent ENQ: how long the instrument waits before it sends another (§6.2). */
  readonly instrumentContentionMs: number;
  /** Both sent ENQ: how long the host waits for the instrument's next one (§6.2). */
  readonly hostContentionMs: number;
  /** The receiver asked to interrupt: how long the sender leaves the line to it (§6.3.5). */
  readonly interruptMs: number;
  /**
   * After how much silence nothing more follows: it ends a frame without CR LF, makes ENQ and EOT inside of a frame
   * count, and has a garbled reply taken for a NAK. Must be longer than the way there and back.
   */
  readonly quietMs: number;
}

export interface LinkOptions {
  /** Who yields when both send ENQ at once: the host does (LIS01-A2 §6.2). */
  readonly role: 'instrument' | 'host';
  /**
   * What is a message: all up to the frame that ends with a terminator record L (`terminator`), or all up to any ETX
   * (`frame`), for analyzers whose texts are not LIS02-A2 records.
   */
  readonly messageEnd?: 'terminator' | 'frame';
  readonly checksum?: 'verify' | 'ignore';
  /** `ignore` takes frames whatever their number, unless one is the very frame before it: for analyzers that miscount. */
  readonly numbers?: 'verify' | 'ignore';
  /** The most text in a frame that is taken, in bytes; default 63,993 (LIS01-A2). */
  readonly receiveTextBytes?: number;
  /**
   * The most text in a frame that is sent, in bytes; default 240 (E1381-95). The time for the reply begins when the frame is
   * handed out: on a serial line a long frame uses it up before it is sent (64,000 bytes take 67 s at 9,600 baud).
   */
  readonly sendTextBytes?: number;
  readonly packing?: Packing;
  /** A longer message is refused frame by frame, and told as incomplete; default 1 MiB. */
  readonly maxMessageBytes?: number;
  /** How often ENQ or a frame is sent before giving up; default 6 (LIS01-A2 §6.5.1). */
  readonly attempts?: number;
  /**
   * What the sender does when the receiver asks to interrupt: ends the message and then leaves the line to it
   * (`finish`), or leaves at once and sends the whole message again afterwards (`yield`). §6.3.5 allows both.
   */
  readonly onInterrupt?: 'finish' | 'yield';
  readonly times?: Partial<LinkTimes>;
}

export type LinkSettings = Required<Omit<LinkOptions, 'times'>> & { readonly times: LinkTimes };

export function settingsOf(options: LinkOptions): LinkSettings {
  return {
    messageEnd: 'terminator',
    checksum: 'verify',
    numbers: 'verify',
    receiveTextBytes: LIS01_TEXT_BYTES,
    sendTextBytes: E1381_TEXT_BYTES,
    packing: 'record',
    maxMessageBytes: 1_048_576,
    attempts: 6,
    onInterrupt: 'finish',
    ...options,
    times: { ...TIMES, ...options.times },
  };
}

const TIMES: LinkTimes = {
  replyMs: 15_000,
  frameMs: 30_000,
  busyMs: 10_000,
  instrumentContentionMs: 1_000,
  hostContentionMs: 20_000,
  interruptMs: 15_000,
  quietMs: 1_000,
};
