import type { Problem } from '../../../core/config/problem.ts';
import { isMapping, type YamlFile } from '../../../core/config/yaml-file.ts';

/** Destinations of YAML channels that are to be written by every hub: one hub at a time has a channel. */
export function placedEverywhere(yaml: YamlFile): readonly Problem[] {
  const destinations = isMapping(yaml.value) && isMapping(yaml.value.destinations) ? yaml.value.destinations : {};
  return Object.entries(destinations).flatMap(([name, each]) => {
    if (!isMapping(each) || each.placement !== 'every') return [];
    const what = 'it has no effect: one hub at a time has a channel, and sends';
    const message = `destinations.${name}.placement: ${what}`;
    const { line, column } = yaml.position(['destinations', name, 'placement']);
    return [{ file: yaml.file, line, column, code: 'value-invalid' as const, message }];
  });
}
