import { expect, it } from 'vitest';
import { testsOfFolder } from '../hub/testing/channel-tests.ts';

it.for(await testsOfFolder(import.meta.dirname))('$name', async (test) => {
  expect(await test.run()).toEqual([]);
});
