import type { ProblemCode } from '../../../core/config/problem.ts';
import { didYouMean } from '../../../core/config/suggestion.ts';
import type { YamlFile } from '../../../core/config/yaml-file.ts';
import type { Dropped } from '../conversion.ts';
import rowsByMap from '../generated/rows.json' with { type: 'json' };
import type { Rule } from '../rule.ts';
import { RuleSet } from '../rule-set.ts';
import { officialRules } from '../segment-map.ts';
import { Mistake, readRules } from './read-rule.ts';
import { type RuleEntry, rulesFile } from './rules-file.ts';

/** Puts the layers of a site over the official rules, one after the other. */
export class Layers {
  readonly #maps = new Map<string, Rule[]>();
  readonly #dropped = new Map<string, Dropped>();
  readonly #names = new Set<string>();

  /** Adds a layer; what is wrong with it is noted in its file. */
  add(file: YamlFile): void {
    if (file.problems.length > 0) return;
    const read = file.read(rulesFile, [], file.value);
    if (!read) return;
    if (this.#names.has(read.layer))
      file.problem(['layer'], 'name-taken', `layer: ${read.layer} is a layer before this`);
    this.#names.add(read.layer);
    const ids = new Set<string>();
    for (const [at, entry] of read.rules.entries()) {
      try {
        if (ids.has(entry.id)) throw new Mistake('id', 'name-taken', `${entry.id} is the id of a rule before this`);
        ids.add(entry.id);
        this.#place(entry, `${read.layer}:${entry.id}`);
      } catch (thrown) {
        if (!(thrown instanceof Mistake)) throw thrown;
        const place = ['rules', at, ...(thrown.key === '' ? [] : [thrown.key])];
        file.problem(place, thrown.code, `${place.join('.')}: ${thrown.message}`);
      }
    }
  }

  rules(): RuleSet {
    return new RuleSet({ maps: this.#maps, dropped: this.#dropped });
  }

  #place(entry: RuleEntry, id: string): void {
    const { from, replaces, drops } = entry;
    if ([from, replaces, drops].filter((each) => each !== undefined).length !== 1)
      throw new Mistake('', 'value-invalid', 'it adds a rule (from), replaces one or drops one');
    allowed(entry, replaces !== undefined ? 'replaces' : drops !== undefined ? 'drops' : 'from');
    if (drops !== undefined) this.#drop(entry, drops, id);
    else if (replaces !== undefined) this.#replace(entry, replaces, id);
    else this.#insert(entry, id);
  }

  #insert(entry: RuleEntry, id: string): void {
    for (const { map, rules } of readRules(entry, id)) this.#rulesOf(map).push(...rules);
  }

  #replace(entry: RuleEntry, row: string, id: string): void {
    for (const map of this.#mapsOf(row, 'replaces')) {
      const rules = this.#rulesOf(map);
      const at = rules.findIndex((rule) => rule.id === row);
      // Of an extension its URL stands before its value.
      const own = rules.filter((rule) => rule.id === row);
      const [read] = readRules(entry, id, { map, rule: own.at(-1)! });
      const url = entry.to === undefined ? own.slice(0, -1).map((rule) => ({ ...rule, id })) : [];
      const others = rules.filter((rule) => rule.id !== row);
      this.#maps.set(map, [...others.slice(0, at), ...url, ...read!.rules, ...others.slice(at)]);
    }
  }

  #drop({ reason = '', ignore = false }: RuleEntry, row: string, id: string): void {
    for (const map of this.#mapsOf(row, 'drops')) {
      const rules = this.#rulesOf(map);
      const { field } = rules.find((rule) => rule.id === row)!;
      const others = rules.filter((rule) => rule.id !== row);
      this.#maps.set(map, others);
      if (field > 0) this.#dropped.set(`${map.slice(0, 3)}-${field}`, { id, reason, ignored: ignore });
    }
  }

  /** The maps that have a rule of that row as things stand. */
  #mapsOf(row: string, key: 'replaces' | 'drops'): readonly string[] {
    const names = new Set([...Object.keys(officialRules), ...this.#maps.keys()]);
    const maps = [...names].filter((map) =>
      (this.#maps.get(map) ?? officialRules[map] ?? []).some((rule) => rule.id === row),
    );
    if (maps.length === 0) throw new Mistake(key, 'value-invalid', this.#unknown(row));
    const [first] = maps;
    const named = (this.#maps.get(first!) ?? officialRules[first!]!).filter((rule) => rule.id === row);
    if (named.every(({ to }) => /(?:^|\.)extension#\w*\.url$/.test(to)))
      throw new Mistake(
        key,
        'value-invalid',
        `${row} is the URL of an extension, which goes with its value: name the row of that`,
      );
    return maps;
  }

  #unknown(row: string): string {
    const at = row.lastIndexOf(' ');
    const map = row.slice(0, at);
    const known = this.#maps.get(map) ?? officialRules[map];
    if (Object.values(officialRules).some((rules) => rules.some((rule) => rule.id === row)))
      return `${row} is dropped or replaced by a rule before this`;
    const rows = Object.hasOwn(rowsByMap, map)
      ? (rowsByMap as unknown as Record<string, readonly [number][]>)[map]!
      : [];
    if (rows.some(([n]) => String(n) === row.slice(at + 1)))
      return `${row} is no rule of its own: Weir's code carries it out, or leaves it out for a reason`;
    if (known)
      return `there is no row ${row}${didYouMean(
        row,
        known.map((rule) => rule.id),
      )}`;
    const ids = [...this.#maps.values()].flatMap((rules) => rules.map((rule) => rule.id));
    return `there is no row ${row}${didYouMean(map, Object.keys(officialRules)) || didYouMean(row, ids)}`;
  }

  #rulesOf(map: string): Rule[] {
    let rules = this.#maps.get(map);
    if (!rules) this.#maps.set(map, (rules = [...(officialRules[map] ?? [])]));
    return rules;
  }
}

const keys: Readonly<Record<'from' | 'replaces' | 'drops', readonly (keyof RuleEntry)[]>> = {
  from: ['to', 'url', 'via', 'vocabulary', 'codes', 'when', 'value'],
  replaces: ['to', 'url', 'via', 'vocabulary', 'codes', 'when', 'value'],
  drops: ['reason', 'ignore'],
};

function allowed(entry: RuleEntry, verb: keyof typeof keys): void {
  for (const key of Object.keys(entry) as (keyof RuleEntry)[]) {
    if (key === 'id' || key === verb || keys[verb].includes(key)) continue;
    const code: ProblemCode = 'key-unknown';
    throw new Mistake(
      key,
      code,
      `goes with ${key === 'reason' || key === 'ignore' ? 'drops' : 'from or replaces'}, not with ${verb}`,
    );
  }
  if (verb === 'drops' && entry.reason === undefined) throw new Mistake('drops', 'key-missing', 'a reason is needed');
  if (verb === 'from' && entry.to === undefined) throw new Mistake('from', 'key-missing', 'the element is missing: to');
  if (entry.vocabulary !== undefined && entry.codes !== undefined)
    throw new Mistake('codes', 'value-invalid', 'codes stand in place of a vocabulary');
}
