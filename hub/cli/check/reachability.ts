import type { Problem } from '../../../core/config/problem.ts';
import { isMapping, type Place, type YamlFile } from '../../../core/config/yaml-file.ts';
import { type FilterTree, readFilter } from '../filters/filter-tree.ts';
import { impossible } from '../filters/filter-truth.ts';

/** Destinations of YAML channels whose filters contradict each other, or those of their channel. */
export function unreachable(yaml: YamlFile): readonly Problem[] {
  if (!isMapping(yaml.value)) return [];
  const { filter, steps, destinations } = yaml.value;
  const routed = readFilter(yaml, ['filter'], filter);
  const before = [...(routed ? [routed] : []), ...filtersOf(yaml, ['steps'], steps)];
  return Object.entries(isMapping(destinations) ? destinations : {}).flatMap(([name, each]) => {
    if (!isMapping(each)) return [];
    const place = ['destinations', name];
    const own = readFilter(yaml, [...place, 'filter'], each.filter);
    const inherited = each.input === 'source' ? (routed ? [routed] : []) : before;
    const later = each.split === undefined ? filtersOf(yaml, [...place, 'steps'], each.steps) : [];
    const path = impossible([...inherited, ...(own ? [own] : []), ...later]);
    if (path === undefined) return [];
    const message = `destinations.${name}: nothing can reach it: the filters before it leave no value for ${path}`;
    const { line, column } = yaml.position(own ? [...place, 'filter'] : place, 'key');
    return [{ file: yaml.file, line, column, code: 'destination-unreachable' as const, message }];
  });
}

/** The filters among steps, up to the first that changes the message. */
function filtersOf(yaml: YamlFile, place: Place, steps: unknown): readonly FilterTree[] {
  const found: FilterTree[] = [];
  for (const [index, step] of (Array.isArray(steps) ? steps : []).entries()) {
    if (!isMapping(step) || step.filter === undefined) break;
    const filter = readFilter(yaml, [...place, index, 'filter'], step.filter);
    if (filter) found.push(filter);
  }
  return found;
}
