/** What becomes of the files of the index: pruning, damage, crashes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { dayMs, type SearchFixture, searchFixture, today } from '../testing/search-fixture.ts';
import { channel, start } from '../testing/store-fixture.ts';
import { type SqlitePlace, sqlitePlace } from './testing/sqlite-place.ts';

const fixture = searchFixture(sqlitePlace);

describe('the files of days', () => {
  it('go when the store has no message of the day any more, and never tell of one that was pruned', async () => {
    const { at } = fixture;
    const ids: string[] = [];
    for (let day = 0; day < 4; day++) ids.push(await at.send(`P1 D${day}`, { receivedAt: start + day * dayMs }));
    await at.indexed();
    await at.reopen();
    expect(readdirSync(at.place.folder).filter((name) => name.startsWith('2026'))).toHaveLength(4);
    await at.store.prune(channel, { contentBefore: start + 1, messagesBefore: start + 1 });
    expect(await at.idsOf('P1')).toEqual(ids.slice(1));
    await at.index.tidy();
    expect(existsSync(at.place.fileOf(today))).toBe(false);
    expect(await at.idsOf('P1')).toEqual(ids.slice(1));
    await at.reopen();
    expect(await at.idsOf('P1')).toEqual(ids.slice(1));
  });

  it('are made again when little is left of the day', async () => {
    const { at } = fixture;
    for (let n = 0; n < 10; n++) await at.send(`P${n}`);
    const open = await at.receive('STUCK');
    await at.send('NEXT', { receivedAt: start + dayMs });
    await at.send('LAST', { receivedAt: start + 2 * dayMs });
    await expect.poll(() => at.idsOf('LAST')).toHaveLength(1);
    await at.reopen();
    await at.store.prune(channel, { contentBefore: start + 1, messagesBefore: start + 1 });
    await at.index.tidy();
    await expect.poll(async () => (await at.index.status()).rebuilding).toEqual([]);
    await at.reopen();
    const file = new DatabaseSync(at.place.fileOf(today));
    expect(file.prepare('SELECT term FROM segment_1').all()).toEqual([{ term: 'stuck' }]);
    file.close();
    expect(await at.idsOf('STUCK')).toEqual([open.id]);
  });

  const damages: Readonly<Record<string, (at: SearchFixture<SqlitePlace>) => void>> = {
    'is cut off': (at) => truncateSync(at.place.fileOf(today), 8192),
    'is gone': (at) => rmSync(at.place.fileOf(today)),
    'is no database': (at) => writeFileSync(at.place.fileOf(today), 'x'.repeat(20_000)),
    'was being written when the machine stopped': (at) => {
      const position = new DatabaseSync(join(at.place.folder, 'position.db'));
      position.exec("UPDATE day SET state = 'unsure'; UPDATE position SET boot = 'another'");
      position.close();
      const file = new DatabaseSync(at.place.fileOf(today));
      file.exec('DELETE FROM segment_1');
      file.close();
    },
    'was not whole yet': (at) => {
      const position = new DatabaseSync(join(at.place.folder, 'position.db'));
      position.exec("UPDATE day SET state = 'rebuilding'");
      position.close();
    },
  };
  for (const [what, damage] of Object.entries(damages)) {
    it(`are made again from the store when one ${what}`, async () => {
      const { at } = fixture;
      const ids = new Map<string, string>();
      for (let n = 0; n < 300; n++)
        ids.set(`ID-${n}`, await at.send(`ID-${n}`, { receivedAt: start + (n < 150 ? 0 : dayMs) }));
      await at.indexed();
      await at.reopen(() => damage(at));
      await at.indexed();
      for (const [text, id] of ids) expect(await at.idsOf(text)).toEqual([id]);
    });
  }

  it('are made again when one is damaged while it is used', async () => {
    const { at } = fixture;
    const ids: string[] = [];
    for (let n = 0; n < 300; n++) ids.push(await at.send(`ID-${n}`));
    await at.indexed();
    await at.reopen();
    const path = at.place.fileOf(today);
    const size = readFileSync(path).length;
    writeFileSync(path, Buffer.concat([readFileSync(path).subarray(0, 4096), Buffer.alloc(size - 4096, 0xff)]));
    expect((await at.find('ID-7')).more).toBe(true);
    await at.indexed();
    expect(await at.idsOf('ID-7')).toEqual([ids[7]]);
  });

  it('are made again, all of them, where the position cannot be read or the store is another one', async () => {
    const { at } = fixture;
    const id = await at.send('P1');
    await at.indexed();
    await at.reopen(() => writeFileSync(join(at.place.folder, 'position.db'), 'x'.repeat(9_000)));
    await at.indexed();
    expect(await at.idsOf('P1')).toEqual([id]);
    await at.close();
    rmSync(at.place.messages, { recursive: true });
    at.now++;
    at.forgetSeqs();
    await at.open();
    expect(await at.idsOf('P1')).toEqual([]);
    const other = await at.send('P1');
    await at.indexed();
    expect(await at.idsOf('P1')).toEqual([other]);
  });

  it('lose nothing in a kill −9, and are not read anew for it', async () => {
    const { at } = fixture;
    await at.close();
    const script = join(import.meta.dirname, 'testing/index-until-killed.ts');
    const child = spawn(process.execPath, [script, at.place.directory], { stdio: ['ignore', 'pipe', 'inherit'] });
    let rest = '';
    const stored = new Map<string, string>();
    for await (const chunk of child.stdout) {
      const lines = `${rest}${chunk}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const [text = '', id = ''] = line.split(' ');
        stored.set(text, id);
      }
      if (stored.size > 3_000 && !child.killed) child.kill('SIGKILL');
    }
    if (child.signalCode === null) await once(child, 'exit');
    expect(child.signalCode).toBe('SIGKILL');
    at.now = Date.now() + 1;
    await at.open();
    expect((await at.index.status()).rebuilding).toEqual([]);
    await expect.poll(async () => (await at.index.status()).lagMs).toBe(0);
    expect((await at.index.status()).days).toBeGreaterThan(0);
    const missed: string[] = [];
    for (const [text, id] of stored) if (!(await at.idsOf(text)).includes(id)) missed.push(text);
    expect(missed).toEqual([]);
  });
});
