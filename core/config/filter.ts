import type { Erased } from '../channel.ts';
import { HubError } from '../errors.ts';
import type { Predicate } from '../transform.ts';
import type { FormatLanguage } from './format-language.ts';
import { unknownName } from './registry.ts';
import type { StepFiles } from './step-files.ts';
import { didYouMean } from './suggestion.ts';
import { dotted, isMapping, type Place, type YamlFile } from './yaml-file.ts';

type Test = (payload: Erased, at: number) => boolean;
/** @param at when the message was received */
type ValuesTest = (values: readonly string[], exists: () => boolean, at: number) => boolean;

/** The code tables that a filter may ask for, and who is told that it does. */
export type FilterTables = Pick<StepFiles, 'tables' | 'note'>;

interface FilterContext {
  readonly file: YamlFile;
  readonly language: FormatLanguage<Erased> | undefined;
  readonly tables: FilterTables | undefined;
}

const words = ['not', 'any', 'all', 'some', 'exists', 'table'] as const;

const never: Test = () => false;
const noValues: ValuesTest = () => false;

/**
 * Compiles a filter of a YAML channel. A mapping holds when each of its entries does:
 * `PATH: value` or `PATH: [a, b]` (any value at the path is, or is one of), `PATH: { not | any | all | some | exists | table }`, and at
 * any level `any: [filters]`, `all: [filters]`, `not: filter`. `not: X` holds where no value is X, `some: { not: X }` where one of them
 * is something else. A code is in a table where the table has it when the message was received. What is wrong is noted in `file`; the
 * result is then of no use.
 * @param tables those in force; without them no filter can ask for one
 */
export function compileFilter(
  file: YamlFile,
  place: Place,
  value: unknown,
  language: FormatLanguage<Erased> | undefined,
  tables?: FilterTables,
): Predicate<Erased> {
  const test = filterTest({ file, language, tables }, place, value);
  return (payload, message) => test(payload, message.receivedAt);
}

function filterTest(context: FilterContext, place: Place, value: unknown): Test {
  const { file } = context;
  if (!isMapping(value) || Object.keys(value).length === 0) {
    file.problem(place, 'value-invalid', `${dotted(place)}: a filter is a mapping of paths to what they must be`);
    return never;
  }
  const tests = Object.entries(value).map(([key, part]): Test => {
    const at = [...place, key];
    switch (key) {
      case 'not': {
        const inner = filterTest(context, at, part);
        return (payload, time) => !inner(payload, time);
      }
      case 'any': {
        const inner = filterList(context, at, part);
        return (payload, time) => inner.some((each) => each(payload, time));
      }
      case 'all': {
        const inner = filterList(context, at, part);
        return (payload, time) => inner.every((each) => each(payload, time));
      }
      default:
        return pathTest(context, at, key, part);
    }
  });
  return tests.length === 1 ? tests[0]! : (payload, time) => tests.every((each) => each(payload, time));
}

function filterList(context: FilterContext, place: Place, value: unknown): readonly Test[] {
  if (Array.isArray(value) && value.length > 0)
    return value.map((each, index) => filterTest(context, [...place, index], each));
  context.file.problem(place, 'value-invalid', `${dotted(place)}: a list of filters is needed`);
  return [];
}

function pathTest(context: FilterContext, place: Place, text: string, condition: unknown): Test {
  const { file, language } = context;
  const test = valuesTest(context, place, condition);
  if (!language) {
    file.keyProblem(place, 'path-invalid', `${text}: the payload has no paths at this point`);
    return never;
  }
  try {
    const path = language.path(text);
    return (payload, at) => test(path.values(payload), () => path.exists(payload), at);
  } catch (thrown) {
    if (!(thrown instanceof HubError)) throw thrown;
    file.keyProblem(place, 'path-invalid', `${text}: ${thrown.message}`);
    return never;
  }
}

function valuesTest(context: FilterContext, place: Place, condition: unknown): ValuesTest {
  const { file } = context;
  if (isScalar(condition)) {
    const wanted = written(file, place, condition);
    return (values) => values.includes(wanted);
  }
  if (Array.isArray(condition) && condition.length > 0 && condition.every(isScalar)) {
    const wanted = new Set(condition.map((each, index) => written(file, [...place, index], each)));
    return (values) => values.some((each) => wanted.has(each));
  }
  if (isMapping(condition) && Object.keys(condition).length > 0) {
    const tests = Object.entries(condition).map(([word, part]) => wordTest(context, [...place, word], word, part));
    return (values, exists, at) => tests.every((each) => each(values, exists, at));
  }
  file.problem(
    place,
    'value-invalid',
    `${dotted(place)}: a value, a list of values, or one of ${words.join(', ')} is needed`,
  );
  return noValues;
}

function wordTest(context: FilterContext, place: Place, word: string, part: unknown): ValuesTest {
  const { file } = context;
  switch (word) {
    case 'not': {
      const inner = valuesTest(context, place, part);
      return (values, exists, at) => !inner(values, exists, at);
    }
    case 'some': {
      const inner = valuesTest(context, place, part);
      return (values, _, at) => values.some((each) => inner([each], () => true, at));
    }
    case 'table':
      return tableTest(context, place, part);
    case 'any':
    case 'all': {
      if (!Array.isArray(part) || part.length === 0) {
        file.problem(place, 'value-invalid', `${dotted(place)}: a list of conditions is needed`);
        return noValues;
      }
      const inner = part.map((each, index) => valuesTest(context, [...place, index], each));
      return word === 'any'
        ? (values, exists, at) => inner.some((each) => each(values, exists, at))
        : (values, exists, at) => inner.every((each) => each(values, exists, at));
    }
    case 'exists': {
      if (typeof part !== 'boolean') file.problem(place, 'value-invalid', `${dotted(place)}: true or false is needed`);
      return (_, exists) => exists() === part;
    }
    default:
      file.keyProblem(place, 'key-unknown', `${word}: a filter knows ${words.join(', ')}${didYouMean(word, words)}`);
      return noValues;
  }
}

/** Whether any value is a code of the table. */
function tableTest({ file, tables }: FilterContext, place: Place, name: unknown): ValuesTest {
  if (typeof name !== 'string') {
    file.problem(place, 'value-invalid', `${dotted(place)}: the name of a code table is needed`);
    return noValues;
  }
  if (!tables) {
    file.problem(place, 'value-invalid', `${dotted(place)}: no tables are known at this point`);
    return noValues;
  }
  const table = tables.tables.get(name);
  if (!table) {
    const meant = unknownName(name, tables.tables.keys());
    file.problem(place, 'table-unknown', `${dotted(place)}: there is no table ${name}${meant}`);
    return noValues;
  }
  tables.note(`table ${name}`, table.hash);
  const lookup = table.lookup();
  return (values, _, at) => values.some((each) => lookup(each, at) !== undefined);
}

/** YAML reads `007` as a number, the payload has it as text. */
function written(file: YamlFile, place: Place, value: string | number | boolean): string {
  return typeof value === 'string' ? value : (file.textAt(place) ?? String(value));
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}
