import { ProtocolFault } from '../../protocols/fault.ts';
import { DEFAULT_DELIMITERS } from '../../protocols/hl7v2/delimiters.ts';
import { escapeText } from '../../protocols/hl7v2/escape.ts';
import { declaresDelimiters } from '../../protocols/hl7v2/layout.ts';
import { Hl7Message } from '../../protocols/hl7v2/message.ts';
import type { Path } from '../../protocols/hl7v2/path.ts';
import { isEvery, Matches } from '../../protocols/hl7v2/select.ts';
import { invalid } from './function.ts';
import type { Hl7Definitions } from './hl7-definitions.ts';
import { Hl7Draft } from './hl7-draft.ts';
import type { Line } from './hl7-line.ts';
import { scopeOf } from './hl7-source.ts';
import { isAscii } from './hl7-text.ts';
import { Hl7View } from './hl7-view.ts';
import type { Beside, Run, Scopes, TargetModel } from './run.ts';
import { faultyValue, RawText, type Value } from './value.ts';

export interface Hl7TargetOptions {
  readonly definitions: Hl7Definitions;
  /** Of the source, for what is copied from it. */
  readonly sourceDefinitions: Hl7Definitions;
  /** What is written for a character that the message's character set does not have. */
  readonly substitute: string | undefined;
  /** The message that a result is built on; without it the source is edited. */
  readonly build?: (run: Run) => Hl7Message;
}

const draftOf = (run: Run) => run.draft as Hl7Draft;

/**
 * Writes HL7 v2. When the source is edited, paths mean in a loop the segments of its item, as they do in the source; when a message
 * is built, the segment of their name that was made last.
 */
export function hl7Target({ definitions, sourceDefinitions, substitute, build }: Hl7TargetOptions): TargetModel {
  const edits = build === undefined;
  const draftOn = (message: Hl7Message) => new Hl7Draft(new Hl7View(message), substitute, !edits);
  const scoped = (path: Path, scopes: Scopes) => (edits ? scopeOf(path, scopes) : undefined);

  const read = (text: string, scopes: Scopes): { path: Path; slot: number; repetition: boolean } => {
    const whole = text.startsWith('/');
    const path = writable(definitions.path(whole ? text.slice(1) : text));
    const scope = whole ? undefined : scoped(path, scopes);
    return { path, slot: scope?.slot ?? -1, repetition: scope?.repetition ?? false };
  };
  const lineOf = (run: Run, path: Path, slot: number): Line | undefined =>
    slot < 0 ? draftOf(run).lineFor(path) : draftOf(run).lineFor(path, run.firsts[slot], run.lasts[slot]);
  const lineOrNew = (run: Run, path: Path, slot: number): Line => {
    const line = lineOf(run, path, slot);
    if (line) return line;
    if (isEvery(path.segments) && slot < 0) return draftOf(run).add(path.segment);
    throw new ProtocolFault('hl7v2.no-target', 'editing a message: no segment matches');
  };

  return {
    kind: 'hl7v2',
    start: (run) => {
      if (build) return draftOn(build(run));
      return new Hl7Draft(run.source as Hl7View, substitute, false);
    },
    finish: (run) => draftOf(run).finish(),
    resume: (_, payload) => {
      if (!(payload instanceof Hl7Message)) throw faultyValue('it gave no HL7 message');
      return draftOn(payload);
    },

    path: (text, scopes) => {
      const { path, slot, repetition } = read(text, scopes);
      if (path.field === 0) throw invalid('a value goes into a field, and the path names none');
      const write = (run: Run, raw: string) => {
        const line = raw === '' ? lineOf(run, path, slot) : lineOrNew(run, path, slot);
        if (!line) return;
        if (!repetition) return draftOf(run).set(line, path, raw);
        const now = draftOf(run).repetitionsLeft.now(line, path.field, run.repetitions[slot]!);
        // What was deleted gets nothing.
        if (now > 0) draftOf(run).set(line, path, raw, now);
      };
      return {
        write: (run, value) => write(run, draftOf(run).written(value)),
        writing: (value) => {
          const usual = usuallyWritten(value);
          if (usual === undefined) return (run) => write(run, draftOf(run).written(value));
          return (run) => {
            const draft = draftOf(run);
            write(run, draft.delimiters === DEFAULT_DELIMITERS ? usual : draft.written(value));
          };
        },
        depth: depthOf(path),
      };
    },

    fieldOf: (inserted, text) => {
      const path = writable(definitions.path(text));
      const parent = definitions.path(inserted);
      const inside =
        path.segment === parent.segment && path.field > 0 && (parent.field === 0 || path.field === parent.field);
      if (!inside || !isEvery(path.segments))
        throw invalid(`a field of ${inserted} is needed: ${inserted}${parent.field === 0 ? '-1' : '.1'}`);
      return {
        write: (run, value) => {
          const draft = draftOf(run);
          const repetition = parent.field > 0 ? draft.insertedRepetition : undefined;
          draft.set(draft.inserted!, path, draft.written(value), repetition);
        },
        depth: depthOf(path),
      };
    },

    insert: (what, beside, scopes) => {
      const { path, slot } = read(what, scopes);
      if (path.component > 0 || !isEvery(path.repetitions))
        throw invalid('a segment or a field is needed: ZPI, or PID-3 for a repetition');
      if (path.field > 0) {
        if (beside) throw invalid('a repetition goes to the end of its field');
        return (run) => {
          const draft = draftOf(run);
          draft.inserted = lineOrNew(run, path, slot);
          draft.insertedRepetition = draft.repetitions(draft.inserted, path.field) + 1;
        };
      }
      if (!isEvery(path.segments) || declaresDelimiters(path.name))
        throw invalid('the name of a segment is needed: ZPI');
      const neighbours = (beside?.paths ?? []).map((each) => read(each, scopes));
      return (run) => {
        const draft = draftOf(run);
        draft.inserted = draft.add(path.segment, beside?.where, neighbour(run, beside, neighbours));
      };
    },

    remove: (text, scopes) => {
      const { path, slot, repetition } = read(text, scopes);
      if (path.field === 0 && declaresDelimiters(path.name)) throw invalid('MSH stays');
      return (run) => {
        const draft = draftOf(run);
        const lines = slot < 0 ? draft.every(path) : draft.every(path, run.firsts[slot], run.lasts[slot]);
        for (const line of lines) {
          if (path.field === 0) line.gone = true;
          else if (!repetition) draft.clear(line, path);
          else {
            const index = draft.repetitionsLeft.now(line, path.field, run.repetitions[slot]!);
            if (index > 0) draft.clear(line, { ...path, repetitions: { where: [], index } });
          }
        }
      };
    },

    copy: (from, to, scopes) => {
      const whole = from.startsWith('/');
      const source = sourceDefinitions.path(whole ? from.slice(1) : from);
      const scope = whole ? undefined : scopeOf(source, scopes);
      if (source.field === 0) {
        if (edits) throw invalid('the result has the segments of the source already');
        if (to !== undefined || declaresDelimiters(source.name))
          throw invalid('a segment is copied to the end of the result, as it is');
        return (run) => copySegments(run, source, scope?.slot ?? -1);
      }
      if (source.component > 0 || !isEvery(source.repetitions)) throw invalid('a segment or a whole field is copied');
      const { path, slot } = read(to ?? from, scopes);
      if (path.field === 0 || path.component > 0 || !isEvery(path.repetitions))
        throw invalid('a whole field is copied to a whole field');
      return (run) =>
        copyField(run, source, scope?.slot ?? -1, (raw) => {
          const line = raw === '' ? lineOf(run, path, slot) : lineOrNew(run, path, slot);
          if (line) draftOf(run).setField(line, path.field, raw);
        });
    },
  };
}

/** A value as it stands in messages with the usual delimiters, where every character set has it. */
function usuallyWritten(value: Value): string | undefined {
  if (value === null) return '""';
  const text = typeof value === 'object' ? undefined : String(value ?? '');
  return text !== undefined && isAscii(text) ? escapeText(text, DEFAULT_DELIMITERS) : undefined;
}

function neighbour(
  run: Run,
  beside: Beside | undefined,
  paths: readonly { readonly path: Path; readonly slot: number }[],
): Line | undefined {
  const draft = draftOf(run);
  for (const { path, slot } of paths) {
    const found = slot < 0 ? draft.every(path) : draft.every(path, run.firsts[slot], run.lasts[slot]);
    const line = beside?.where === 'after' ? found.at(-1) : found[0];
    if (line) return line;
  }
  return undefined;
}

function copySegments(run: Run, path: Path, slot: number): void {
  const { layout } = run.source as Hl7View;
  const draft = draftOf(run);
  const matches = new Matches(layout, path);
  while (matches.next()) {
    if (slot >= 0 && (matches.segment < run.firsts[slot]! || matches.segment >= run.lasts[slot]!)) continue;
    const raw = layout.bytes.toString('latin1', matches.span.start, matches.span.end);
    draft.inserted = draft.add(draft.written(new RawText(raw, layout)));
  }
}

function copyField(run: Run, path: Path, slot: number, write: (raw: string) => void): void {
  const { layout } = run.source as Hl7View;
  const matches = new Matches(layout, { ...path, field: 0 });
  while (matches.next()) {
    if (slot >= 0 && (matches.segment < run.firsts[slot]! || matches.segment >= run.lasts[slot]!)) continue;
    const { span } = layout;
    const raw = layout.field(matches.segment, path.field, span)
      ? layout.bytes.toString('latin1', span.start, span.end)
      : '';
    write(draftOf(run).written(new RawText(raw, layout)));
    return;
  }
  write('');
}

function depthOf({ component, subcomponent }: Path): number {
  return subcomponent > 0 ? 3 : component > 0 ? 2 : 1;
}

function writable(path: Path): Path {
  if (path.field > 0 && path.field < 3 && declaresDelimiters(path.name))
    throw invalid('the delimiters of a message are fixed');
  return path;
}
