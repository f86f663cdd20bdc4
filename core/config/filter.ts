import type { Erased } from '../channel.ts';
import { HubError } from '../errors.ts';
import type { Predicate } from '../transform.ts';
import type { FormatLanguage } from './format-language.ts';
import { dotted, isMapping, type Place, type YamlFile } from './yaml-file.ts';

type Test = (payload: Erased) => boolean;
type ValuesTest = (values: readonly string[], exists: () => boolean) => boolean;

const never: Test = () => false;
const noValues: ValuesTest = () => false;

/**
 * Compiles a filter of a YAML channel. A mapping holds when each of its entries does:
 * `PATH: value` or `PATH: [a, b]` (any value at the path is, or is one of), `PATH: { not | any | all | exists }`, and at any level
 * `any: [filters]`, `all: [filters]`, `not: filter`. What is wrong is noted in `file`; the result is then of no use.
 */
export function compileFilter(
  file: YamlFile,
  place: Place,
  value: unknown,
  language: FormatLanguage<Erased> | undefined,
): Predicate<Erased> {
  const test = filterTest(file, place, value, language);
  return (payload) => test(payload);
}

function filterTest(file: YamlFile, place: Place, value: unknown, language: FormatLanguage<Erased> | undefined): Test {
  if (!isMapping(value) || Object.keys(value).length === 0) {
    file.problem(place, 'value-invalid', `${dotted(place)}: a filter is a mapping of paths to what they must be`);
    return never;
  }
  const tests = Object.entries(value).map(([key, part]): Test => {
    const at = [...place, key];
    switch (key) {
      case 'not': {
        const inner = filterTest(file, at, part, language);
        return (payload) => !inner(payload);
      }
      case 'any': {
        const inner = filterList(file, at, part, language);
        return (payload) => inner.some((each) => each(payload));
      }
      case 'all': {
        const inner = filterList(file, at, part, language);
        return (payload) => inner.every((each) => each(payload));
      }
      default:
        return pathTest(file, at, key, part, language);
    }
  });
  return tests.length === 1 ? tests[0]! : (payload) => tests.every((each) => each(payload));
}

function filterList(
  file: YamlFile,
  place: Place,
  value: unknown,
  language: FormatLanguage<Erased> | undefined,
): readonly Test[] {
  if (Array.isArray(value) && value.length > 0)
    return value.map((each, index) => filterTest(file, [...place, index], each, language));
  file.problem(place, 'value-invalid', `${dotted(place)}: a list of filters is needed`);
  return [];
}

function pathTest(
  file: YamlFile,
  place: Place,
  text: string,
  condition: unknown,
  language: FormatLanguage<Erased> | undefined,
): Test {
  const test = valuesTest(file, place, condition);
  if (!language) {
    file.keyProblem(place, 'path-invalid', `${text}: the payload has no paths at this point`);
    return never;
  }
  try {
    const path = language.path(text);
    return (payload) => test(path.values(payload), () => path.exists(payload));
  } catch (thrown) {
    if (!(thrown instanceof HubError)) throw thrown;
    file.keyProblem(place, 'path-invalid', `${text}: ${thrown.message}`);
    return never;
  }
}

function valuesTest(file: YamlFile, place: Place, condition: unknown): ValuesTest {
  if (isScalar(condition)) {
    const wanted = written(file, place, condition);
    return (values) => values.includes(wanted);
  }
  if (Array.isArray(condition) && condition.length > 0 && condition.every(isScalar)) {
    const wanted = new Set(condition.map((each, index) => written(file, [...place, index], each)));
    return (values) => values.some((each) => wanted.has(each));
  }
  if (isMapping(condition) && Object.keys(condition).length > 0) {
    const tests = Object.entries(condition).map(([word, part]) => wordTest(file, [...place, word], word, part));
    return (values, exists) => tests.every((each) => each(values, exists));
  }
  file.problem(
    place,
    'value-invalid',
    `${dotted(place)}: a value, a list of values, or one of not, any, all, exists is needed`,
  );
  return noValues;
}

function wordTest(file: YamlFile, place: Place, word: string, part: unknown): ValuesTest {
  switch (word) {
    case 'not': {
      const inner = valuesTest(file, place, part);
      return (values, exists) => !inner(values, exists);
    }
    case 'any':
    case 'all': {
      if (!Array.isArray(part) || part.length === 0) {
        file.problem(place, 'value-invalid', `${dotted(place)}: a list of conditions is needed`);
        return noValues;
      }
      const inner = part.map((each, index) => valuesTest(file, [...place, index], each));
      return word === 'any'
        ? (values, exists) => inner.some((each) => each(values, exists))
        : (values, exists) => inner.every((each) => each(values, exists));
    }
    case 'exists': {
      if (typeof part !== 'boolean') file.problem(place, 'value-invalid', `${dotted(place)}: true or false is needed`);
      return (_, exists) => exists() === part;
    }
    default:
      file.keyProblem(place, 'key-unknown', `${word}: a filter knows not, any, all and exists`);
      return noValues;
  }
}

/** YAML reads `007` as a number, the payload has it as text. */
function written(file: YamlFile, place: Place, value: string | number | boolean): string {
  return typeof value === 'string' ? value : (file.textAt(place) ?? String(value));
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}
