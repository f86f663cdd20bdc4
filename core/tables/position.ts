import type { Place, YamlFile } from '../config/yaml-file.ts';

/** From 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Where a value of a YAML file stands, or its key, or the nearest thing above it that is there. */
export function positionOf(file: YamlFile, place: Place, what: 'value' | 'key' = 'value'): Position {
  // A file tells positions through its problems only: one is noted, read and taken back.
  if (what === 'key') file.keyProblem(place, 'value-invalid', '');
  else file.problem(place, 'value-invalid', '');
  const { line, column } = file.problems.pop()!;
  return { line, column };
}
