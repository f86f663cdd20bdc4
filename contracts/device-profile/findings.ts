import type { ProblemCode } from '../../core/config/problem.ts';
import { dotted, isMapping, type Place, type YamlFile } from '../../core/config/yaml-file.ts';
import { variablesIn } from './variables.ts';

/** Notes what is wrong at a place in the profile. */
export type Report = (place: Place, code: ProblemCode, message: string) => void;

/**
 * What is wrong with a profile, told once however many devices have it; where a variable has brought it, at the variable of the
 * first device that is wrong.
 */
export class ProfileFindings {
  readonly #file: YamlFile;
  readonly #told = new Set<string>();

  constructor(file: YamlFile) {
    this.#file = file;
  }

  /** @param index of the device by whose variables the profile was read */
  reportFor(index: number): Report {
    return (place, code, message) => this.report(place, code, message, index);
  }

  report(place: Place, code: ProblemCode, message: string, index: number): void {
    const said = this.#variableAt(place, index);
    const at = said ?? place;
    const key = `${at.join('\0')}\0${message}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.#file.problem(at, code, `${dotted(at)}: ${said ? `as ${dotted(place)}, ` : ''}${message}`);
  }

  /** Whether an issue of the schema is one for the file itself; else it is told here. */
  isOwn(path: readonly PropertyKey[], message: string, index: number): boolean {
    const place = path.filter((step) => typeof step !== 'symbol');
    if (this.#variableAt(place, index)) {
      this.report(place, 'value-invalid', message, index);
      return false;
    }
    const key = `${place.join('\0')}\0${message}`;
    if (this.#told.has(key)) return false;
    this.#told.add(key);
    return true;
  }

  #variableAt(place: Place, index: number): Place | undefined {
    const written = valueAt(this.#file.value, place);
    if (typeof written !== 'string') return undefined;
    for (const name of variablesIn(written))
      for (const at of [
        ['devices', index, 'variables', name],
        ['variables', name],
      ])
        if (valueAt(this.#file.value, at) !== undefined) return at;
    return undefined;
  }
}

/** What stands at a place of plain data. */
export function valueAt(value: unknown, place: Place): unknown {
  return place.reduce<unknown>((inside, step) => {
    if (Array.isArray(inside)) return inside[Number(step)];
    return isMapping(inside) && Object.hasOwn(inside, step) ? inside[step] : undefined;
  }, value);
}
