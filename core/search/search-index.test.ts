import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dayMs, searchFixture, today } from '../testing/search-fixture.ts';
import { searchSuite } from '../testing/search-suite.ts';
import { channel, start } from '../testing/store-fixture.ts';
import { sqlitePlace } from './testing/sqlite-place.ts';

searchSuite('the embedded index of the SQLite store', sqlitePlace);

describe('free text in files', () => {
  const fixture = searchFixture(sqlitePlace);

  it('goes with its file when the content goes, and when it is switched off', async () => {
    const { at } = fixture;
    await at.reopen(undefined, { freeText: true });
    for (let day = 0; day < 4; day++) await at.send('Berger', { receivedAt: start + day * dayMs });
    await at.indexed();
    await at.store.prune(channel, { contentBefore: start + 1, messagesBefore: 0 });
    await at.index.tidy();
    expect(existsSync(join(at.place.folder, `${today}.text.db`))).toBe(false);
    expect(readdirSync(at.place.folder).filter((name) => name.includes('text'))).not.toEqual([]);
    await at.reopen();
    expect(readdirSync(at.place.folder).filter((name) => name.includes('text'))).toEqual([]);
  });
});

it('needs FTS5 with trigrams of the SQLite in node', () => {
  const script =
    "new (require('node:sqlite').DatabaseSync)(':memory:').exec(\"CREATE VIRTUAL TABLE t USING fts5(x, tokenize='trigram')\")";
  execFileSync(process.execPath, ['-e', script], { stdio: 'pipe' });
});
