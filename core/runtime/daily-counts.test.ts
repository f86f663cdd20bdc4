import { describe, expect, test } from 'vitest';
import { defineChannel } from '../builder.ts';
import { HubError } from '../errors.ts';
import type { MessageStore, MessageSummary } from '../store/message-store.ts';
import { repeatableRandom } from '../testing/contexts.ts';
import { engineHarness, eventually, failing, farEnd, keyOf, manualSource } from '../testing/engine-harness.ts';
import { stores } from '../testing/order-faults.ts';

const by = { actor: 'test', reason: 'test' };
const anyDay = { from: '1970-01-01', to: '2999-12-31' };

describe.each(Object.keys(stores))('counts of days on the %s store', (name) => {
  test('balance while messages fail, are retried, skipped, replayed and repeated, and close when all is settled', async () => {
    const random = repeatableRandom(7);
    const { store, close } = await stores[name]!();
    const source = manualSource();
    const [lab, ris] = [farEnd('lab'), farEnd('ris')];
    let broken = true;
    const answer = () => {
      const chance = broken ? random() : 1;
      return chance < 0.1 ? failing.forGood() : chance < 0.2 ? failing.passing() : { status: 'sent' as const };
    };
    lab.answer = answer;
    ris.answer = answer;
    const { definition } = defineChannel('counted', { duplicates: 'detect' })
      .from(source.spec)
      .filter((payload) => !payload.endsWith('drop'))
      .keyBy(keyOf)
      .to('lab', lab.spec, { retry: { initialMs: 2, maxMs: 5 } })
      .to('ris', ris.spec, { retry: { initialMs: 2, maxMs: 5 }, afterDeadLetter: 'hold-key' });
    let harness = await engineHarness({ store });
    await harness.engine.deploy(definition, 'v1');

    const act = async () => {
      const { messages } = await store.find({ status: 'open-error', limit: 20 });
      for (const { id, parts } of messages) {
        const chance = random();
        if (chance < 0.3 && parts.length > 0) await harness.engine.retry(id, by, { confirmed: true });
        else if (chance < 0.6) await harness.engine.skip(id, by);
        else if (chance < 0.7) await harness.engine.replay(id, by);
      }
    };
    for (let n = 0; n < 400; n++) {
      const key = `k${Math.floor(random() * 12)}`;
      const chance = random();
      const raw = Buffer.from(chance < 0.05 ? '!broken' : `${key}:${n}${chance < 0.1 ? ' drop' : ''}`);
      const fault = new HubError('frame-malformed', 'permanent', 'framing: no end');
      await source.offer({ raw, dedupeKey: `d${Math.floor(random() * 300)}`, ...(chance > 0.97 && { fault }) });
      if (chance > 0.9) await source.offer({ raw, dedupeKey: `again${n}` }, { raw, dedupeKey: `again${n}` });
      if (n % 40 === 39) await act();
      if (n === 200) {
        await harness[Symbol.asyncDispose]();
        harness = await engineHarness({ store });
        await harness.engine.deploy(definition, 'v1');
      }
    }
    await balanced(store);
    broken = false;
    const open = async () => {
      const { messages } = await store.find({ status: 'open-error', limit: 500 });
      for (const { id } of messages) await harness.engine.skip(id, by);
      return messages.length + ((await harness.engine.status())[0]?.counts.queued ?? 1);
    };
    await eventually(async () => (await open()) === 0);
    await balanced(store);
    for (const each of await store.dailyCounts({ ...anyDay, by: 'destination' })) expect(each.queued).toBe(0);
    const days = await store.dailyCounts({ ...anyDay, by: 'channel' });
    for (const each of days) expect(each).toMatchObject({ queued: 0 });
    for (const figure of ['received', 'filtered', 'sent', 'errored', 'duplicates'] as const)
      expect(
        days.reduce((sum, each) => sum + (each[figure] ?? 0), 0),
        figure,
      ).toBeGreaterThan(0);
    await harness[Symbol.asyncDispose]();
    await close();
  });
});

/** Each day's sums are right, and together they are what the messages of the store say. */
async function balanced(store: MessageStore): Promise<void> {
  for (const by of ['channel', 'destination', 'type'] as const) {
    for (const each of await store.dailyCounts({ ...anyDay, by }))
      expect(each.received).toBe(each.filtered + each.sent + each.errored + each.queued);
  }
  const messages: MessageSummary[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.find({ limit: 500, ...(cursor === undefined ? {} : { cursor }) });
    messages.push(...page.messages);
    cursor = page.cursor;
  } while (cursor !== undefined);
  const days = await store.dailyCounts({ ...anyDay, by: 'channel' });
  expect(days.reduce((sum, each) => sum + each.received, 0)).toBe(messages.length);
}
