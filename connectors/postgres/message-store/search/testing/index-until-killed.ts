/** A process for tests: an index that follows a store until it is killed. Prints `ready`. Argument: what it is opened with, as JSON. */
import { printNow } from '../../../../../core/testing/print-now.ts';
import { openPostgresIndex, type PostgresIndexOptions } from '../postgres-index.ts';
import { wordsExtractor } from './postgres-place.ts';

const [given = '{}'] = process.argv.slice(2);
const options = JSON.parse(given) as Pick<PostgresIndexOptions, 'server' | 'schema' | 'hub'>;
await openPostgresIndex({ ...options, now: Date.now, extractor: wordsExtractor, pollMs: 5 });
printNow('ready');
