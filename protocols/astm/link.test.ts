// Over 350 lines: the rules of the link, side by side on one pair of ends.
import { describe, expect, it } from 'vitest';
import { encodeFrame } from './frame.ts';
import { AstmLink } from './link.ts';
import type { LinkOptions } from './link-options.ts';
import type { LinkOutput } from './link-output.ts';

const ENQ = '\x05';
const ACK = '\x06';
const NAK = '\x15';
const EOT = '\x04';
const bytes = (text: string) => Buffer.from(text, 'latin1');
const frame = (number: number, text: string, last = true) => encodeFrame(number, bytes(text), last).toString('latin1');
const message = ['H|\\^&\r', 'P|1\r', 'L|1|N\r'] as const;

function shown(outputs: readonly LinkOutput[]): string[] {
  return outputs.map((output) => {
    switch (output.kind) {
      case 'write':
        return output.bytes.toString('latin1');
      case 'message':
        return `message(${output.content.toString('latin1')})`;
      case 'incomplete':
        return `${output.code}(${output.content.toString('latin1')})`;
      case 'fault':
        return output.code;
      case 'sent':
        return 'sent';
      case 'failed':
        return output.uncertain ? `failed: ${output.reason}, uncertain` : `failed: ${output.reason}`;
      default:
        return output satisfies never;
    }
  });
}

/** A link and the far end of its line: what goes in is text, what comes out too. */
function line(options: Partial<LinkOptions> = {}) {
  const link = new AstmLink({ role: 'host', ...options });
  let now = 0;
  return {
    link,
    gets: (text: string) => shown(link.receive(bytes(text), now)),
    wait: (ms: number) => {
      now += ms;
      return shown(link.tick(now));
    },
    sends: (content: string) => shown(link.send(bytes(content), now)),
    accepts: () => shown(link.accept(now)),
    refuses: () => shown(link.refuse(now)),
    waits: () => (link.deadline === undefined ? undefined : link.deadline - now),
  };
}

describe('a link that receives', () => {
  it('takes a message frame by frame, and acknowledges its last when it is durable', () => {
    const { link, gets, accepts } = line();
    expect(gets(ENQ)).toEqual([ACK]);
    expect(gets(frame(1, message[0]))).toEqual([ACK]);
    expect(gets(frame(2, message[1]))).toEqual([ACK]);
    expect(gets(frame(3, message[2]))).toEqual([`message(${message.join('')})`]);
    expect(link.deciding).toBe(true);
    expect(accepts()).toEqual([ACK]);
    expect(gets(EOT)).toEqual([]);
    expect(link.neutral).toBe(true);
  });

  it('has the vector of the standard for a checksum', () => {
    expect(frame(1, 'H|\\^&\r')).toBe('\x021H|\\^&\r\x03E5\r\n');
  });

  it('takes a checksum in small letters, and one that is not asked for', () => {
    expect(line().gets(`${ENQ}\x021H|\\^&\r\x03e5\r\n`)).toEqual([ACK, ACK]);
    expect(line().gets(`${ENQ}\x021H|\\^&\r\x0300\r\n`)).toEqual([ACK, 'astm.bad-checksum', NAK]);
    expect(line({ checksum: 'ignore' }).gets(`${ENQ}\x021H|\\^&\r\x0300\r\n`)).toEqual([ACK, ACK]);
    expect(line({ checksum: 'ignore' }).gets(`${ENQ}\x021H|\\^&\r\x03\r\n`)).toEqual([ACK, ACK]);
  });

  it('takes a whole message in one frame, and two messages in one transmission', () => {
    const whole = message.join('');
    const { gets, accepts } = line();
    expect(gets(ENQ + frame(1, whole))).toEqual([ACK, `message(${whole})`]);
    expect(accepts()).toEqual([ACK]);
    expect(gets(frame(2, whole))).toEqual([`message(${whole})`]);
    expect(accepts()).toEqual([ACK]);
    expect(gets(EOT)).toEqual([]);
  });

  it('joins a record that ETB cut, even inside of the terminator, and counts from 7 to 0', () => {
    const { gets, accepts } = line();
    gets(ENQ);
    for (let number = 1; number <= 9; number++) expect(gets(frame(number, `${number}`, false))).toEqual([ACK]);
    expect(gets(frame(10, '\r'))).toEqual([ACK]);
    expect(gets(frame(11, 'L', false))).toEqual([ACK]);
    expect(gets(frame(12, '|1|N\r'))).toEqual(['message(123456789\rL|1|N\r)']);
    expect(accepts()).toEqual([ACK]);
  });

  it('does not take a record for the terminator that only begins like one, or is cut', () => {
    expect(line().gets(ENQ + frame(1, 'LIS|1\r'))).toEqual([ACK, ACK]);
    expect(line().gets(ENQ + frame(1, 'C|1|I|L', false))).toEqual([ACK, ACK]);
    expect(line().gets(ENQ + frame(1, 'L|1|N\r', false))).toEqual([ACK, ACK]);
  });

  it('puts the CR between two records whose frames left it out', () => {
    const { gets } = line();
    expect(gets(ENQ + frame(1, 'H|\\^&') + frame(2, 'L|1|N'))).toEqual([ACK, ACK, 'message(H|\\^&\rL|1|N)']);
  });

  it('acknowledges a frame that comes twice, and keeps it once', () => {
    const { gets, accepts } = line();
    gets(ENQ);
    expect(gets(frame(1, message[0]))).toEqual([ACK]);
    expect(gets(frame(1, message[0]))).toEqual([ACK]);
    expect(gets(frame(2, message[2]))).toEqual([`message(${message[0]}${message[2]})`]);
    expect(accepts()).toEqual([ACK]);
    expect(gets(frame(2, message[2]))).toEqual([ACK]);
  });

  it('does not take another text under the same number for a repetition', () => {
    const { gets } = line();
    gets(ENQ + frame(1, message[0]));
    expect(gets(frame(1, message[1]))).toEqual(['astm.bad-number', NAK]);
    const lenient = line({ numbers: 'ignore' });
    expect(lenient.gets(ENQ + frame(1, message[0]) + frame(1, message[0]) + frame(1, message[1]))).toEqual([
      ACK,
      ACK,
      ACK,
      ACK,
    ]);
    expect(lenient.gets(frame(5, message[2]))).toEqual([`message(${message.join('')})`]);
  });

  it.each([
    ['a wrong number', frame(2, 'H\r'), 'astm.bad-number'],
    ['a number that is none', '\x029H\r\x0300\r\n', 'astm.bad-number'],
    ['a wrong checksum', '\x021H\r\x0300\r\n', 'astm.bad-checksum'],
    ['no checksum', '\x021H\r\x03\r\n', 'astm.bad-checksum'],
    ['ENQ inside', frame(1, 'H\x05\r'), 'astm.reserved-byte'],
    ['EOT inside', frame(1, 'H\x04\r'), 'astm.reserved-byte'],
    ['no start', frame(1, 'H|1\r').slice(1), 'astm.stray-bytes'],
    ['too much text', frame(1, 'H'.repeat(101)), 'astm.oversize'],
    ['no text and no number', '\x02\x0303\r\n', 'astm.bad-number'],
  ])('refuses a frame with %s once, and takes it when it comes well', (_, broken, code) => {
    const { gets } = line({ receiveTextBytes: 100 });
    gets(ENQ);
    expect(gets(broken)).toEqual([code, NAK]);
    expect(gets(frame(1, 'H\r'))).toEqual([ACK]);
  });

  it('passes over garbage between frames without a word, and counts it', () => {
    const { link, gets, accepts } = line();
    expect(gets(`xx${ENQ}`)).toEqual([ACK]);
    expect(gets(`abc\x03\x03z${frame(1, message[0])}garbage${frame(2, message[2])}`)).toEqual([
      ACK,
      `message(${message[0]}${message[2]})`,
    ]);
    expect(accepts()).toEqual([ACK]);
    expect(link.stray).toBe(15);
  });

  it('answers no noise that ends like a frame but for its CR', () => {
    const { gets, wait } = line();
    gets(ENQ);
    expect(gets('noise\x0345')).toEqual([]);
    expect(wait(5_000)).toEqual([]);
    expect(gets(frame(1, message[0]))).toEqual([ACK]);
  });

  it('goes on with a frame that begins inside of another', () => {
    expect(line().gets(`${ENQ}\x021H|half${frame(1, 'H\r')}`)).toEqual([ACK, 'astm.unended-frame', ACK]);
  });

  it('has ENQ and EOT inside of a frame count when the line falls silent behind them', () => {
    const { link, gets, wait, waits } = line();
    gets(`${ENQ}${frame(1, message[0])}\x022P|ha`);
    expect(gets(`${EOT}${ENQ}`)).toEqual([]);
    expect(waits()).toBe(1_000);
    expect(wait(1_000)).toEqual(['astm.unended-frame', `astm.incomplete(${message[0]})`, ACK]);
    expect(gets('\x021H')).toEqual([]);
    gets(EOT);
    expect(wait(1_000)).toEqual(['astm.unended-frame']);
    expect(link.neutral).toBe(true);
  });

  it('begins anew at an ENQ between two frames that silence follows, and takes it for noise otherwise', () => {
    const noise = line();
    noise.gets(ENQ + frame(1, message[0]));
    expect(noise.gets(ENQ + frame(2, message[1]))).toEqual([ACK]);
    const restarted = line();
    restarted.gets(ENQ + frame(1, message[0]) + ENQ);
    expect(restarted.wait(1_000)).toEqual([`astm.incomplete(${message[0]})`, ACK]);
    expect(restarted.gets(frame(1, message[2]))).toEqual([`message(${message[2]})`]);
  });

  it('takes a frame without CR LF when the line falls silent', () => {
    const { gets, wait } = line();
    gets(ENQ);
    expect(gets('\x021H|\\^&\r\x03E5\r')).toEqual([]);
    expect(wait(1_000)).toEqual([ACK]);
    expect(gets(frame(2, 'P|1\r').slice(0, -2))).toEqual([]);
    expect(wait(1_000)).toEqual([ACK]);
  });

  it.each([
    '\x04\n',
    '\r\x04',
    '\x05\n',
    '\r\x05',
    'xx',
    '\n',
  ])('takes no corrupt end of a frame, %j, for more', (end) => {
    const { gets, wait, accepts } = line();
    expect(gets(ENQ + frame(1, message[0]).slice(0, -2) + end)).toEqual([ACK, ACK]);
    expect(gets(frame(2, message[2]))).toEqual([`message(${message[0]}${message[2]})`]);
    accepts();
    expect(wait(2_000)).toEqual([]);
  });

  it('tells what came before EOT without a terminator as incomplete', () => {
    const { gets } = line();
    expect(gets(`${ENQ}${frame(1, message[0])}${EOT}`)).toEqual([ACK, ACK, `astm.incomplete(${message[0]})`]);
    expect(gets(`${ENQ}${EOT}${ENQ}`)).toEqual([ACK, ACK]);
  });

  it('gives each ETX as a message where that is asked for', () => {
    const { gets, accepts } = line({ messageEnd: 'frame' });
    expect(gets(`${ENQ}${frame(1, 'mtrsl|pi|', false)}${frame(2, 'ci1')}`)).toEqual([
      ACK,
      ACK,
      'message(mtrsl|pi|ci1)',
    ]);
    expect(accepts()).toEqual([ACK]);
  });

  it('waits 30 s for a frame, as long as none is coming in', () => {
    const { link, gets, wait } = line();
    gets(ENQ + frame(1, message[0]));
    expect(wait(29_999)).toEqual([]);
    gets('\x022P|');
    expect(wait(29_999)).toEqual([]);
    expect(wait(1)).toEqual(['astm.unended-frame', `astm.incomplete(${message[0]})`]);
    expect(link.deadline).toBeUndefined();
  });

  it('does not wait for garbage without end', () => {
    const { link, gets, wait } = line({ receiveTextBytes: 100 });
    gets(`${ENQ}\x021${'x'.repeat(200)}`);
    for (let n = 0; n < 3; n++) {
      expect(wait(9_000)).toEqual([]);
      gets('x'.repeat(50));
    }
    expect(wait(9_000)).toEqual(['astm.unended-frame']);
    expect(link.neutral).toBe(true);
  });

  it('tells a message again whose last frame comes again after it was refused', () => {
    const { gets, refuses, accepts } = line();
    gets(ENQ + frame(1, message[0]));
    const told = [`message(${message[0]}${message[2]})`];
    expect(gets(frame(2, message[2]))).toEqual(told);
    expect(refuses()).toEqual([NAK]);
    expect(gets(frame(2, message[2]))).toEqual(told);
    expect(accepts()).toEqual([ACK]);
    expect(gets(EOT)).toEqual([]);
  });

  it('gives a sender that left before the decision no answer, and NAK while it is open', () => {
    const { link, gets, accepts, sends } = line();
    gets(ENQ + frame(1, message[2]));
    expect(gets(frame(1, message[2]))).toEqual([]);
    expect(gets(EOT)).toEqual([]);
    expect(gets(ENQ)).toEqual([NAK]);
    expect(sends('H\r')).toEqual([ENQ]);
    expect(accepts()).toEqual(['astm.late-decision']);
    expect(link.deciding).toBe(false);
  });

  it('refuses a message that is too long, tells its beginning once, and takes the next', () => {
    const { gets } = line({ maxMessageBytes: 20 });
    expect(gets(ENQ + frame(1, 'H234567890\r') + frame(2, 'P234567890\r'))).toEqual([
      ACK,
      ACK,
      'astm.oversize(H234567890\r)',
      NAK,
    ]);
    expect(gets(frame(2, 'P234567890\r'))).toEqual([NAK]);
    expect(gets(EOT + ENQ + frame(1, message[2]))).toEqual([ACK, `message(${message[2]})`]);
  });

  it('answers ENQ by NAK while it is not ready', () => {
    const { link, gets } = line();
    link.setReady(false);
    expect(gets(ENQ)).toEqual([NAK]);
    link.setReady(true);
    expect(gets(ENQ)).toEqual([ACK]);
  });

  it('asks for the line by EOT in place of one acknowledgement', () => {
    const { link, gets } = line();
    gets(ENQ);
    link.interrupt();
    expect(gets(frame(1, message[0]))).toEqual([EOT]);
    expect(gets(frame(2, message[1]))).toEqual([ACK]);
  });
});

describe('a link that sends', () => {
  const content = message.join('');
  const frames = message.map((text, at) => frame(at + 1, text));

  it('sends each record in a frame of its own', () => {
    const { link, gets, sends } = line();
    expect(sends(content)).toEqual([ENQ]);
    expect(() => link.send(bytes(content), 0)).toThrow(expect.objectContaining({ code: 'astm.bad-wish' }));
    expect(gets(ACK)).toEqual([frames[0]]);
    expect(gets(ACK)).toEqual([frames[1]]);
    expect(gets(ACK)).toEqual([frames[2]]);
    expect(gets(ACK)).toEqual([EOT, 'sent']);
    expect(link.sending).toBe(false);
  });

  it('cuts at 240 bytes, or at what is asked for', () => {
    const record = `C|1|${'x'.repeat(296)}\r`;
    const { gets, sends } = line();
    sends(`${record}L|1\r`);
    expect(gets(ACK)).toEqual([frame(1, record.slice(0, 240), false)]);
    expect(gets(ACK)).toEqual([frame(2, record.slice(240))]);
    expect(gets(ACK)).toEqual([frame(3, 'L|1\r')]);
    const packed = line({ packing: 'message', sendTextBytes: 63_993 });
    packed.sends(`${record}L|1\r`);
    expect(packed.gets(ACK)).toEqual([frame(1, `${record}L|1\r`)]);
  });

  it('sends a frame again at NAK, six times in all, then EOT', () => {
    const { gets, sends } = line();
    sends(content);
    gets(ACK);
    for (let n = 0; n < 5; n++) expect(gets(NAK)).toEqual([frames[0]]);
    expect(gets(NAK)).toEqual([EOT, 'failed: rejected']);
  });

  it('counts the attempts of each frame anew', () => {
    const { gets, sends } = line();
    sends(content);
    gets(ACK);
    for (let n = 0; n < 5; n++) gets(NAK);
    expect(gets(ACK)).toEqual([frames[1]]);
    for (let n = 0; n < 5; n++) expect(gets(NAK)).toEqual([frames[1]]);
    expect(gets(ACK)).toEqual([frames[2]]);
  });

  it('waits 15 s for a reply, then says EOT, and for 10 s nothing', () => {
    const { gets, sends, wait } = line();
    sends(content);
    expect(wait(14_999)).toEqual([]);
    expect(wait(1)).toEqual([EOT, 'failed: no-reply']);
    expect(sends(content)).toEqual([]);
    expect(gets(ACK)).toEqual([]);
    expect(wait(9_999)).toEqual([]);
    expect(wait(1)).toEqual([ENQ]);
  });

  it('says that a message may have arrived whose last frame has no answer', () => {
    const { gets, sends, wait } = line();
    sends(content);
    for (let n = 0; n < 3; n++) gets(ACK);
    expect(wait(15_000)).toEqual([EOT, 'failed: no-reply, uncertain']);
  });

  it('waits 10 s after a NAK to ENQ, and asks six times', () => {
    const { gets, sends, wait } = line();
    sends(content);
    for (let n = 0; n < 5; n++) {
      expect(gets(NAK)).toEqual([]);
      expect(wait(9_999)).toEqual([]);
      expect(wait(1)).toEqual([ENQ]);
    }
    expect(gets(NAK)).toEqual(['failed: busy']);
  });

  it('as the host leaves the line to the instrument when both ask, for 20 s', () => {
    const { gets, sends, wait } = line({ role: 'host' });
    sends(content);
    expect(gets(ENQ)).toEqual([]);
    expect(wait(1_000)).toEqual([]);
    expect(gets(ENQ)).toEqual([ACK]);
    expect(gets(EOT)).toEqual([ENQ]);
    expect(gets(ENQ)).toEqual([]);
    expect(wait(19_999)).toEqual([]);
    expect(wait(1)).toEqual([ENQ]);
  });

  it('as the instrument asks again after 1 s when both ask', () => {
    const { gets, sends, wait } = line({ role: 'instrument' });
    sends(content);
    expect(gets(ENQ)).toEqual([]);
    expect(wait(999)).toEqual([]);
    expect(wait(1)).toEqual([ENQ]);
  });

  it('gives up when two instruments ask for ever', () => {
    const { gets, sends, wait } = line({ role: 'instrument' });
    sends(content);
    for (let n = 0; n < 5; n++) {
      gets(ENQ);
      expect(wait(1_000)).toEqual([ENQ]);
    }
    expect(gets(ENQ)).toEqual(['failed: contention']);
  });

  it('ends its message when the receiver interrupts, and leaves the line to it for 15 s', () => {
    const { gets, sends, wait } = line();
    sends(content);
    gets(ACK);
    expect(gets(EOT)).toEqual([frames[1]]);
    gets(ACK);
    expect(gets(ACK)).toEqual([EOT, 'sent']);
    expect(sends(content)).toEqual([]);
    expect(wait(14_999)).toEqual([]);
    expect(wait(1)).toEqual([ENQ]);
  });

  it('leaves at once where that is asked for, and sends all of it after the other side', () => {
    const { gets, sends, accepts } = line({ onInterrupt: 'yield' });
    sends(content);
    gets(ACK);
    expect(gets(EOT)).toEqual([EOT]);
    expect(gets(ENQ + frame(1, message[2]))).toEqual([ACK, `message(${message[2]})`]);
    expect(accepts()).toEqual([ACK]);
    expect(gets(EOT)).toEqual([ENQ]);
    expect(gets(ACK)).toEqual([frames[0]]);
  });

  it('takes the reply behind noise, and the noise alone for a NAK once it is quiet', () => {
    const { gets, sends, wait } = line();
    sends(content);
    gets(ACK);
    expect(gets('zz')).toEqual([]);
    expect(gets(ACK)).toEqual([frames[1]]);
    gets('z');
    expect(wait(999)).toEqual([]);
    expect(wait(1)).toEqual([frames[1]]);
  });

  it('breaks off when a frame is answered by ENQ', () => {
    const { gets, sends } = line();
    sends(content);
    gets(ACK);
    expect(gets(ENQ)).toEqual([EOT, 'failed: contention']);
    expect(gets(EOT)).toEqual([]);
  });

  it('takes no second reply of one chunk for an answer to the next frame', () => {
    const { gets, sends } = line();
    sends(content);
    gets(ACK);
    expect(gets(ACK + ACK + ACK)).toEqual([frames[1]]);
  });

  it('waits until the line is neutral', () => {
    const { gets, sends, accepts } = line();
    gets(ENQ + frame(1, message[2]));
    expect(sends(content)).toEqual([]);
    accepts();
    expect(gets(EOT)).toEqual([ENQ]);
  });

  it('refuses what it cannot frame', () => {
    const { link } = line();
    expect(() => link.send(bytes('H|\\^&\r\nP|1\r'), 0)).toThrow(
      expect.objectContaining({ code: 'astm.reserved-byte', offset: 6 }),
    );
    expect(() => link.send(Buffer.alloc(0), 0)).toThrow(expect.objectContaining({ code: 'astm.bad-wish' }));
    expect(() => link.accept(0)).toThrow(expect.objectContaining({ code: 'astm.bad-wish' }));
    expect(link.sending).toBe(false);
  });

  it('tells how both directions ended when the line did', () => {
    const sending = line();
    sending.sends(content);
    expect(shown(sending.link.end())).toEqual(['failed: closed']);
    const receiving = line();
    receiving.gets(ENQ + frame(1, message[0]));
    receiving.sends(content);
    expect(shown(receiving.link.end())).toEqual([`astm.incomplete(${message[0]})`, 'failed: closed']);
    expect(receiving.gets(ENQ)).toEqual([ACK]);
  });
});
