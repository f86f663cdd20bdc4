import type { Message } from '../../core/message.ts';
import type { Zone } from '../../core/time/zone.ts';
import type { Value } from './value.ts';

/** Where a rule stands, and what it does: for errors. */
export interface Spot {
  readonly line: number;
  readonly column: number;
  /** `set PV1-2` */
  readonly doing: string;
}

/** One pass of a map over one message. Loops keep what they are at in slots, which the compiler numbers. */
export class Run {
  readonly message: Message<unknown>;
  /** The source as its model reads it. */
  readonly source: unknown;
  /** Of times that say no zone: the map's, or else that of the sender's profile. */
  readonly zone: Zone | undefined;
  /** The result as its model writes it. */
  draft: unknown;
  /** Of each loop over segments: the first of the current item and the one after its last. */
  readonly firsts: number[] = [];
  readonly lasts: number[] = [];
  /** Of each loop over repetitions: the current one, from 1. */
  readonly repetitions: number[] = [];
  /** Of each loop over a list or records: the current item. */
  readonly items: unknown[] = [];
  /** Of each loop: how many items it has been at, this one included. */
  readonly positions: number[] = [];
  /** What `let` has set. */
  readonly lets: Value[] = [];
  /** How often each of them was set. */
  readonly letWrites: number[] = [];
  /** Which of the outputs of a split this is, from 0. */
  output = 0;
  spot: Spot | undefined;

  constructor(message: Message<unknown>, source: unknown, zone: Zone | undefined) {
    this.message = message;
    this.source = source;
    this.zone = zone;
  }
}

export type Read = (run: Run) => Value;
export type Act = (run: Run) => void;

/** A loop that paths may speak of: what belongs to its current item. */
export interface Scope {
  readonly slot: number;
  /** Segments that belong to the item; or the one name by which paths begin that speak of it. */
  readonly names: ReadonlySet<string>;
  /** A loop over the repetitions of this field; its item is one of them, in its segment. */
  readonly field?: number;
}

/** The innermost first. */
export type Scopes = readonly Scope[];

/** A path into the source, compiled. */
export interface SourcePath {
  /** The first value. */
  readonly first: Read;
  /** The values at every match, as text, without empty ones. */
  readonly all: (run: Run) => readonly string[];
  readonly exists: (run: Run) => boolean;
  /** The first match as its bytes stand. HL7 only, and only where the path names a field. */
  readonly raw?: Read;
  /** How deep the path goes: 1 field, 2 component, 3 subcomponent. */
  readonly depth: number;
}

export interface Loop {
  readonly scope: Scope;
  /** Calls `body` with each item in turn in the slot. */
  each(run: Run, body: Act): void;
}

/** How a format is read. What compiles a text throws HubError `config-invalid` that says what is wrong with it. */
export interface SourceModel {
  readonly kind: 'hl7v2' | 'json' | 'records';
  open(payload: unknown): unknown;
  path(text: string, scopes: Scopes): SourcePath;
  /** @param also segments that belong to an item beside the one that begins it; HL7 only */
  loop(text: string, also: readonly string[], name: string | undefined, slot: number, scopes: Scopes): Loop;
}

/** A place of the result, compiled. */
export interface TargetPath {
  write(run: Run, value: Value): void;
  /** Writing a value that is always the same, prepared as far as it can be. */
  writing?(value: Value): Act;
  /** As `SourcePath.depth`; 0 where the format has no such levels. */
  readonly depth: number;
}

/** How a format is written. What compiles a text throws HubError `config-invalid`. */
export interface TargetModel {
  readonly kind: 'hl7v2' | 'json' | 'records';
  start(run: Run): unknown;
  finish(run: Run): unknown;
  /** A draft that goes on from a payload that a script gave. */
  resume(run: Run, payload: unknown): unknown;
  path(text: string, scopes: Scopes): TargetPath;
  /** The place of a field of what `insert` has just made. */
  fieldOf(inserted: string, text: string): TargetPath;
  insert(what: string, beside: Beside | undefined, scopes: Scopes): Act;
  remove(text: string, scopes: Scopes): Act;
  /** Copies as it is; `to` where it goes elsewhere. */
  copy(from: string, to: string | undefined, scopes: Scopes): Act;
}

/** Beside which segment another one goes: the first of these that is there. */
export interface Beside {
  readonly where: 'before' | 'after';
  readonly paths: readonly string[];
}
