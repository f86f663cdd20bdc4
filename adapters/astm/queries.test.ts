import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Analyzer, numbered } from '../../clients/astm-link/testing/analyzer.ts';
import { astm as astmOut } from '../../connectors/astm/astm.ts';
import { astm as format } from '../../contracts/astm.ts';
import { noMeta } from '../../core/format.ts';
import { fakeDestinationContext } from '../../core/testing/contexts.ts';
import { outcomesOf } from '../../core/testing/destination-suite.ts';
import { fakeIntake, negative, positive } from '../../core/testing/fake-intake.ts';
import { outgoing } from '../../core/testing/outgoing.ts';
import { receiving } from './testing/receiving.ts';

const question = (specimen: string) => `H|\\^&|||COAG^1||||||||LIS2-A2|20260302091500\rQ|1|^${specimen}||ALL\rL|1|N\r`;
const order = (specimen: string, tests: string, action = '') =>
  `H|\\^&|||LIS\rP|1||P-${specimen}||Doe^Jane\rO|1|${specimen}||${tests}|R||||||${action}\rL|1|N\r`;

/** Without the header, whose time is now. */
const records = (message: string) => message.slice(message.indexOf('\r') + 1);

describe('a query', () => {
  function worklist() {
    const directory = mkdtempSync(join(tmpdir(), 'weir-worklist-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const endpoints = { orders: { kind: 'directory', path: directory } } as const;
    const destination = astmOut({ worklist: 'orders' }).create(fakeDestinationContext({ endpoints }));
    let number = 0;
    const put = async (text: string) => {
      const bytes = Buffer.from(text);
      const [outcome] = await outcomesOf(destination, [
        outgoing({ number: number++, payload: format.decode(bytes, noMeta), bytes }),
      ]);
      return outcome!;
    };
    return { directory, endpoints, put };
  }

  async function asked(analyzer: Analyzer, specimen: string): Promise<string> {
    expect(await analyzer.send(question(specimen))).toBe('ACK');
    return analyzer.take();
  }

  it('is answered with the orders of the worklist, which outlive the hub and tell nobody the specimen', async () => {
    const { directory, endpoints, put } = worklist();
    expect(await put(order('S1', '^^^PT\\^^^APTT'))).toEqual({ status: 'sent' });
    expect(await put(order('S2', '^^^PT'))).toEqual({ status: 'sent' });
    expect(readdirSync(directory).filter((name) => name.includes('S1'))).toEqual([]);
    const source = await receiving(
      fakeIntake(() => positive),
      { queries: 'worklist', worklist: 'orders' },
      { endpoints },
    );
    const analyzer = await source.connect();
    const answer = await asked(analyzer, 'S1');
    expect(answer).toMatch(/^H\|\\\^&\|\|\|WEIR\|+COAG\^1\|\|P\|LIS2-A2\|\d{14}\r/);
    expect(records(answer)).toBe('P|1||P-S1||Doe^Jane\rO|1|S1||^^^PT\\^^^APTT|R||||||||||||||||||||Q\rL|1|F\r');
    expect(await asked(analyzer, 'S9')).toMatch(/\rL\|1\|I\r$/);
    // S1 it has been given.
    expect((await asked(analyzer, 'ALL')).match(/\rO\|/g)).toHaveLength(1);
    expect(source.context.counts).toMatchObject({ astm_answers_total: 3, astm_messages_total: 3 });
  });

  it('sees a later order in place of the first, one that is added beside it, and none that was cancelled', async () => {
    const { endpoints, put } = worklist();
    const source = await receiving(
      fakeIntake(() => positive),
      { queries: 'worklist', worklist: 'orders' },
      { endpoints },
    );
    const analyzer = await source.connect();
    const tests = async () => (await asked(analyzer, 'S1')).match(/\^\^\^\w+/g) ?? [];
    await put(order('S1', '^^^PT'));
    await put(order('S1', '^^^APTT', 'N'));
    expect(await tests()).toEqual(['^^^APTT']);
    await put(order('S1', '^^^FIB', 'A'));
    expect(await tests()).toEqual(['^^^APTT', '^^^FIB']);
    await put(order('S1', '^^^APTT', 'C'));
    expect(await tests()).toEqual(['^^^FIB']);
    await put(order('S1', '', 'C'));
    expect(await tests()).toEqual([]);
  });

  it('gives what was given again only to who names the specimen, or where any query is to have it', async () => {
    const { endpoints, put } = worklist();
    const answeredBy = async (giveAgain: boolean) => {
      const config = { queries: 'worklist', worklist: 'orders', giveAgain } as const;
      const source = await receiving(
        fakeIntake(() => positive),
        config,
        { endpoints },
      );
      const analyzer = await source.connect();
      return async (specimen: string) => {
        const answer = await asked(analyzer, specimen);
        return [...answer.matchAll(/\rO\|\d\|(\w+)\|\|\^\^\^(\w+)/g)].map(([, id, test]) => `${id} ${test}`).sort();
      };
    };
    const once = await answeredBy(false);
    await put(order('S1', '^^^PT'));
    await put(order('S2', '^^^PT'));
    expect(await once('ALL')).toEqual(['S1 PT', 'S2 PT']);
    expect(await once('ALL')).toEqual([]);
    expect(await once('S1')).toEqual(['S1 PT']);
    // What is ordered beside it, or in its place, was not given yet.
    await put(order('S1', '^^^FIB', 'A'));
    await put(order('S2', '^^^APTT'));
    expect(await once('ALL')).toEqual(['S1 FIB', 'S2 APTT']);
    expect(await once('S1')).toEqual(['S1 FIB', 'S1 PT']);
    await put(order('S1', '^^^PT', 'C'));
    expect(await once('S1')).toEqual(['S1 FIB']);
    expect(await (await answeredBy(true))('ALL')).toEqual(['S1 FIB', 'S2 APTT']);
  });

  it('orders that name no specimen are an error of their message', async () => {
    const { put } = worklist();
    expect(await put(order('', '^^^PT'))).toMatchObject({ status: 'error', error: { kind: 'permanent' } });
    expect(await put(numbered('').replace(/O.*\r/, ''))).toMatchObject({
      status: 'error',
      error: { kind: 'permanent' },
    });
  });

  const reply = Buffer.from('H|\\^&|||LIS\rP|1\rO|1|S1||^^^PT\rL|1|F\r');

  it('is acknowledged when it is stored, and answered with what the destination of replyFrom said', async () => {
    const intake = fakeIntake();
    const analyzer = await (await receiving(intake, { queries: 'reply' }, {})).connect();
    const acknowledged = analyzer.send(question('S1'));
    await expect.poll(() => intake.arrivals.length).toBe(1);
    intake.answer(0, positive, 'stored');
    expect(await acknowledged).toBe('ACK');
    expect(intake.arrivals[0]!.meta).toMatchObject({ 'astm.query': 'true' });
    intake.answer(0, { ...positive, reply });
    expect(await analyzer.take()).toBe(reply.toString());
  });

  it.each([
    ['nothing', positive, 'I'],
    ['an error', negative, 'Q'],
    ['what is no message', { ...positive, reply: Buffer.from('503') }, 'Q'],
  ] as const)('the destination said %s: the analyzer is told that there is no answer', async (_, receipt, code) => {
    const intake = fakeIntake(() => receipt);
    const analyzer = await (await receiving(intake, { queries: 'reply' })).connect();
    expect(await asked(analyzer, 'S1')).toMatch(new RegExp(`\\rL\\|1\\|${code}\\r$`));
  });

  it('gets an answer within its time though the destination has none yet', async () => {
    const intake = fakeIntake();
    const source = await receiving(intake, { queries: 'reply', answerWithinMs: 200 });
    const analyzer = await source.connect();
    const acknowledged = analyzer.send(question('S1'));
    await expect.poll(() => intake.arrivals.length).toBe(1);
    intake.answer(0, positive, 'stored');
    expect(await acknowledged).toBe('ACK');
    expect(await analyzer.take()).toMatch(/\rL\|1\|Q\r$/);
    expect(source.context.counts.astm_answers_late_total).toBe(1);
    intake.answer(0, { ...positive, reply });
    expect(await analyzer.send(numbered(2)).catch(() => 'waits')).toBe('waits');
  });

  it('that calls an earlier one back, and one that nobody is to answer, get none', async () => {
    const analyzer = await (await receiving(fakeIntake(() => positive))).connect();
    expect(await analyzer.send(question('S1'))).toBe('ACK');
    expect(await analyzer.send(numbered(1))).toBe('ACK');
    expect(analyzer.unread).toBe('');
  });
});
