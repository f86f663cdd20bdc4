import { readFileSync } from 'node:fs';

const read = (file: string) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
const { scripts } = JSON.parse(read('package.json')) as { readonly scripts: { readonly start: string } };
const [, entry = '[]'] = /^ENTRYPOINT (\[.*\])$/m.exec(read('Dockerfile')) ?? [];
const options = (words: readonly string[]) => words.filter((word) => word.startsWith('--'));

/** What `npm start` gives to node itself: a server that is measured runs with the same. */
export const productArguments = options(scripts.start.split(' '));

/** What a container gives to node: a hub whose store is in PostgreSQL runs in one, as `docker-compose.yml` has it. */
export const containerArguments = options(JSON.parse(entry) as readonly string[]);
