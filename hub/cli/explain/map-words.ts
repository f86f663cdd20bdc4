import { readFile } from 'node:fs/promises';
import { isMapping, type Place, YamlFile } from '../../../core/config/yaml-file.ts';
import { readFilter } from '../filters/filter-tree.ts';
import { filterWords } from '../filters/filter-words.ts';

type Given = Readonly<Record<string, unknown>>;

/** What a map does, a line for each rule: which fields are set from where. Undefined where the file cannot be read. */
export async function mapWords(path: string): Promise<readonly string[] | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const file = new YamlFile(path, text);
  if (!isMapping(file.value)) return undefined;
  const { split, rules, mode, message } = file.value;
  return [
    ...(isMapping(split)
      ? [`makes one result for each ${String(split.each)}${whenWords(file, ['split'], split)}`]
      : []),
    ...(mode === 'build' ? ['builds a new message'] : []),
    ...(isMapping(message) ? Object.entries(message).map(([key, value]) => `header ${key}: ${valueWords(value)}`) : []),
    ...rulesWords(file, ['rules'], rules),
  ];
}

function rulesWords(file: YamlFile, place: Place, rules: unknown): readonly string[] {
  return (Array.isArray(rules) ? rules : []).flatMap((rule, index) => ruleWords(file, [...place, index], rule));
}

function ruleWords(file: YamlFile, place: Place, rule: unknown): readonly string[] {
  if (!isMapping(rule)) return [];
  const when = whenWords(file, place, rule);
  const inner = (key: string) => rulesWords(file, [...place, key], rule[key]).map((line) => `  ${line}`);
  if (isMapping(rule.set)) return fields(rule.set, when);
  if (isMapping(rule.let)) return fields(rule.let, when, '$');
  if (rule.copy !== undefined)
    return [`copies ${list(rule.copy)}${rule.to === undefined ? '' : ` to ${String(rule.to)}`}${when}`];
  if (rule.delete !== undefined) return [`deletes ${list(rule.delete)}${when}`];
  if (rule.insert !== undefined) {
    const beside =
      rule.after !== undefined
        ? ` after ${list(rule.after)}`
        : rule.before !== undefined
          ? ` before ${list(rule.before)}`
          : '';
    const own = isMapping(rule.fields) ? fields(rule.fields, '').map((line) => `  ${line}`) : [];
    return [`inserts ${String(rule.insert)}${beside}${when}`, ...own];
  }
  if (rule.each !== undefined) return [`for each ${String(rule.each)}${when}:`, ...inner('rules')];
  if (rule.script !== undefined) return [`runs ${String(rule.script)}${when}`];
  if (rule.fail !== undefined) return [`fails with "${String(rule.fail)}"${when}`];
  if (rule.rules === undefined) return [];
  const otherwise = rule.else === undefined ? [] : ['else:', ...inner('else')];
  return [`${when.trim() || 'always'}:`, ...inner('rules'), ...otherwise];
}

function whenWords(file: YamlFile, place: Place, rule: Given): string {
  const filter = readFilter(file, [...place, 'when'], rule.when);
  return filter ? ` where ${filterWords(filter)}` : '';
}

function fields(values: Given, when: string, mark = ''): readonly string[] {
  return Object.entries(values).map(([path, value]) => `${mark}${path} ← ${valueWords(value)}${when}`);
}

/** An expression of a map: `PID-5.1, upper`, `"WEIR"`, `PV1-2 by the table patient-class`. */
function valueWords(value: unknown): string {
  if (value === null) return 'nothing (deleted)';
  if (typeof value === 'string' && value.includes('${')) return value;
  if (!isMapping(value)) return JSON.stringify(value);
  const {
    from,
    value: text,
    join,
    with: between,
    choose,
    do: steps,
    table,
    unknown,
    date,
    default: otherwise,
    whenEmpty,
  } = value;
  return [
    origin(from, text, join, between, choose),
    ...(Array.isArray(steps) ? steps.map(functionWords) : []),
    ...(table === undefined ? [] : [`by the table ${typeof table === 'string' ? table : compact(table)}`]),
    ...(unknown === undefined ? [] : [`unknown codes: ${compact(unknown)}`]),
    ...(date === undefined ? [] : [`as date ${compact(date)}`]),
    ...(otherwise === undefined ? [] : [`else ${JSON.stringify(otherwise)}`]),
    ...(whenEmpty === 'keep'
      ? ['left as it is where that is empty']
      : whenEmpty === 'error'
        ? ['an error where that is empty']
        : []),
  ].join(', ');
}

function origin(from: unknown, text: unknown, join: unknown, between: unknown, choose: unknown): string {
  if (from !== undefined) return Array.isArray(from) ? `the first filled of ${from.join(', ')}` : String(from);
  if (text !== undefined) return valueWords(text);
  if (Array.isArray(join))
    return `${join.map(valueWords).join(' + ')}${between === undefined ? '' : ` with ${JSON.stringify(between)} between`}`;
  if (!Array.isArray(choose)) return 'nothing';
  return choose
    .filter(isMapping)
    .map(({ when, use }) => `${valueWords(use)}${when === undefined ? ' otherwise' : ` where ${compact(when)}`}`)
    .join('; ');
}

function functionWords(step: unknown): string {
  if (!isMapping(step)) return String(step);
  return Object.entries(step)
    .map(([name, given]) => `${name} ${compact(given)}`)
    .join(', ');
}

function compact(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value).replace(/"/g, '').replace(/[{}]/g, '');
}

function list(value: unknown): string {
  return Array.isArray(value) ? value.join(', ') : String(value);
}
