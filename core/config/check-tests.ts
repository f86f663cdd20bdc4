import { testKeys } from './channel-tests.ts';
import { unknownName } from './registry.ts';
import { dotted, isMapping, type Place, type YamlFile } from './yaml-file.ts';

/**
 * The destinations that `tests:` of a channel file name. Whether their files are there is not looked at: a hub runs without them, and
 * `weir check` tells.
 */
export function checkTests(file: YamlFile, value: unknown, destinations: readonly string[]): void {
  if (!Array.isArray(value)) return;
  const unknown = (place: Place, name: string, known: readonly string[]) =>
    file.keyProblem(
      place,
      'destination-unknown',
      `${dotted(place)}: no destination ${name}${unknownName(name, known)}`,
    );
  for (const [index, test] of value.entries()) {
    if (!isMapping(test)) continue;
    const place = ['tests', index];
    for (const name of Object.keys(test))
      if (!testKeys.has(name) && !destinations.includes(name))
        unknown([...place, name], name, [...testKeys, ...destinations]);
    for (const name of Object.keys(isMapping(test.responses) ? test.responses : {}))
      if (!destinations.includes(name)) unknown([...place, 'responses', name], name, destinations);
  }
}
