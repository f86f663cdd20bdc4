import { sha256 } from '../../core/config/code-loader.ts';
import type { Loaded, Problem } from '../../core/config/problem.ts';
import type { StepFiles } from '../../core/config/step-files.ts';
import { YamlFile } from '../../core/config/yaml-file.ts';
import { type DeviceProfile, readDeviceProfile } from './device-profile.ts';

/**
 * The device profiles that a step names, each part of the channel’s version with all that it refers to; or every problem of all of
 * them. Never rejects.
 * @param paths from the folder of the channel file
 */
export async function loadProfiles(
  paths: readonly string[],
  files: StepFiles,
): Promise<Loaded<readonly DeviceProfile[]>> {
  const problems: Problem[] = [];
  const profiles: DeviceProfile[] = [];
  for (const path of paths) {
    const shown = files.shown(path);
    const text = await files.text(path).catch((thrown: unknown) => {
      const message = thrown instanceof Error ? thrown.message : String(thrown);
      problems.push({ file: shown, line: 1, column: 1, code: 'file-unreadable', message });
    });
    if (text === undefined) continue;
    const file = new YamlFile(shown, text);
    const profile = readDeviceProfile(file, files.references);
    problems.push(...file.problems);
    if (!profile) continue;
    // What references lead to may have changed although the text has not.
    if (/\$\{(?:env|file):/.test(text)) files.note(`reference in ${path}`, sha256(JSON.stringify(profile)));
    profiles.push(profile);
  }
  const [first, ...others] = problems;
  return first ? { ok: false, problems: [first, ...others] } : { ok: true, value: profiles };
}
