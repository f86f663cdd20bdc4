import type { Measured } from './measure.ts';

/** The figures of some files together. */
export interface Figures {
  readonly files: number;
  readonly convertible: number;
  /** By both judges; undefined where they have not been asked. */
  readonly valid: number | undefined;
  readonly dangling: number;
  readonly empty: number;
  readonly values: number;
  readonly landed: number;
  readonly leaves: number;
  readonly accounted: number;
  /** Leaves that a rule took, of messages that there is a way back to, and those of them that come back in their place. */
  readonly mapped: number;
  readonly back: number;
  /** Leaves that are kept in extensions, likewise. */
  readonly kept: number;
  readonly keptBack: number;
  /** Of which a second conversion gave other bytes. */
  readonly different: number;
  readonly thrown: number;
}

export function figuresOf(measured: readonly Measured[]): Figures {
  const sum = (of: (each: Measured) => number) => measured.reduce((total, each) => total + of(each), 0);
  const values = sum((each) => each.values);
  const leaves = sum((each) => each.leaves);
  const judged = measured.every(({ text, issues }) => text === undefined || issues !== undefined);
  return {
    files: measured.length,
    convertible: sum(({ refused }) => (refused === undefined ? 1 : 0)),
    valid: judged ? sum(({ issues }) => (issues?.length === 0 ? 1 : 0)) : undefined,
    dangling: sum(({ dangling }) => dangling.length),
    empty: sum(({ empty }) => empty.length),
    values,
    landed: values - sum(({ lost }) => lost.length),
    leaves,
    accounted: leaves - sum(({ unaccounted }) => unaccounted.length),
    mapped: sum(({ back }) => back?.mapped ?? 0),
    back: sum(({ back }) => (back ? back.mapped - back.differing.length : 0)),
    kept: sum(({ back }) => back?.kept ?? 0),
    keptBack: sum(({ back }) => (back ? back.kept - back.keptDiffering.length : 0)),
    different: sum(({ same }) => (same ? 0 : 1)),
    thrown: sum(({ thrown }) => (thrown === undefined ? 0 : 1)),
  };
}

const HEADER = [
  'files',
  'messages',
  'valid',
  'dangling',
  'empty',
  'values',
  'landed',
  'accounted',
  'round trip',
  'kept back',
  'differing',
  'thrown',
];

/** A line for each group, and one for all. */
export function tableOf(title: string, measured: readonly Measured[], group: (each: Measured) => string): string {
  const groups = Map.groupBy(measured, group);
  const lines = [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, each]) => line(name, figuresOf(each)));
  if (groups.size > 1) lines.push(line('all', figuresOf(measured)));
  return [line(title, undefined), ...lines].join('\n');
}

function line(name: string, figures: Figures | undefined): string {
  const cells = figures ? cellsOf(figures) : HEADER;
  return `${name.padEnd(24)} ${cells.map((cell) => cell.padStart(10)).join(' ')}`;
}

function cellsOf(figures: Figures): string[] {
  const {
    files,
    convertible,
    valid,
    dangling,
    empty,
    values,
    landed,
    leaves,
    accounted,
    mapped,
    back,
    kept,
    keptBack,
    different,
    thrown,
  } = figures;
  return [
    String(files),
    String(convertible),
    valid === undefined ? '-' : percent(valid, convertible),
    String(dangling),
    String(empty),
    String(values),
    percent(landed, values),
    percent(accounted, leaves),
    percent(back, mapped),
    percent(keptBack, kept),
    String(different),
    String(thrown),
  ];
}

/** Rounded down, so that nothing is 100 % that is not. */
export function percent(part: number, all: number): string {
  return all === 0 ? '-' : `${(Math.floor((1000 * part) / all) / 10).toFixed(1)} %`;
}
