// A process of its own for the test of the code loader: the test runner brings its own way of importing, which this is about.
import { join } from 'node:path';
import { channelVersion, createCodeLoader } from './code-loader.ts';

const [directory = '', entry = ''] = process.argv.slice(2);
const loader = await createCodeLoader({ directory, entry });
const seen: unknown[] = [];

process.on('message', async (names: readonly string[]) => {
  const snapshot = await loader.snapshot();
  const answers = await Promise.all(
    names.map(async (name) => {
      try {
        const { exports, files } = await snapshot.load(join(directory, name));
        const value = exports.default;
        if (!seen.includes(value)) seen.push(value);
        return {
          value,
          instance: seen.indexOf(value),
          files: [...files.keys()].sort(),
          version: channelVersion('1', files),
        };
      } catch (thrown) {
        return { error: (thrown as Error).name };
      }
    }),
  );
  process.send?.(answers);
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
