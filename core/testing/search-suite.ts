import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nightly } from './nightly.ts';
import { dayMs, type SearchPlace, searchFixture } from './search-fixture.ts';
import { bytesOf, channel, newMessage, queuedPart, sentPart, settlement, start, toSent } from './store-fixture.ts';

/** On a machine that is busy with other tests. */
const soon = { timeout: 30_000 };

/** What every search index has to do over its message store; some of it for `numRuns` sets of messages. */
export function searchSuite(name: string, makePlace: () => Promise<SearchPlace>, numRuns = nightly ? 40 : 6): void {
  describe(name, () => {
    const fixture = searchFixture(makePlace);

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
        await expect.poll(() => at.idsOf('P9'), soon).toEqual([message.id]);
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
        expect(await at.find('SAME', { limit: 3 })).toMatchObject({
          more: true,
          hops: ids.slice(2).map((id) => ({ id })),
        });
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
      it('leaves only ids of meta behind, also of a message whose pass has not ended', async () => {
        const { at } = fixture;
        await at.reopen(undefined, { freeText: true });
        await at.store.append(channel, [
          newMessage({ raw: bytesOf('SECRET-1'), key: 'SECRET-KEY', meta: { control: 'C-1' } }),
        ]);
        const id = await at.send('SECRET-2', { meta: { control: 'C-2' } }, channel, 'metadata');
        await expect.poll(() => at.idsOf('C-2'), soon).toEqual([id]);
        expect(await at.idsOf('SECRET-2')).toEqual([]);
        await at.reopen(undefined, { freeText: true });
        expect(await at.idsOf('C-1')).toHaveLength(1);
        expect(await at.place.written()).toContain('c-2');
        expect((await at.place.written()).toLowerCase()).not.toMatch(/secret/);
      });

      it('is taken back where the channel has become one of metadata meanwhile', async () => {
        const { at } = fixture;
        await at.send('P1');
        const message = await at.receive('SECRET-3', { meta: { control: 'C-3' } });
        await expect.poll(() => at.idsOf('SECRET-3'), soon).toEqual([message.id]);
        await at.reopen();
        expect(await at.place.written()).toContain('secret-3');
        await at.store.settle(channel, [settlement(message.seq, [sentPart('lab')], { content: 'metadata' })]);
        await at.indexed();
        await at.reopen();
        expect(await at.idsOf('C-3')).toEqual([message.id]);
        expect(await at.place.written()).not.toContain('secret-3');
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
        for (const part of ['müller^anna', 'MÜLL', 'nna "x" 5', '50%'])
          expect(await at.idsOf(part, text)).toEqual([id]);
        expect(await at.idsOf('ülleranna', text)).toEqual([]);
        expect(await at.idsOf('Mül anna', text)).toEqual([]);
        await expect(at.find('Mü', text)).rejects.toMatchObject({ code: 'not-allowed' });
        await at.store.prune(channel, { contentBefore: start + 1, messagesBefore: 0 });
        expect(await at.idsOf('4711', text)).toEqual([]);
        expect(await at.idsOf('PID|1||4711||Müller^Anna')).toEqual([id]);
        await at.reopen();
        await expect(at.find('4712', text)).rejects.toMatchObject({ code: 'not-allowed' });
        await at.reopen(undefined, { freeText: true });
        expect(await at.idsOf('4712', text)).toEqual([]);
      });
    });

    describe('a path', () => {
      const at2 = { in: 'path', path: '2' } as const;

      it('finds all of the value there, and nothing that has it elsewhere', async () => {
        const { at } = fixture;
        await at.reopen(undefined, { freeText: true });
        const id = await at.send('first Second third');
        await at.send('second first third');
        await at.send('first seconds third', { receivedAt: start + dayMs });
        await at.indexed();
        expect(await at.idsOf(' second', at2)).toEqual([id]);
        expect(await at.idsOf('secon', at2)).toEqual([]);
        expect(await at.idsOf('third', { in: 'path', path: '3' })).toHaveLength(3);
        expect(await at.idsOf('third', { in: 'path', path: '3', limit: 2 })).toHaveLength(2);
        expect(await at.idsOf('second', { ...at2, channel: 'oru' })).toEqual([]);
        await expect(at.find('second', { in: 'path', path: 'nowhere' })).rejects.toMatchObject({ code: 'not-allowed' });
      });

      it('of identifiers needs no free text', async () => {
        const { at } = fixture;
        const id = await at.send('a b');
        await at.send('b a');
        await at.indexed();
        expect(await at.idsOf('A', { in: 'path', path: '1' })).toEqual([id]);
      });

      it('finds nothing of content that is gone', async () => {
        const { at } = fixture;
        await at.reopen(undefined, { freeText: true });
        await at.send('first second');
        await at.send('first second', { receivedAt: start + dayMs }, channel, 'metadata');
        await at.indexed();
        await at.store.prune(channel, { contentBefore: start + 1, messagesBefore: 0 });
        expect(await at.idsOf('second', at2)).toEqual([]);
      });
    });

    it('says up to when it is indexed, where that is not all', async () => {
      const { at } = fixture;
      await at.send('P1');
      await at.indexed();
      expect(await at.find('P1')).not.toHaveProperty('indexedUpTo');
      await at.index[Symbol.asyncDispose]();
      await at.send('P1', { receivedAt: start + 1 });
      await at.send('P1', { receivedAt: start + 2 });
      await at.openIndex({ pollMs: 60_000 });
      const { hops, indexedUpTo } = await at.find('P1');
      expect([hops.length, indexedUpTo]).toEqual([1, start + 1]);
    });

    it('ends a search that nobody waits for', async () => {
      const { at } = fixture;
      await at.send('P1');
      await at.indexed();
      const search = at.index.find({ text: 'P1', in: 'identifiers', limit: 10 }, AbortSignal.abort());
      await expect(search).rejects.toMatchObject({ code: 'search-failed' });
    });

    it('finds every identifier of any messages, before and after it is closed', async () => {
      const { at } = fixture;
      const words = fc.array(fc.stringMatching(/^[A-Za-z0-9ÄöÜß^&-]{1,12}$/), { minLength: 1, maxLength: 6 });
      const some = fc.array(
        fc.record({ words, day: fc.integer({ min: 0, max: 3 }), channel: fc.constantFrom('a', 'b') }),
        {
          minLength: 1,
          maxLength: 20,
        },
      );
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
        { numRuns },
      );
    }, 120_000);
  });
}
