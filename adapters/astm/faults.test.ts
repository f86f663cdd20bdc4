import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { linkKeys, linkOptions } from '../../clients/astm-link/config.ts';
import type { LinkDriver } from '../../clients/astm-link/driver.ts';
import { holdLink } from '../../clients/astm-link/shared-link.ts';
import { ACK, type Analyzer, ENQ, EOT, framesOf, NAK, numbered } from '../../clients/astm-link/testing/analyzer.ts';
import { HubError } from '../../core/errors.ts';
import { type FakeIntake, fakeIntake, positive } from '../../core/testing/fake-intake.ts';
import { arrived, hasty, receiving, texts } from './testing/receiving.ts';

const bytes = (...values: number[]) => Buffer.of(...values);
const order = 'H|\\^&|||WEIR\rP|1\rO|1|S77||^^^NA\rL|1|N\r';

/** As a destination of the same endpoint does it. */
async function sending(context: Parameters<typeof holdLink>[1]): Promise<LinkDriver> {
  const options = linkOptions(linkKeys.parse(hasty));
  const held = holdLink({ endpoint: 'in' }, context, options, { report: () => {}, failed: () => {} });
  const driver = await held.ready(5_000, new AbortController().signal);
  if (driver instanceof HubError) throw driver;
  return driver;
}

const send = (driver: LinkDriver) => driver.send(Buffer.from(order, 'latin1'), new AbortController().signal);

async function begun(analyzer: Analyzer): Promise<void> {
  analyzer.write(bytes(ENQ));
  expect(await analyzer.next()).toBe(ACK);
}

async function answered(analyzer: Analyzer, frame: string | Uint8Array): Promise<number> {
  analyzer.write(frame);
  return analyzer.next();
}

const first = framesOf(numbered(1));
const taking = (): FakeIntake => fakeIntake(() => positive);

describe('results, when the line is not as it should be', () => {
  it('duplicate frames: the same number and text again is acknowledged and stored once', async () => {
    const intake = taking();
    const analyzer = await (await receiving(intake)).connect();
    await begun(analyzer);
    for (const frame of first) {
      expect(await answered(analyzer, frame)).toBe(ACK);
      expect(await answered(analyzer, frame)).toBe(ACK);
    }
    analyzer.write(bytes(EOT));
    await pause(100);
    expect(texts(intake)).toEqual([numbered(1)]);
  });

  it('EOT in the middle of a message: what came is quarantined, and the next message is taken', async () => {
    const intake = taking();
    const { connect, context } = await receiving(intake);
    const analyzer = await connect();
    await begun(analyzer);
    for (const frame of first.slice(0, 3)) expect(await answered(analyzer, frame)).toBe(ACK);
    analyzer.write(bytes(EOT));
    expect(await analyzer.send(numbered(2))).toBe('ACK');
    await arrived(intake, 2);
    expect(texts(intake)).toEqual([`frame-malformed: ${numbered(1).split('R|')[0]}`, numbered(2)]);
    expect(context.counts.astm_incomplete_total).toBe(1);
  });

  it('lower-case checksum: is one', async () => {
    const intake = taking();
    const analyzer = await (await receiving(intake)).connect();
    await begun(analyzer);
    for (const frame of first) {
      const lower = Buffer.from(frame);
      lower.write(frame.toString('latin1', frame.length - 4, frame.length - 2).toLowerCase(), frame.length - 4);
      expect(await answered(analyzer, lower)).toBe(ACK);
    }
    expect(texts(intake)).toEqual([numbered(1)]);
  });

  it('one byte at a time: makes no difference', async () => {
    const intake = taking();
    const analyzer = await (await receiving(intake)).connect();
    await begun(analyzer);
    for (const frame of first) {
      for (const byte of frame) {
        analyzer.write(bytes(byte));
        await pause(1);
      }
      expect(await analyzer.next()).toBe(ACK);
    }
    expect(texts(intake)).toEqual([numbered(1)]);
  });

  it('half a frame, then silence: what came before is quarantined, and the line is free again', async () => {
    const intake = taking();
    const analyzer = await (await receiving(intake)).connect();
    await begun(analyzer);
    expect(await answered(analyzer, first[0]!)).toBe(ACK);
    analyzer.write(first[1]!.subarray(0, 5));
    await arrived(intake, 1);
    expect(texts(intake)[0]).toMatch(/^frame-malformed: H\|/);
    expect(analyzer.unread).toBe('');
    expect(await analyzer.send(numbered(2))).toBe('ACK');
  });

  it('device reboot: it connects anew while its old line still stands, with a clock of 1970', async () => {
    const intake = taking();
    const { connect } = await receiving(intake);
    const before = await connect();
    await begun(before);
    expect(await answered(before, first[0]!)).toBe(ACK);
    const after = await connect();
    const rebooted = numbered(1).replace('20260302091500', '19700101000012');
    expect(await after.send(rebooted)).toBe('ACK');
    await before.closed;
    expect(texts(intake)).toEqual([expect.stringMatching(/^frame-malformed: H\|/), rebooted]);
  });

  it('RST in the middle of a message: what came is quarantined, and it comes again whole', async () => {
    const intake = taking();
    const { connect } = await receiving(intake);
    const analyzer = await connect();
    await begun(analyzer);
    expect(await answered(analyzer, first[0]!)).toBe(ACK);
    (analyzer.stream as import('node:net').Socket).resetAndDestroy();
    await arrived(intake, 1);
    expect(await (await connect()).send(numbered(1))).toBe('ACK');
    expect(texts(intake)).toEqual([expect.stringMatching(/^frame-malformed: /), numbered(1)]);
  });

  it('bad checksum, wrong number: refused, and taken when they come right', async () => {
    const intake = taking();
    const { connect, context } = await receiving(intake);
    const analyzer = await connect();
    await begun(analyzer);
    const damaged = Buffer.from(first[0]!);
    damaged[4] = damaged[4]! ^ 1;
    expect(await answered(analyzer, damaged)).toBe(NAK);
    expect(await answered(analyzer, first[2]!)).toBe(NAK);
    for (const frame of first) expect(await answered(analyzer, frame)).toBe(ACK);
    expect(texts(intake)).toEqual([numbered(1)]);
    expect(context.counts.astm_faults_total).toBe(2);
  });

  it('garbage before, between and after frames: is passed over', async () => {
    const intake = taking();
    const analyzer = await (await receiving(intake)).connect();
    analyzer.write('\xff\xfe noise \r\n');
    await begun(analyzer);
    for (const frame of first)
      expect(await answered(analyzer, Buffer.concat([Buffer.from('~~\xff'), frame]))).toBe(ACK);
    analyzer.write('\x04\x80\x80??');
    expect(await analyzer.send(numbered(2))).toBe('ACK');
    expect(texts(intake)).toEqual([numbered(1), numbered(2)]);
  });

  it('a message that is too long: refused, its beginning kept', async () => {
    const intake = taking();
    const analyzer = await (await receiving(intake, { link: { maxMessageBytes: 60 } })).connect();
    expect(await analyzer.send(numbered(1))).toBe('NAK');
    await arrived(intake, 1);
    expect(texts(intake)[0]).toMatch(/^frame-oversized: H\|/);
  });

  it('ENQ and EOT without a message: a sign of life, and nothing else', async () => {
    const intake = taking();
    const analyzer = await (await receiving(intake)).connect();
    for (let round = 0; round < 3; round++) {
      await begun(analyzer);
      analyzer.write(bytes(EOT));
    }
    expect(await analyzer.send(numbered(1))).toBe('ACK');
    expect(texts(intake)).toEqual([numbered(1)]);
  });

  it('a storm of incomplete messages: a few are kept, all are counted', async () => {
    const intake = taking();
    const { connect, context } = await receiving(intake, { faultsPerMinute: 2 });
    const analyzer = await connect();
    for (let round = 0; round < 5; round++) {
      await begun(analyzer);
      expect(await answered(analyzer, first[0]!)).toBe(ACK);
      analyzer.write(bytes(EOT));
    }
    await vi.waitFor(() => expect(context.counts.astm_incomplete_total).toBe(5));
    expect(context.counts.astm_faults_unkept_total).toBe(3);
    expect(intake.arrivals).toHaveLength(2);
  });
});

describe('the last frame of a message', () => {
  it('is acknowledged after the message is durable, and not before', async () => {
    const intake = fakeIntake();
    const analyzer = await (await receiving(intake)).connect();
    await begun(analyzer);
    for (const frame of first.slice(0, -1)) expect(await answered(analyzer, frame)).toBe(ACK);
    analyzer.write(first.at(-1)!);
    await arrived(intake, 1);
    await pause(80);
    expect(analyzer.unread).toBe('');
    intake.answer(0, positive);
    expect(await analyzer.next()).toBe(ACK);
  });

  it('is refused where the store takes nothing; it comes again, and the message is stored once', async () => {
    const intake = taking();
    const { connect, context } = await receiving(intake, { link: { replyMs: 5_000 } });
    intake.refuseNext(new HubError('store-full', 'transient', 'storing a batch: the quota is used up'));
    const analyzer = await connect();
    await begun(analyzer);
    for (const frame of first.slice(0, -1)) expect(await answered(analyzer, frame)).toBe(ACK);
    expect(await answered(analyzer, first.at(-1)!)).toBe(NAK);
    expect(await answered(analyzer, first.at(-1)!)).toBe(ACK);
    expect(texts(intake)).toEqual([numbered(1)]);
    expect(context.counts.astm_refused_total).toBe(1);
  });

  it('is not acknowledged late, when its sender has gone: the message comes again, known by its dedupe key', async () => {
    const intake = fakeIntake();
    const { connect, context } = await receiving(intake);
    const analyzer = await connect();
    await begun(analyzer);
    for (const frame of first.slice(0, -1)) expect(await answered(analyzer, frame)).toBe(ACK);
    analyzer.write(Buffer.concat([first.at(-1)!, bytes(EOT)]));
    await arrived(intake, 1);
    await pause(250);
    intake.answer(0, positive);
    await vi.waitFor(() => expect(context.counts.astm_late_total).toBe(1));
    expect(analyzer.unread).toBe('');
    const again = analyzer.send(numbered(1));
    await arrived(intake, 2);
    intake.answer(1, positive);
    expect(await again).toBe('ACK');
    expect(intake.arrivals[0]!.dedupeKey).toMatch(/^lab-in {2}20260302091500 [0-9a-f]{32}$/);
    expect(intake.arrivals[1]!.dedupeKey).toBe(intake.arrivals[0]!.dedupeKey);
  });
});

describe('sending on the line that the source holds', () => {
  it('ENQ contention: the analyzer has its way, and what waits goes out after it', async () => {
    const intake = taking();
    const { connect, context } = await receiving(intake);
    const analyzer = await connect();
    const sent = send(await sending(context));
    expect(await analyzer.next()).toBe(ENQ);
    analyzer.write(bytes(ENQ));
    await pause(100);
    expect(await analyzer.send(numbered(1))).toBe('ACK');
    expect(await analyzer.take()).toBe(order);
    expect(await sent).toEqual({ status: 'sent' });
    expect(texts(intake)).toEqual([numbered(1)]);
  });

  it('NAK storm: a frame goes out six times, then EOT; results are taken all the same', async () => {
    const intake = taking();
    const { connect, context } = await receiving(intake);
    const analyzer = await connect();
    const sent = send(await sending(context));
    expect(await analyzer.next()).toBe(ENQ);
    analyzer.write(bytes(ACK));
    for (let attempt = 0; attempt < 6; attempt++) {
      expect(await analyzer.next()).toBe(2);
      expect(await analyzer.frame()).toMatch(/^1H/);
      analyzer.write(bytes(NAK));
    }
    expect(await analyzer.next()).toBe(EOT);
    expect(await sent).toEqual({ status: 'failed', reason: 'rejected', uncertain: false });
    expect(await analyzer.send(numbered(1))).toBe('ACK');
    expect(texts(intake)).toEqual([numbered(1)]);
  });

  it('NAK to every ENQ: it is busy, and nothing was sent', async () => {
    const { connect, context } = await receiving(taking());
    const analyzer = await connect();
    const sent = send(await sending(context));
    for (let attempt = 0; attempt < 6; attempt++) {
      expect(await analyzer.next()).toBe(ENQ);
      analyzer.write(bytes(NAK));
    }
    expect(await sent).toEqual({ status: 'failed', reason: 'busy', uncertain: false });
  });

  it('silence after the last frame: nobody knows whether it arrived, and the line is given up', async () => {
    const { connect, context } = await receiving(taking());
    const analyzer = await connect();
    const sent = send(await sending(context));
    expect(await analyzer.next()).toBe(ENQ);
    analyzer.write(bytes(ACK));
    for (let frame = 0; frame < 4; frame++) {
      expect(await analyzer.next()).toBe(2);
      await analyzer.frame();
      if (frame < 3) analyzer.write(bytes(ACK));
    }
    expect(await sent).toEqual({ status: 'failed', reason: 'no-reply', uncertain: true });
    await analyzer.closed;
  });
});
