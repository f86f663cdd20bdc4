import type * as V2_3_1 from './generated/types-2.3.1.ts';
import type * as V2_3 from './generated/types-2.3.ts';
import type * as V2_4 from './generated/types-2.4.ts';
import type * as V2_5_1 from './generated/types-2.5.1.ts';
import type * as V2_5 from './generated/types-2.5.ts';
import type * as V2_6 from './generated/types-2.6.ts';
import type * as V2_8 from './generated/types-2.8.ts';

/** The versions that paths can be checked against while they compile. */
export interface TypedVersions {
  '2.3': Tables<V2_3.Types, V2_3.Segments, V2_3.Structures>;
  '2.3.1': Tables<V2_3_1.Types, V2_3_1.Segments, V2_3_1.Structures>;
  '2.4': Tables<V2_4.Types, V2_4.Segments, V2_4.Structures>;
  '2.5': Tables<V2_5.Types, V2_5.Segments, V2_5.Structures>;
  '2.5.1': Tables<V2_5_1.Types, V2_5_1.Segments, V2_5_1.Structures>;
  '2.6': Tables<V2_6.Types, V2_6.Segments, V2_6.Structures>;
  '2.8': Tables<V2_8.Types, V2_8.Segments, V2_8.Structures>;
}

interface Tables<Types, Segments, Structures> {
  readonly types: Types;
  readonly segments: Segments;
  readonly structures: Structures;
}

export type TypedVersion = keyof TypedVersions;

/** The message structures of a version. */
export type StructureName<V extends TypedVersion> = keyof TypedVersions[V]['structures'] & string;

/**
 * The path itself where it names something in that structure, else a text that says what is wrong: what a function takes that
 * wants a right path. Selectors (`PID-3[5=MR]`) are left out of account; segments of a site's own (Z) are let through, and a
 * path that is not known while compiling (`string`) is not.
 */
export type CheckedPath<V extends TypedVersion, S extends StructureName<V>, P extends string> = string extends P
  ? 'a path that is checked has to be written out'
  : Without<P> extends infer Plain
    ? Plain extends `${infer Segment}-${infer Place}`
      ? Segment extends `Z${string}`
        ? P
        : InSegment<V, S, P, Segment, Place>
      : Plain extends `Z${string}`
        ? P
        : Plain extends string
          ? NameIn<V, S, Plain> extends true
            ? P
            : `${S} has no ${Plain} in HL7 ${V}`
          : never
    : never;

/** A path without its selectors; no value in one has a bracket. */
type Without<P extends string> = P extends `${infer Before}[${string}]${infer After}`
  ? Without<`${Before}${After}`>
  : P;

type NameIn<
  V extends TypedVersion,
  S extends StructureName<V>,
  Name extends string,
> = TypedVersions[V]['structures'][S] extends `${string} ${Name | '*'} ${string}` ? true : false;

type InSegment<
  V extends TypedVersion,
  S extends StructureName<V>,
  P extends string,
  Segment extends string,
  Place extends string,
> =
  NameIn<V, S, Segment> extends true
    ? Place extends `${infer Field}.${infer Rest}`
      ? Rest extends `${infer Component}.${infer Part}`
        ? TypeAt<V, TypeAt<V, FieldType<V, Segment, Field>, Component>, Part> extends never
          ? Wrong<V, `${Segment}-${Place}`>
          : P
        : TypeAt<V, FieldType<V, Segment, Field>, Rest> extends never
          ? Wrong<V, `${Segment}-${Place}`>
          : P
      : FieldType<V, Segment, Place> extends never
        ? Wrong<V, `${Segment}-${Place}`>
        : P
    : `${S} has no ${Segment} in HL7 ${V}`;

type Wrong<V extends string, Place extends string> = `HL7 ${V} has no ${Place}`;

type FieldType<
  V extends TypedVersion,
  Segment extends string,
  N extends string,
> = Segment extends keyof TypedVersions[V]['segments'] ? Numbered<TypedVersions[V]['segments'][Segment], N> : never;

/** The type of part N of a type: a primitive is its own first part, and what varies has any. */
type TypeAt<V extends TypedVersion, Type, N extends string> = [Type] extends [never]
  ? never
  : Type extends keyof TypedVersions[V]['types']
    ? Numbered<TypedVersions[V]['types'][Type], N>
    : Type extends 'varies'
      ? N extends `${bigint}`
        ? 'varies'
        : never
      : N extends '1'
        ? Type
        : never;

/** The type that stands after the number in ` 1:SI 2:CX `. */
type Numbered<Row, N extends string> = Row extends `${string} ${N}:${infer Type} ${string}` ? Type : never;
