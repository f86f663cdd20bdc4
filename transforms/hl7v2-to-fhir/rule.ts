import type { Condition } from './condition.ts';

/** One rule of a segment's map, as it is compiled from a row of the official maps, or of ours. */
export interface Rule {
  /** The row: `PID[Patient] 7`; with a w before the number one of ours; `hospital:vip` is one of a site. */
  readonly id: string;
  /** The field that it is about; 0 for the segment as a whole. */
  readonly field: number;
  /** The component that is its value; the repetition as a whole where there is none. Rules of sites alone have one. */
  readonly component?: number;
  readonly when?: Condition;
  /** Where its value goes, from the resource on: `name#1`, `participant#1.individual>Practitioner`; see `compile/target.ts`. */
  readonly to: string;
  /** The type of that element. */
  readonly type: string;
  /** The value set of a required binding, by its URL. */
  readonly binding?: string;
  /** By step: the other names of a choice, at most one of which may stand. */
  readonly others?: Readonly<Record<string, readonly string[]>>;
  /** The map of the data type: `XPN[HumanName]`. */
  readonly via?: string;
  readonly vocabulary?: string;
  /** What is put there, instead of what the field says. */
  readonly fixed?: string;
}

/** Code, display and system of what a v2 code is mapped to; code systems of FHIR where they have it. */
export type CodeTarget = readonly [code: string, display: string, system: string];

/** A row of the official maps, for reports: where from, where to, under which condition as it is written. */
export type MapRow = readonly [row: number, source: string, target: string, condition: string];
