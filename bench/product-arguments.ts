import { readFileSync } from 'node:fs';

const { scripts } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  readonly scripts: { readonly start: string };
};

/** What `npm start` gives to node itself: a server that is measured runs with the same. */
export const productArguments: readonly string[] = scripts.start.split(' ').filter((word) => word.startsWith('--'));
