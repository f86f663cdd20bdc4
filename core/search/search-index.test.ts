import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dayMs, type SearchFixture, searchFixture, today } from '../testing/search-fixture.ts';
import {
  bytesOf,
  channel,
  newMessage,
  queuedPart,
  sentPart,
  settlement,
  start,
  toSent,
} from '../testing/store-fixture.ts';

const fixture = searchFixture();

describe('rule 28: the search index', () => {
  it('finds messages of every channel by an identifier, in order of receipt, whatever its case and the space around it', async () => {
    const { at } = fixture;
    const first = await at.send('AB-1 P4711');
    const second = await at.send('AB-2 p4711', { receivedAt: start + 1 }, 'oru');
    await at.send('AB-3 P4712');
    await at.indexed();
    expect(await at.idsOf(' P4711 ')).toEqual([first, second]);
    expect(await at.idsOf('p4711', { channel: 'oru' })).toEqual([second]);
    expect(await at.idsOf('p4711', { channel: 'nosuch' })).toEqual([]);
    expect(await at.idsOf('P471')).toEqual([]);
    expect(await at.idsOf(first)).toEqual([first]);
  });

  it('says what became of each message, at which destination, and what that answered', async () => {
    const { at } = fixture;
    const message = await at.receive('AB-1 P1');
    const part = { ...sentPart('lab'), bytes: bytesOf('OUT-1'), reply: bytesOf('AA') };
    await at.store.settle(channel, [settlement(message.seq, [part], { type: 'ADT^A01' })]);
    await at.indexed();
    expect(await at.find('OUT-1')).toEqual({
      more: false,
      hops: [
        expect.objectContaining({
          ...{ id: message.id, channel, status: 'sent', type: 'ADT^A01', by: 'text', facts: { controlId: 'AB-1' } },
          parts: [expect.objectContaining({ destination: 'lab', status: 'sent', facts: { ackCode: 'AA' } })],
        }),
      ],
    });
  });

  it('finds what is sent as soon as the first pass has ended, and what was not yet routed before that', async () => {
    const { at } = fixture;
    await at.send('FIRST');
    const message = await at.receive('LATER P9');
    await expect.poll(() => at.idsOf('P9')).toEqual([message.id]);
    expect((await at.index.status()).open).toBe(1);
    expect(await at.idsOf('FROZEN')).toEqual([]);
    await at.store.settle(channel, [
      settlement(message.seq, [queuedPart('lab', 'ready', ['k'], { bytes: bytesOf('FROZEN') })]),
    ]);
    await at.indexed();
    expect(await at.idsOf('FROZEN')).toEqual([message.id]);
    await at.store.update(channel, [toSent(message.seq)]);
    expect((await at.find('FROZEN')).hops[0]?.status).toBe('sent');
  });

  it('limits what it answers to the newest, and says that there is more', async () => {
    const { at } = fixture;
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.push(await at.send('SAME', { receivedAt: start + n * dayMs }));
    await at.indexed();
    expect(await at.find('SAME', { limit: 3 })).toMatchObject({ more: true, hops: ids.slice(2).map((id) => ({ id })) });
    const [from, to] = [start + dayMs, start + 3 * dayMs];
    expect(await at.idsOf('SAME', { from, to })).toEqual(ids.slice(1, 3));
  });

  it('joins replays, and messages that came through a topic, over every hop', async () => {
    const { at } = fixture;
    const original = await at.send('P1');
    const replay = await at.send('edited', { replayOf: original, receivedAt: start + 1 });
    const event = await at.send('{}', { meta: { origin: replay }, receivedAt: start + 2 }, 'next');
    const last = await at.send('{}', { meta: { origin: event }, receivedAt: start + dayMs }, 'last');
    await at.indexed();
    const hops = [original, replay, event, last];
    for (const memory of [true, false]) {
      if (!memory) await at.reopen();
      expect(await at.idsOf('P1')).toEqual(hops);
      expect((await at.find('edited')).hops.map(({ id, by }) => [id, by])).toEqual([
        [original, 'replay'],
        [replay, 'text'],
        [event, 'topic'],
        [last, 'topic'],
      ]);
      expect(await at.idsOf('P1', { channel })).toEqual([original]);
    }
  });

  it('is not held up by a message that cannot be read', async () => {
    const { at } = fixture;
    await at.send('unreadable P1');
    const id = await at.send('P2');
    await at.indexed();
    expect(await at.idsOf('P2')).toEqual([id]);
    expect((await at.index.status()).unread).toBe(1);
  });

  it('lags by the age of the oldest message that it has not read', async () => {
    const { at } = fixture;
    await at.index[Symbol.asyncDispose]();
    for (let n = 0; n < 3; n++) await at.send('P1', { receivedAt: start + n });
    await at.openIndex({ pollMs: 60_000 });
    at.now = start + 700;
    expect(await at.index.status()).toMatchObject({ lagMs: 700, position: 0, days: 0 });
    await at.reopen();
    await at.indexed();
    expect(await at.index.status()).toMatchObject({ lagMs: 0, position: 3, days: 1, open: 0 });
  });
});

describe('content that may not be kept', () => {
  const written = ({ folder }: SearchFixture) =>
    readdirSync(folder)
      .map((name) => readFileSync(join(folder, name), 'latin1'))
      .join('');

  it('leaves only ids of meta behind, also of a message whose pass has not ended', async () => {
    const { at } = fixture;
    await at.reopen(undefined, { freeText: true });
    await at.store.append(channel, [
      newMessage({ raw: bytesOf('SECRET-1'), key: 'SECRET-KEY', meta: { control: 'C-1' } }),
    ]);
    const id = await at.send('SECRET-2', { meta: { control: 'C-2' } }, channel, 'metadata');
    await expect.poll(() => at.idsOf('C-2')).toEqual([id]);
    expect(await at.idsOf('SECRET-2')).toEqual([]);
    await at.reopen(undefined, { freeText: true });
    expect(await at.idsOf('C-1')).toHaveLength(1);
    expect(written(at)).toContain('c-2');
    expect(written(at).toLowerCase()).not.toMatch(/secret/);
  });

  it('is taken back where the channel has become one of metadata meanwhile', async () => {
    const { at } = fixture;
    await at.send('P1');
    const message = await at.receive('SECRET-3', { meta: { control: 'C-3' } });
    await expect.poll(() => at.idsOf('SECRET-3')).toEqual([message.id]);
    await at.reopen();
    expect(written(at)).toContain('secret-3');
    await at.store.settle(channel, [settlement(message.seq, [sentPart('lab')], { content: 'metadata' })]);
    await at.indexed();
    await at.reopen();
    expect(await at.idsOf('C-3')).toEqual([message.id]);
    expect(written(at)).not.toContain('secret-3');
  });
});

describe('free text', () => {
  it('is off unless it is asked for', async () => {
    const { at } = fixture;
    await expect(at.index.find({ text: 'Berger', in: 'text', limit: 10 })).rejects.toMatchObject({
      code: 'not-allowed',
    });
  });

  it('finds a part of a word in any case, and goes when the content goes or when it is switched off', async () => {
    const { at } = fixture;
    await at.reopen(undefined, { freeText: true });
    const id = await at.send('PID|1||4711||Müller^Anna "x" 50%');
    await at.send('PID|1||4712||Berger^Karl');
    for (let day = 1; day < 4; day++) await at.send('LATER', { receivedAt: start + day * dayMs });
    await at.indexed();
    const text = { in: 'text' } as const;
    for (const part of ['müller^anna', 'MÜLL', 'nna "x" 5', '50%']) expect(await at.idsOf(part, text)).toEqual([id]);
    expect(await at.idsOf('ülleranna', text)).toEqual([]);
    expect(await at.idsOf('Mül anna', text)).toEqual([]);
    await expect(at.find('Mü', text)).rejects.toMatchObject({ code: 'not-allowed' });
    await at.store.prune(channel, { contentBefore: start + 1, messagesBefore: 0 });
    await at.index.tidy();
    expect(existsSync(join(at.folder, `${today}.text.db`))).toBe(false);
    expect(await at.idsOf('4711', text)).toEqual([]);
    expect(await at.idsOf('PID|1||4711||Müller^Anna')).toEqual([id]);
    await at.reopen();
    expect(readdirSync(at.folder).filter((name) => name.includes('text'))).toEqual([]);
  });
});

it('finds every identifier of any messages, before and after it is closed', async () => {
  const { at } = fixture;
  const words = fc.array(fc.stringMatching(/^[A-Za-z0-9ÄöÜß^&-]{1,12}$/), { minLength: 1, maxLength: 6 });
  const some = fc.array(fc.record({ words, day: fc.integer({ min: 0, max: 3 }), channel: fc.constantFrom('a', 'b') }), {
    minLength: 1,
    maxLength: 20,
  });
  await fc.assert(
    fc.asyncProperty(some, async (messages) => {
      const sent: { readonly id: string; readonly words: readonly string[] }[] = [];
      for (const { words, day, channel: to } of messages)
        sent.push({ id: await at.send(words.join(' '), { receivedAt: start + day * dayMs }, to), words });
      await at.indexed();
      for (const memory of [true, false]) {
        if (!memory) await at.reopen();
        for (const { id, words } of sent)
          for (const word of words) expect(await at.idsOf(word, { limit: 1_000 })).toContain(id);
      }
    }),
    { numRuns: 15 },
  );
}, 60_000);

it('needs FTS5 with trigrams of the SQLite in node', () => {
  const script =
    "new (require('node:sqlite').DatabaseSync)(':memory:').exec(\"CREATE VIRTUAL TABLE t USING fts5(x, tokenize='trigram')\")";
  execFileSync(process.execPath, ['-e', script], { stdio: 'pipe' });
});
