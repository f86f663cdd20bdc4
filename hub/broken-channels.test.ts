/** `weir check` on channel files with mistakes: every one in one go, each with its file, line, column and code. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { describeProblem, type Problem } from '../core/config/problem.ts';
import { cases } from './broken-channels.cases.ts';
import { says } from './broken-channels.says.ts';
import { check } from './cli/check/check.ts';

afterEach(() => void vi.restoreAllMocks());

it.for(cases)('says all that is wrong with %s', async ([title, files]) => {
  const directory = await mkdtemp(join(tmpdir(), 'weir-broken-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(directory, name)), { recursive: true });
      await writeFile(join(directory, name), text);
    }
    let printed = '';
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      printed += String(text);
      return true;
    });
    expect(await check(undefined, { channels: directory, env: 'demo', json: true })).toBe(1);
    const { problems } = JSON.parse(printed) as { readonly problems: readonly Problem[] };
    expect(problems.map((each) => describeProblem(each).replaceAll(`${directory}/`, ''))).toEqual(says[title]);
  } finally {
    await rm(directory, { recursive: true });
  }
});

it('has as many mistakes as it promises, and says something of each', () => {
  expect(cases.length).toBeGreaterThanOrEqual(60);
  expect(Object.keys(says).toSorted()).toEqual(cases.map(([title]) => title).toSorted());
  for (const lines of Object.values(says)) expect(lines).not.toEqual([]);
});
