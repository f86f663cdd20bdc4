import type { FlatRecord, RecordFile, RecordFormat } from '../../contracts/record-file.ts';
import { didYouMean } from '../../core/config/suggestion.ts';
import { invalid } from './function.ts';
import { eachOf } from './loop.ts';
import type { Run, Scopes, SourceModel, TargetModel, TargetPath } from './run.ts';
import { asText, faultyValue } from './value.ts';

type Types = RecordFormat['recordTypes'];

/** Reads records by column: `mrn` where there is one type, else `item.code`. In a loop the current record is meant, else the first. */
export function recordSource(types: Types): SourceModel {
  return {
    kind: 'records',
    open: (payload) => payload,
    path: (text, scopes) => {
      const { type, column } = columnOf(text, types);
      const record = recordReader(type, scopes);
      const first = (run: Run) => record(run)?.fields[column] || undefined;
      return {
        first,
        all: (run) => {
          const value = first(run);
          return value === undefined ? [] : [value];
        },
        exists: (run) => first(run) !== undefined,
        depth: 0,
      };
    },
    loop: (text, also, _name, slot) => {
      if (also.length > 0) throw invalid('with: is for segments of HL7');
      checkType(text, types);
      return {
        scope: { slot, names: new Set([text]) },
        each: (run, body) => {
          const found = (run.source as RecordFile).records.filter(({ type }) => type === text);
          eachOf(run, slot, found.length, body, (n) => {
            run.items[slot] = found[n];
          });
        },
      };
    },
  };
}

function recordReader(type: string, scopes: Scopes): (run: Run) => FlatRecord | undefined {
  const scope = scopes.find(({ names }) => names.has(type));
  if (scope) return (run) => run.items[scope.slot] as FlatRecord;
  return (run) => (run.source as RecordFile).records.find((record) => record.type === type);
}

interface WritableRecord {
  readonly type: string;
  readonly fields: Record<string, string>;
}

const recordsOf = (run: Run) => run.draft as WritableRecord[];

/** Writes records. A path means the record of its type that was made last; the first is made when it is needed. */
export function recordTarget(types: Types): TargetModel {
  const add = (run: Run, type: string): WritableRecord => {
    const record: WritableRecord = { type, fields: Object.create(null) };
    recordsOf(run).push(record);
    return record;
  };
  const place = (text: string, inserted?: string): TargetPath => {
    const { type, column } = columnOf(text, types, inserted);
    return {
      write: (run, value) => {
        const cell = asText(value) ?? '';
        const record =
          recordsOf(run).findLast((each) => each.type === type) ?? (cell === '' ? undefined : add(run, type));
        if (record) record.fields[column] = cell;
      },
      depth: 0,
    };
  };
  return {
    kind: 'records',
    start: () => [],
    finish: (run) => ({ records: recordsOf(run) }) satisfies RecordFile,
    resume: (_, payload) => {
      const { records } = payload as Partial<RecordFile>;
      if (!Array.isArray(records)) throw faultyValue('it gave no records');
      return records.map(({ type, fields }: FlatRecord) => ({
        type,
        fields: Object.assign(Object.create(null), fields),
      }));
    },
    path: (text) => place(text),
    fieldOf: (inserted, text) => place(text, inserted),
    insert: (what, beside) => {
      if (beside) throw invalid('before: and after: are for segments of HL7');
      checkType(what, types);
      return (run) => {
        add(run, what);
      };
    },
    remove: (text) => {
      const { write } = place(text);
      return (run) => write(run, undefined);
    },
    copy: () => {
      throw invalid('copy: is for HL7 to HL7 and JSON to JSON');
    },
  };
}

/** @param type of the record that is meant when the path names none */
function columnOf(text: string, types: Types, type?: string): { readonly type: string; readonly column: string } {
  const dot = text.indexOf('.');
  const only = type ?? (types.size === 1 ? [...types.keys()][0]! : undefined);
  if (only !== undefined && types.get(only)?.includes(text)) return { type: only, column: text };
  if (dot > 0) {
    const named = text.slice(0, dot);
    if (type === undefined || type === named) checkType(named, types);
    const column = text.slice(dot + 1);
    if ((type === undefined || type === named) && types.get(named)?.includes(column)) return { type: named, column };
    throw invalid(`${named} has no column ${column}${didYouMean(column, types.get(named) ?? [])}`);
  }
  if (only !== undefined) throw invalid(`${only} has no column ${text}${didYouMean(text, types.get(only) ?? [])}`);
  const every = [...types].flatMap(([name, columns]) => columns.map((column) => `${name}.${column}`));
  const owner = every.find((each) => each.endsWith(`.${text}`));
  throw invalid(`the type of the record is missing${owner === undefined ? '' : ` – did you mean ${owner}?`}`);
}

function checkType(name: string, types: Types): void {
  if (!types.has(name)) throw invalid(`there are no records ${name}${didYouMean(name, types.keys())}`);
}
