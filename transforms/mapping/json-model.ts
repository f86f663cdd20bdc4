import type { JsonValue } from '../../contracts/json.ts';
import { everyAt, firstAt, isObject, type JsonStep, readJsonPath } from '../../contracts/json-path.ts';
import { invalid } from './function.ts';
import { eachOf } from './loop.ts';
import type { Run, Scopes, SourceModel, SourcePath, TargetModel, TargetPath } from './run.ts';
import { asText, faultyValue, RawText, type Value } from './value.ts';

/** Reads JSON. A loop gives its item a name (`as`, `item` by itself), with which paths begin that mean the item. */
export const jsonSource: SourceModel = {
  kind: 'json',
  open: (payload) => payload,
  path: (text, scopes) => sourcePath(text, scopes),
  loop: (text, also, name, slot, scopes) => {
    if (also.length > 0) throw invalid('with: is for segments of HL7');
    const { steps, from, top } = place(text, scopes);
    const last = steps.at(-1);
    const ofItems = last?.kind === 'every' || last?.kind === 'where';
    return {
      scope: { slot, names: new Set([name ?? 'item']) },
      each: (run, body) => {
        const found = everyAt(top(run), steps, from).filter((each) => each !== null);
        // One object where a list could stand is a list of one: many senders write it so.
        const items = ofItems ? found : (found.flat() as readonly JsonValue[]);
        eachOf(run, slot, items.length, body, (n) => {
          run.items[slot] = items[n];
        });
      },
    };
  },
};

/** Where a path into the source begins, in a loop's item or the whole, and the steps from `from` on that it takes. */
function place(text: string, scopes: Scopes) {
  const whole = text.startsWith('/');
  const steps = readJsonPath(whole ? text.slice(1) : text);
  const [first] = steps;
  const scope = whole || first?.kind !== 'key' ? undefined : scopes.find(({ names }) => names.has(first.key));
  const top = scope ? (run: Run) => run.items[scope.slot] as JsonValue : (run: Run) => run.source as JsonValue;
  return { steps, from: scope ? 1 : 0, top };
}

function sourcePath(text: string, scopes: Scopes): SourcePath {
  const { steps, from, top } = place(text, scopes);
  return {
    first: (run) => firstAt(top(run), steps, from),
    all: (run) =>
      everyAt(top(run), steps, from).flatMap((each) =>
        each === null || typeof each === 'object' || each === '' ? [] : [String(each)],
      ),
    exists: (run) => firstAt(top(run), steps, from) !== undefined,
    depth: 0,
  };
}

type Tree = Record<string, unknown>;
/** What stands between is made: a list with a million holes would be a slip of the map. */
const MAX_ITEMS = 1_000;

class JsonDraft {
  readonly root: Tree;
  inserted: Tree | undefined;

  constructor(root: Tree) {
    this.root = root;
  }
}

const draftOf = (run: Run) => run.draft as JsonDraft;

/** Writes JSON. A list in the middle of a path means its last item: the one that `insert` has made. */
export const jsonTarget: TargetModel = {
  kind: 'json',
  start: () => new JsonDraft({}),
  finish: (run) => draftOf(run).root,
  // What the script gave may be shared; it is never changed.
  resume: (_, payload) => {
    if (!isObject(payload)) throw faultyValue('it gave no JSON object');
    return new JsonDraft(structuredClone(payload) as Tree);
  },
  path: (text) => targetPath(text, (run) => draftOf(run).root),
  fieldOf: (_, text) => targetPath(text, (run) => draftOf(run).inserted!),
  insert: (what, beside) => {
    if (beside) throw invalid('before: and after: are for segments of HL7');
    const steps = writableSteps(what);
    if (steps.at(-1)?.kind !== 'key') throw invalid('the path of a list is needed: orders');
    const list: readonly JsonStep[] = [...steps, { kind: 'every' }];
    return (run) => {
      const draft = draftOf(run);
      draft.inserted = {};
      put(draft.root, list, draft.inserted);
    };
  },
  remove: (text) => {
    const steps = writableSteps(text);
    return (run) => put(draftOf(run).root, steps, undefined);
  },
  copy: (from, to, scopes) => {
    const source = sourcePath(from, scopes);
    const steps = writableSteps(to ?? from);
    return (run) => put(draftOf(run).root, steps, owned(source.first(run)));
  },
};

function targetPath(text: string, top: (run: Run) => Tree): TargetPath {
  const steps = writableSteps(text);
  return { write: (run, value) => put(top(run), steps, owned(value)), depth: 0 };
}

function owned(value: Value): unknown {
  if (value instanceof RawText) return asText(value);
  // Later rules may write into it, and payloads are never changed (rule 7).
  return typeof value === 'object' ? structuredClone(value) : value;
}

function writableSteps(text: string): readonly JsonStep[] {
  const steps = readJsonPath(text);
  const every = steps.findIndex(({ kind }) => kind === 'every');
  const tooFar = steps.find((step) => step.kind === 'index' && step.index >= MAX_ITEMS);
  if (tooFar) throw invalid(`a list has at most ${MAX_ITEMS} items by their number`);
  if (steps[0]?.kind !== 'key') throw invalid('a path into the result begins with a key');
  if (steps.some(({ kind }) => kind === 'where') || (every >= 0 && every < steps.length - 1))
    throw invalid('a path into the result names one place: a key, [n], or [] at its end for one item more');
  return steps;
}

/** Sets the value at a path, making objects and lists on the way; undefined takes it away. */
function put(top: Tree, steps: readonly JsonStep[], value: unknown): void {
  let holder: Tree | unknown[] = top;
  for (const [at, step] of steps.entries()) {
    if (Array.isArray(holder) && step.kind === 'key') {
      if (holder.length === 0) {
        if (value === undefined) return;
        holder.push({});
      }
      const last: unknown = holder.at(-1);
      if (!isObject(last)) throw faultyValue('a value stands where the path needs an object');
      holder = last as Tree;
    }
    if (!Array.isArray(holder) && step.kind !== 'key')
      throw faultyValue('an object stands where the path needs a list');
    const key: string | number =
      step.kind === 'key' ? step.key : step.kind === 'index' ? step.index : (holder.length as number);
    const slots = holder as Record<string | number, unknown>;
    if (at === steps.length - 1) {
      if (value !== undefined) slots[key] = value;
      else if (Array.isArray(holder)) {
        if (step.kind === 'index') holder.splice(step.index, 1);
      } else delete slots[key];
      return;
    }
    const below: unknown = Object.hasOwn(slots, key) ? slots[key] : undefined;
    if (below === undefined || below === null) {
      if (value === undefined) return;
      slots[key] = steps[at + 1]?.kind === 'key' ? {} : [];
    } else if (typeof below !== 'object') throw faultyValue('a value stands where the path needs an object or a list');
    holder = slots[key] as Tree | unknown[];
  }
}
