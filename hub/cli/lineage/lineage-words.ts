import type { LeafLineage } from '../../../core/lineage.ts';
import type { LineageReport, StepLineage, ToldLeaf } from '../../lineage/lineage-report.ts';
import { type Column, table } from '../output.ts';
import { shortPaths, type Wanted } from './wanted.ts';

const statuses: readonly (readonly [LeafLineage['status'], string])[] = [
  ['mapped', 'by the rules that are named'],
  ['kept', 'in extensions, since no rule places them'],
  ['ignored', 'on purpose'],
  ['unmapped', 'not in it by a mistake of Weir’s'],
];

/** What was asked, of which message. */
export function headLines({ channel, version, transformedBy, type }: LineageReport): readonly string[] {
  const what = [channel === undefined ? 'no channel: as the step does it without options' : `channel ${channel}`, type];
  return [
    what.filter(Boolean).join(', '),
    ...(transformedBy === undefined
      ? []
      : [`it was transformed by version ${transformedBy}; this is what version ${version} does`]),
  ];
}

export function stepTitle({ destination, step, behind }: StepLineage): readonly string[] {
  return [
    destination === undefined ? step : `→ ${destination}: ${step}`,
    ...(behind.length === 0 ? [] : [`  paths are those behind ${behind.join(', ')}`]),
  ];
}

/** A line for each status. */
export function countLines(leaves: readonly LeafLineage[]): readonly string[] {
  const width = String(leaves.length).length;
  const counted = statuses.map(([status, words]) => {
    const count = leaves.filter((leaf) => leaf.status === status).length;
    return `  ${String(count).padStart(width)} ${status.padEnd(8)}  ${words}`;
  });
  return [`  ${leaves.length} values in all`, ...counted];
}

export function issueLines({ issues }: StepLineage): readonly string[] {
  if (issues.length === 0) return [];
  const lines = issues.map(({ code, path, message }) => [code, path, message]);
  return [
    '  could not be said as it was meant:',
    indented(table([{ title: 'Code' }, { title: 'At' }, { title: 'Issue' }], lines, room(4)), 4),
  ];
}

/** Where each value went, by status. */
export function valueLines({ leaves }: StepLineage, all: StepLineage): readonly string[] {
  const short = shortPaths(all.leaves.map(({ path }) => path));
  return statuses.flatMap(([status]) => {
    const own = leaves.filter((leaf) => leaf.status === status);
    if (own.length === 0) return [];
    return ['', `  ${status}:`, indented(table(columnsOf(status, own), rowsOf(status, own, short), room(2)), 2)];
  });
}

function columnsOf(status: LeafLineage['status'], leaves: readonly ToldLeaf[]): readonly Column[] {
  const before = [{ title: 'Path' }, ...(hasValues(leaves) ? [{ title: 'Value' }] : [])];
  switch (status) {
    case 'mapped':
      return [...before, { title: 'Rules' }, { title: 'Element' }];
    case 'kept':
      return [...before, { title: 'Kept in' }, ...(leaves.some(({ reason }) => reason) ? [{ title: 'Because' }] : [])];
    case 'ignored':
      return [...before, { title: 'Because it is' }];
    case 'unmapped':
      return before;
    default:
      return status satisfies never;
  }
}

/** A row for each element that a value went to. */
function rowsOf(
  status: LeafLineage['status'],
  leaves: readonly ToldLeaf[],
  short: ReadonlyMap<string, string>,
): readonly (readonly string[])[] {
  const withValue = hasValues(leaves);
  return leaves.flatMap((leaf) => {
    const head = [short.get(leaf.path) ?? leaf.path, ...(withValue ? [shown(leaf.value ?? '')] : [])];
    const blank = head.map(() => '');
    if (status === 'ignored') return [[...head, leaf.reason ?? '']];
    if (status === 'unmapped') return [head];
    return leaf.to.map(({ element, rows }, index) => [
      ...(index === 0 ? head : blank),
      ...(status === 'mapped' ? [rows.join(', ')] : []),
      element,
      ...(status === 'kept' && leaf.reason !== undefined ? [leaf.reason] : []),
    ]);
  });
}

function hasValues(leaves: readonly ToldLeaf[]): boolean {
  return leaves.some(({ value }) => value !== undefined);
}

const mostShown = 24;

/** What a terminal would take as a command, or as a new line, is not in what is shown of content. */
function shown(value: string): string {
  const safe = value.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
  return safe.length > mostShown ? `${safe.slice(0, mostShown - 1)}…` : safe;
}

/** Of each element, resource by resource, what it was made of and by which rules. */
export function elementLines(step: StepLineage, all: StepLineage): readonly string[] {
  const short = shortPaths(all.leaves.map(({ path }) => path));
  const leaves = new Map(all.leaves.map((leaf) => [leaf.path, leaf]));
  const byResource = Map.groupBy(step.elements, ({ resource }) => resource);
  return [...byResource].flatMap(([resource, elements]) => [
    '',
    `  ${resource}`,
    ...elements.flatMap(({ element, from }) => [
      `    ${element}`,
      ...from.map((path) => {
        const landing = leaves.get(path)?.to.find((each) => each.resource === resource && each.element === element);
        const rules = landing?.rows.join(', ') ?? '';
        return `      ← ${short.get(path) ?? path}${rules && `  (${rules})`}`;
      }),
    ]),
  ]);
}

/** Both ways, or the one that is asked for. */
export function stepLines(step: StepLineage, all: StepLineage, of: Wanted | undefined): readonly string[] {
  return [
    ...stepTitle(all),
    ...countLines(all.leaves),
    ...issueLines(all),
    ...(of?.kind === 'element' ? [] : valueLines(step, all)),
    ...(of?.kind === 'path' ? [] : elementLines(step, all)),
  ];
}

/** Characters on a line of a terminal, beside an indent. */
function room(indent: number): number {
  return (process.stdout.columns ?? Number.POSITIVE_INFINITY) - indent;
}

function indented(text: string, by: number): string {
  return text.replace(/^(?=.)/gm, ' '.repeat(by));
}
