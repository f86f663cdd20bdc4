import type { ElementLineage, Landing, LeafLineage } from '../../core/lineage.ts';
import type { Hl7Message } from '../../protocols/hl7v2/message.ts';
import type { Rules, Tracer } from './conversion.ts';
import { type Converted, type ConvertOptions, trace } from './convert.ts';
import rowsByMap from './generated/rows.json' with { type: 'json' };
import { IGNORED, ignoredFields, KEPT } from './keep.ts';
import type { Leaf, View } from './leaves.ts';
import type { Resources } from './resources.ts';
import type { MapRow, Rule } from './rule.ts';
import { official } from './rule-set.ts';
import type { Draft, SegmentView } from './segment-view.ts';
import { V2 } from './urls.ts';

/** What became of a populated leaf; `unmapped` is a mistake of Weir’s. Rows are those of the maps: of the segment, then of the data type. */
export type LeafReport = LeafLineage;

export interface Explained extends Converted {
  readonly leaves: readonly LeafReport[];
  readonly elements: readonly ElementLineage[];
}

const rows: ReadonlyMap<string, MapRow> = new Map(
  Object.entries(rowsByMap as unknown as Readonly<Record<string, readonly MapRow[]>>).flatMap(([map, list]) =>
    list.map((row) => [`${map} ${row[0]}`, row] as const),
  ),
);

/** As `convert`, and for every populated leaf of the message what became of it, and by which rows of the maps. */
export function explain(message: Hl7Message, options: ConvertOptions = {}): Explained {
  const taken = new Map<Leaf, { readonly rule: Rule; readonly row: string; readonly resource: Draft }[]>();
  const tracer: Tracer = {
    watch(rule, view, resource, carryOut) {
      const before = marksOf(view);
      carryOut();
      for (const [, , leaf] of view.leaves()) {
        const { mark } = leaf;
        if (mark === undefined || mark === before.get(leaf)) continue;
        taken.set(leaf, [...(taken.get(leaf) ?? []), { rule, row: mark, resource }]);
      }
    },
  };
  const { rules = official } = options;
  const { bundle, issues, read, resources } = trace(message, options, tracer);
  const nameOf = (draft: Draft | undefined) => {
    const id = draft && resources.idOf(draft);
    return draft && id !== undefined ? `${draft.resourceType}/${id}` : 'Bundle';
  };
  const leaves: LeafReport[] = [];
  const elements = new Map<string, { resource: string; element: string; from: string[] }>();
  for (const segment of read.segments) {
    for (const [field, repetition, component, subcomponent, leaf] of segment.leaves()) {
      const path = `${segment.name}[${segment.occurrence}]-${field}[${repetition}].${component}.${subcomponent}`;
      const to =
        leaf.mark === KEPT
          ? [keptAt(segment, field, nameOf(segment.home))]
          : leaf.mark === IGNORED || leaf.mark === undefined
            ? []
            : (taken.get(leaf)?.map(({ rule, row, resource }) => destinationOf(rule, row, nameOf(resource))) ?? [
                destinationOfCode(leaf.mark, homeOf(segment, field, leaf.mark, resources), nameOf),
              ]);
      const reason = reasonOf(leaf, segment.name, field, rules);
      leaves.push({ path, status: statusOf(leaf), to, ...(reason !== undefined && { reason }) });
      for (const { resource, element } of to) {
        const key = `${resource} ${element}`;
        const known = elements.get(key);
        if (known) known.from.push(path);
        else elements.set(key, { resource, element, from: [path] });
      }
    }
  }
  return { bundle, issues, leaves, elements: [...elements.values()] };
}

function reasonOf({ mark }: Leaf, segment: string, field: number, rules: Rules): string | undefined {
  if (mark !== KEPT && mark !== IGNORED) return undefined;
  const dropped = rules.dropped(segment, field);
  if (dropped && (mark === KEPT) !== dropped.ignored) return `${dropped.id}: ${dropped.reason}`;
  return mark === IGNORED ? ignoredFields.get(`${segment}-${field}`) : undefined;
}

function marksOf(view: View): Map<Leaf, string | undefined> {
  return new Map([...view.leaves()].map(([, , leaf]) => [leaf, leaf.mark]));
}

function statusOf({ mark }: Leaf): LeafReport['status'] {
  if (mark === undefined) return 'unmapped';
  if (mark === KEPT) return 'kept';
  return mark === IGNORED ? 'ignored' : 'mapped';
}

function keptAt(segment: SegmentView, field: number, resource: string): Landing {
  return { resource, element: `${resource.split('/')[0]}.extension(${V2}${segment.name}-${field})`, rows: [] };
}

/** The element of a rule, and in it that of the data type's row. */
function destinationOf(rule: Rule, row: string, resource: string): Landing {
  const element = `${resource.split('/')[0]}.${rule.to.replace(/#\w*/g, '').replace(/>(\w+)/g, '($1)')}`;
  if (row === rule.id) return { resource, element, rows: [rule.id] };
  const inner = targetOf(row);
  const path = inner === '' ? element : `${element}.${around(row, element)}${inner}`;
  return { resource, element: path, rows: [rule.id, row] };
}

/** Where a data type stands in another one: a surname in a name, an authority in an identifier. */
function around(row: string, element: string): string {
  if (row.startsWith('FN[')) return element.endsWith('name') ? '' : 'name.';
  if (!row.startsWith('HD[Organization]') || element.endsWith('(Organization)')) return '';
  return element.endsWith('(Practitioner)') ? 'identifier.assigner(Organization).' : 'assigner(Organization).';
}

/** The target of a row, without the numbers that tell repetitions apart; empty for the value itself. */
function targetOf(row: string): string {
  const target = rows.get(row)?.[2] ?? '';
  if (target.startsWith('$')) return '';
  return target
    .replace(/^\[[\w-]+\]\.?/, '')
    .replace(/\[[\w-]+\]/g, '')
    .replace(/^location\(Location\.(.*)\)$/, '$1');
}

/** Data types that code reads in one place only. */
const PLACES: Readonly<Record<string, string>> = {
  'MSG[Coding]': 'MessageHeader.eventCoding',
  'PT[Meta]': 'MessageHeader.meta',
  'HD[MessageHeader.source-name]': 'MessageHeader.source',
  'HD[MessageHeader.destination-endpoint]': 'MessageHeader.destination',
};

/** The resource that what code took of a field is in: of MSH the organizations and the device that the header refers to. */
function homeOf(segment: SegmentView, field: number, row: string, resources: Resources): Draft | undefined {
  const { home } = segment;
  if (segment.name !== 'MSH' || !home || !row.includes('[Organization]')) return home;
  const [destination] = (home.destination ?? []) as Readonly<Record<string, object | undefined>>[];
  const references: Readonly<Record<number, object | undefined>> = {
    4: home.sender as object | undefined,
    5: destination?.target,
    6: destination?.receiver,
    22: home.responsible as object | undefined,
    23: destination?.receiver,
  };
  const { reference } = (references[field] ?? {}) as { readonly reference?: string };
  return reference === undefined ? home : resources.drafts.find(({ id }) => reference === `urn:uuid:${id}`);
}

/** Data types that code reads as the value of an observation. */
const VALUES = new Set(['CodeableConcept', 'Quantity', 'Range', 'Ratio', 'Period']);

/** What code took, by the row that it names. */
function destinationOfCode(
  row: string,
  home: Draft | undefined,
  nameOf: (draft: Draft | undefined) => string,
): Landing {
  const resource = nameOf(home);
  const map = row.slice(0, row.lastIndexOf(' '));
  const named = /\[(\w+)/.exec(map)?.[1] ?? '';
  // An application is named as an organization is.
  const type = named === 'Organization' && home?.resourceType === 'Device' ? 'Device' : named;
  const isValue = home?.resourceType === 'Observation' && VALUES.has(type);
  const place = PLACES[map] ?? (isValue ? `Observation.${home.component ? 'component.' : ''}value${type}` : type);
  const target = targetOf(row).replace(new RegExp(`^${type}\\.`), '');
  return { resource, element: target === '' ? place : `${place}.${target}`, rows: [row] };
}
