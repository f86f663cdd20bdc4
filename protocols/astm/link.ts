import { ProtocolFault } from '../fault.ts';
import { ACK, ENQ, EOT, NAK } from './control.ts';
import { type LinkOptions, type LinkSettings, settingsOf } from './link-options.ts';
import type { LinkOutput } from './link-output.ts';
import { Receiver } from './receiver.ts';
import { Sender } from './sender.ts';

/**
 * One end of a LIS01-A2 link (E1381), as a state machine without I/O and without a clock: bytes, wishes and the time go
 * in, outputs come out. Time is in milliseconds on any clock that never goes back. `deadline` says when `tick` must be
 * called next; calling it earlier or more often does no harm.
 *
 * A sender and a receiver take turns on the line: neutral, then either sends ENQ (§6.2). An acknowledgement carries no
 * frame number, so nothing is ever answered twice and no answer is sent that nobody asked for. Over TCP the connection
 * should be closed after a failure `no-reply`: a late answer would be taken for the next one.
 *
 * Held at most: one message coming in (`maxMessageBytes`), two frames, and one message to send.
 */
export class AstmLink {
  readonly #settings: LinkSettings;
  readonly #sender: Sender;
  readonly #receiver: Receiver;
  #ready = true;

  constructor(options: LinkOptions) {
    this.#settings = settingsOf(options);
    this.#sender = new Sender(this.#settings);
    this.#receiver = new Receiver(this.#settings);
  }

  /** Whether a message is being sent or waits for its turn; `send` takes no other then. */
  get sending(): boolean {
    return this.#sender.pending;
  }

  /** Whether a message waits for `accept` or `refuse`. */
  get deciding(): boolean {
    return this.#receiver.deciding;
  }

  /** Whether neither side has the line. */
  get neutral(): boolean {
    return !this.#sender.active && !this.#receiver.active;
  }

  /** Bytes so far that belong to no frame and say nothing. */
  get stray(): number {
    return this.#receiver.stray;
  }

  /** When `tick` is due; undefined when nothing is waited for. */
  get deadline(): number | undefined {
    if (this.#sender.active) return this.#sender.deadline;
    if (this.#receiver.active) return this.#receiver.deadline;
    return this.#sender.deadline;
  }

  /** What came in, cut anyhow. */
  receive(chunk: Buffer, now: number): LinkOutput[] {
    const out = this.tick(now);
    let at = 0;
    while (at < chunk.length) {
      at = this.#sender.active ? this.#sender.reply(chunk, at, now, out) : this.#listen(chunk, at, now, out);
    }
    this.#begin(now, out);
    return out;
  }

  /** Lets the time pass: what was due by `now` happens. */
  tick(now: number): LinkOutput[] {
    const out: LinkOutput[] = [];
    if (this.#sender.active) this.#sender.tick(now, out);
    else if (this.#receiver.active) {
      if (this.#receiver.tick(now, out)) this.#enquired(now, out);
    }
    this.#begin(now, out);
    return out;
  }

  /**
   * Sends a message as soon as the line is neutral; `sent` or `failed` tells how it ended.
   * @param content LIS02-A2 records, each ended by CR; not to be changed before the end is told
   * @throws ProtocolFault astm.bad-wish while another is `sending` or when there is nothing in it; astm.reserved-byte
   */
  send(content: Uint8Array, now: number): LinkOutput[] {
    if (this.#sender.pending) throw badWish('sending a message: another is under way');
    if (content.length === 0) throw badWish('sending a message: it is empty');
    this.#sender.take(content);
    return this.tick(now);
  }

  /**
   * Acknowledges the message that waits, which is durable now.
   * @throws ProtocolFault astm.bad-wish when none waits
   */
  accept(now: number): LinkOutput[] {
    return this.#decide(now, true);
  }

  /**
   * Refuses the message that waits: its sender repeats the last frame, and the message is told again.
   * @throws ProtocolFault astm.bad-wish when none waits
   */
  refuse(now: number): LinkOutput[] {
    return this.#decide(now, false);
  }

  /**
   * Asks the side that is sending for the line: the next frame taken is answered by EOT in place of ACK (§6.3.5). The
   * sender may ignore it. If it does leave, what came of its message is told as incomplete, and comes again whole.
   */
  interrupt(): void {
    this.#receiver.interrupt();
  }

  /** Whether transmissions are taken. While not, ENQ is answered by NAK: the other side tries again after 10 s (§6.2). */
  setReady(ready: boolean): void {
    this.#ready = ready;
  }

  /** The line has ended: what was under way failed or is incomplete. The link may be used for the next line. */
  end(): LinkOutput[] {
    const out: LinkOutput[] = [];
    this.#receiver.end(out);
    this.#sender.end(out);
    return out;
  }

  #decide(now: number, accepted: boolean): LinkOutput[] {
    if (!this.#receiver.deciding) throw badWish('deciding on a message: none waits');
    const out: LinkOutput[] = [];
    this.#receiver.decide(accepted, now, out);
    this.#begin(now, out);
    return out;
  }

  #listen(chunk: Buffer, at: number, now: number, out: LinkOutput[]): number {
    if (this.#receiver.active) return this.#receiver.read(chunk, at, now, out);
    // Neutral: nothing counts but ENQ (§6.2).
    if (chunk[at] === ENQ) this.#enquired(now, out);
    else if (chunk[at] !== EOT && chunk[at] !== ACK && chunk[at] !== NAK) this.#receiver.pass();
    return at + 1;
  }

  /** The other side wants the line. */
  #enquired(now: number, out: LinkOutput[]): void {
    if (!this.#ready || this.#receiver.deciding) {
      out.push({ kind: 'write', bytes: Buffer.of(NAK) });
      return;
    }
    this.#sender.yielded();
    this.#receiver.begin(now, out);
  }

  #begin(now: number, out: LinkOutput[]): void {
    if (this.neutral) this.#sender.begin(now, out);
  }
}

function badWish(message: string): ProtocolFault {
  return new ProtocolFault('astm.bad-wish', message);
}
