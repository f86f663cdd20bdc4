import type { CodeTarget, MapRow, Rule } from '../rule.ts';
import { readCondition } from './condition.ts';
import type { ElementRow, Elements } from './elements.ts';
import { orderRepairs } from './overlay/orders.ts';
import { ownMaps, ownVocabularies } from './overlay/own-maps.ts';
import { patientRepairs } from './overlay/patient.ts';
import { type Repair, type Repairs, rowsOf } from './overlay/repair.ts';
import { visitRepairs } from './overlay/visit.ts';
import { readOwnRows } from './own-rows.ts';
import type { Row, Sheet, Sheets } from './sheets.ts';
import { readTarget } from './target.ts';

export interface Compiled {
  readonly segments: Readonly<Record<string, readonly Rule[]>>;
  readonly vocabularies: Readonly<Record<string, Readonly<Record<string, CodeTarget>>>>;
  /** The codes of the value sets that rules are bound to. */
  readonly bindings: Readonly<Record<string, readonly string[]>>;
  /** The codes of the code systems that codes are put under, as R4 lists them. */
  readonly systems: Readonly<Record<string, readonly string[]>>;
  /** The elements of the resources that rules make, for rules of sites: see `Elements.table`. */
  readonly elements: Readonly<Record<string, Readonly<Record<string, ElementRow>>>>;
  /** Every official row with a target, by map: what reports tell of a row, and what tests count. */
  readonly rows: Readonly<Record<string, readonly MapRow[]>>;
}

/** What was wrong with a row and how it was dealt with, for the account of the known defects. */
export type Handling = ReadonlyMap<string, string>;

/**
 * Compiles the official maps and the overlay into rules.
 * @throws Error that names every row that cannot be placed, and every repair that is of no row
 */
export function compile(sheets: Sheets, elements: Elements): Compiled & { readonly handling: Handling } {
  const compiler = new Compiler(sheets, elements);
  return compiler.compile();
}

const repairs: Repairs = { ...patientRepairs, ...visitRepairs, ...orderRepairs };

class Compiler {
  readonly #sheets: Sheets;
  readonly #elements: Elements;
  readonly #problems: string[] = [];
  readonly #handling = new Map<string, string>();
  readonly #names: ReadonlyMap<string, string>;
  readonly #vocabularies: ReadonlyMap<string, string>;
  readonly #bindings = new Set<string>();

  constructor(sheets: Sheets, elements: Elements) {
    this.#sheets = sheets;
    this.#elements = elements;
    this.#names = new Map(sheets.dataTypes.map(({ map }) => [map.toLowerCase(), map]));
    const known = [...sheets.codeSystems.map(({ map }) => map), ...Object.keys(ownVocabularies)];
    this.#vocabularies = new Map(known.map((name) => [plain(name), name]));
  }

  compile(): Compiled & { readonly handling: Handling } {
    const segments: Record<string, Rule[]> = {};
    for (const sheet of this.#sheets.segments) {
      const rules = this.#segmentRules(sheet);
      if (rules.length > 0) segments[sheet.map] = rules;
    }
    for (const [map, text] of Object.entries(ownMaps)) {
      segments[map] = [...(segments[map] ?? []), ...this.#ownRules(map, text)];
    }
    this.#checkConditions();
    if (this.#problems.length > 0) throw new Error(this.#problems.join('\n'));
    const elements = this.#elements.table(resourcesOf(segments));
    for (const rows of Object.values(elements))
      for (const [, , binding] of Object.values(rows)) if (binding !== '') this.#bindings.add(binding);
    return {
      elements,
      segments,
      vocabularies: this.#codes(),
      bindings: Object.fromEntries(
        [...this.#bindings].sort().flatMap((url) => {
          const codes = this.#elements.codesOf(url);
          return codes ? [[url, codes]] : [];
        }),
      ),
      systems: this.#systems(segments),
      rows: this.#rows(),
      handling: this.#handling,
    };
  }

  #segmentRules(sheet: Sheet): Rule[] {
    const own = new Map<number, Repair>();
    for (const [rows, repair] of Object.entries(repairs[sheet.map] ?? {})) {
      for (const row of rowsOf(rows)) own.set(row, repair);
    }
    const rules: Rule[] = [];
    for (const row of sheet.rows) {
      const repair = own.get(row.n);
      own.delete(row.n);
      const id = `${sheet.map} ${row.n}`;
      if (row.target === '') {
        if (repair) this.#problems.push(`${id}: a repair of a row without a target`);
        continue;
      }
      if (typeof repair === 'string') {
        this.#handling.set(id, repair);
        continue;
      }
      if (repair) this.#handling.set(id, 'repaired by the overlay');
      const rule = this.#rule(id, sheet.map, { ...row, ...repaired(repair) }, repair?.when !== undefined);
      if (rule) rules.push(rule);
    }
    for (const row of own.keys()) this.#problems.push(`${sheet.map} ${row}: a repair of a row that there is not`);
    return rules;
  }

  #ownRules(map: string, text: string): Rule[] {
    return readOwnRows(map, text).flatMap((row) => {
      const assignment = row.assignment && `"${row.assignment}"`;
      const narrative = { narrative: '', type: '', references: '' };
      return this.#rule(`${map} w${row.n}`, map, { ...row, assignment, ...narrative }, true) ?? [];
    });
  }

  #rule(id: string, map: string, row: Row, decided: boolean): Rule | undefined {
    const [, segment = '', resource = ''] = /^(\w+)\[(\w+)/.exec(map) ?? [];
    if (row.narrative && !row.condition && !decided) {
      this.#problems.push(`${id}: nobody has decided "${row.narrative.slice(0, 80)}"`);
      return undefined;
    }
    try {
      const target = readTarget(row.target, resource, this.#elements);
      const fixed = fixedOf(row.assignment) ?? target.assignment;
      const field = Number(/^\w{3}-(\d+)/.exec(row.source)?.[1] ?? 0);
      if (row.source.slice(0, 3) !== segment && row.source !== '')
        throw new Error(`${row.source} is of another segment`);
      const via = this.#named(row.via, this.#names, 'data type map');
      const vocabulary = this.#named(row.vocabulary, this.#vocabularies, 'vocabulary');
      if (target.binding) this.#bindings.add(target.binding);
      if (fixed !== undefined) this.#checkUrl(target.steps, fixed);
      return {
        id,
        field,
        ...(row.condition && { when: readCondition(row.condition, row.source || segment).condition }),
        to: target.steps,
        type: target.type,
        ...(target.binding && { binding: target.binding }),
        ...(target.others && { others: target.others }),
        ...(via && { via }),
        ...(vocabulary && { vocabulary }),
        ...(fixed !== undefined && { fixed }),
      };
    } catch (thrown) {
      this.#problems.push(`${id}: ${(thrown as Error).message}`);
      return undefined;
    }
  }

  #checkUrl(steps: string, url: string): void {
    if (!/(^|\.)extension#\w*\.url$/.test(steps) || !url.startsWith('http')) return;
    if (!this.#elements.hasExtension(url)) throw new Error(`R4 has no extension ${url}`);
  }

  /** Names of maps are written in more than one way. */
  #named(text: string, names: ReadonlyMap<string, string>, kind: string): string {
    if (text === '') return '';
    const name = names.get(text.toLowerCase()) ?? names.get(plain(text));
    if (name === undefined && !/^CP\[/.test(text)) throw new Error(`there is no ${kind} ${text}`);
    return name ?? text;
  }

  /** Conditions of the maps that code carries out have to be understood as well: code that does otherwise has a reason. */
  #checkConditions(): void {
    for (const { map, rows } of [...this.#sheets.messages, ...this.#sheets.dataTypes]) {
      for (const row of rows) {
        const text = conditionRepairs[`${map} ${row.n}`] ?? row.condition;
        if (text === '') continue;
        try {
          readCondition(text, row.source.replace(/^.*\./, '') || map.slice(0, 3));
        } catch (thrown) {
          this.#problems.push(`${map} ${row.n}: ${(thrown as Error).message}`);
        }
      }
    }
  }

  #codes(): Compiled['vocabularies'] {
    const all: Record<string, Record<string, CodeTarget>> = {};
    for (const { map, rows } of this.#sheets.codeSystems) {
      const codes: Record<string, CodeTarget> = {};
      for (const { code, target, display, system } of rows) {
        if (code !== '' && target !== '') codes[code] ??= [target, display, systemOf(system)];
      }
      if (Object.keys(codes).length > 0) all[map] = codes;
    }
    return { ...all, ...ownVocabularies };
  }

  #systems(segments: Readonly<Record<string, readonly Rule[]>>): Compiled['systems'] {
    const used = new Set(
      Object.values(this.#codes()).flatMap((codes) => Object.values(codes).map(([, , system]) => system)),
    );
    for (const { fixed } of Object.values(segments).flat()) if (fixed?.startsWith('http')) used.add(fixed);
    return this.#elements.systems(
      (url) => used.has(url) || url.startsWith('http://terminology.hl7.org/CodeSystem/v2-'),
    );
  }

  #rows(): Compiled['rows'] {
    const sheets = [...this.#sheets.messages, ...this.#sheets.segments, ...this.#sheets.dataTypes];
    const made = sheets.map(({ map, rows }) => {
      const kept = rows.filter(({ target }) => target !== '');
      return [map, kept.map((row) => [row.n, row.source, row.target, row.condition] as const)] as const;
    });
    return Object.fromEntries(made.filter(([, rows]) => rows.length > 0));
  }
}

/** Conditions of rows that code carries out, where they are not written as any other is. */
export const conditionRepairs: Readonly<Record<string, string>> = {
  // A web page is no list: whether an authority is in a register is for the site's configuration to say.
  'CX[Identifier] 9': '',
  'CX[RelatedPerson-Mother] 12': '',
  'PL[Location] 39': 'PL.8 VALUED AND PL.1 NOT VALUED AND PL.2 NOT VALUED AND PL.3 NOT VALUED',
  'PL[Location] 45': 'PL.11 VALUED AND PL.8 VALUED AND PL.1 NOT VALUED AND PL.2 NOT VALUED AND PL.3 NOT VALUED',
  'XCN[Annotation-Author] 22': 'XCN.19 NOT VALUED AND XCN.20 NOT VALUED',
  'XCN[Patient] 22': 'XCN.19 NOT VALUED AND XCN.20 NOT VALUED',
  'XCN[Practitioner] 22': 'XCN.19 NOT VALUED AND XCN.20 NOT VALUED',
  'XCN[PractitionerRole] 22': 'XCN.19 NOT VALUED AND XCN.20 NOT VALUED',
  'OML_O21 9': '',
};

/** The resources that rules make, sorted. */
function resourcesOf(segments: Readonly<Record<string, readonly Rule[]>>): string[] {
  const found = new Set<string>();
  for (const [map, rules] of Object.entries(segments)) {
    found.add(/\[(\w+)/.exec(map)?.[1] ?? '');
    for (const { to } of rules) for (const [, name = ''] of to.matchAll(/>(\w+)/g)) found.add(name);
  }
  return [...found].sort();
}

function repaired(repair: Exclude<Repair, string> | undefined): Partial<Row> {
  if (!repair) return {};
  return {
    ...(repair.to !== undefined && { target: repair.to }),
    ...(repair.when !== undefined && { condition: repair.when }),
    ...(repair.via !== undefined && { via: repair.via }),
    ...(repair.vocabulary !== undefined && { vocabulary: repair.vocabulary }),
    ...(repair.assign !== undefined && { assignment: repair.assign === '' ? '' : `"${repair.assign}"` }),
  };
}

/** `"x"` is a value to put there; `/what to do/` is for people; sums are done by code. */
function fixedOf(assignment: string): string | undefined {
  if (assignment === '' || /^\/.*\/?$/.test(assignment)) return undefined;
  const [, text] = /^"([^"]*)"$/.exec(assignment) ?? [];
  if (text === undefined) throw new Error(`the assignment ${assignment} is no value`);
  return text.trim();
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9[\]]/g, '');
}

/** Not every sheet writes a code system by its URI. */
function systemOf(text: string): string {
  const uri = text.trim().replace(/^"|"$/g, '');
  return /^(https?:\/\/|urn:)\S+$/.test(uri) ? uri.replace(/\/$/, '') : '';
}
