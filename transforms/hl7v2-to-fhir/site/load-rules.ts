import type { Loaded, Problem } from '../../../core/config/problem.ts';
import type { StepFiles } from '../../../core/config/step-files.ts';
import { YamlFile } from '../../../core/config/yaml-file.ts';
import type { Rules } from '../conversion.ts';
import { Layers } from './layers.ts';

/**
 * The official rules with the layers of a site over them, in order, each part of the channel’s version; or every problem of all
 * of them, with line and column. Never rejects.
 * @param paths from the folder of the channel file
 */
export async function loadRules(paths: readonly string[], files: StepFiles): Promise<Loaded<Rules>> {
  const problems: Problem[] = [];
  const layers = new Layers();
  for (const path of paths) {
    const shown = files.shown(path);
    const text = await files.text(path).catch((thrown: unknown) => {
      const message = thrown instanceof Error ? thrown.message : String(thrown);
      problems.push({ file: shown, line: 1, column: 1, code: 'file-unreadable', message });
    });
    if (text === undefined) continue;
    const file = new YamlFile(shown, text);
    layers.add(file);
    problems.push(...file.problems);
  }
  const [first, ...others] = problems;
  return first ? { ok: false, problems: [first, ...others] } : { ok: true, value: layers.rules() };
}
