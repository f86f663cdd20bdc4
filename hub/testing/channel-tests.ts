import { describeProblem } from '../../core/config/problem.ts';
import { openFolder } from '../cli/offline/folder.ts';
import { readTests } from '../cli/test/read-tests.ts';
import { runCases } from '../cli/test/run-case.ts';

/** A test of a channel of a folder, as `weir test` runs it. */
export interface ChannelTestOfFolder {
  readonly name: string;
  /** What is not as the test says; nothing where it passes. */
  run(): Promise<readonly string[]>;
}

/** The tests of a channels folder: those in its channel files, and those of its `*.test.yaml`. Throws where a file is wrong. */
export async function testsOfFolder(directory: string): Promise<readonly ChannelTestOfFolder[]> {
  const folder = await openFolder({}, directory);
  const { tests, problems } = await readTests(folder);
  const wrong = [...folder.problems, ...problems];
  if (wrong.length > 0) throw new Error(wrong.map(describeProblem).join('\n'));
  return tests.map((each) => ({
    name: `${each.channel.definition.name}: ${each.name}`,
    run: async () => {
      const [result] = await runCases([each], folder.environment);
      return result!.unmet.map(({ where, lines }) => `${where}: ${lines.join('\n')}`);
    },
  }));
}
