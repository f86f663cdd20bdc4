/** A field of a segment, or a component of a data type, as one version of the standard has it. */
export interface Place {
  /** From 1. */
  readonly n: number;
  readonly name: string;
  /** The data type; `varies` where another field names it (OBX-2 for OBX-5). */
  readonly type: string;
  /** The table that its codes are in, four digits. */
  readonly table?: string;
  /** The version no longer uses it. */
  readonly withdrawn: boolean;
}

export interface FieldDefinition extends Place {
  readonly required: boolean;
  /** How often it may repeat; Infinity where there is no limit. */
  readonly max: number;
  /** The longest that one repetition should be: advice, few fields have it from 2.7 on. */
  readonly length?: number;
}

export interface SegmentDefinition {
  /** `PID` */
  readonly name: string;
  /** `Patient Identification` */
  readonly title: string;
  readonly withdrawn: boolean;
  /** Field n is `fields[n - 1]`. */
  readonly fields: readonly FieldDefinition[];
}

export interface DataType {
  readonly name: string;
  readonly title: string;
  /** Component n is `components[n - 1]`; none where the type is a primitive. */
  readonly components: readonly Place[];
}

export interface CodeTable {
  /** `0001` */
  readonly id: string;
  readonly title: string;
  /** `hl7`: the standard's own codes; `user`: suggestions, each site has its own. */
  readonly kind: 'hl7' | 'user';
  /** Whether the codes are all there are: not where none is known, or the standard says that the list goes on. */
  readonly complete: boolean;
  /** The codes and what they are called, empty where that is not known. A table may have none. */
  readonly codes: ReadonlyMap<string, string>;
}

/** A segment's place in a message structure: `PID`, or `any` segment, or a `local` one (Z). */
export interface SegmentNode {
  readonly kind: 'segment';
  readonly name: string;
  readonly required: boolean;
  readonly repeats: boolean;
}

export interface GroupNode {
  readonly kind: 'group';
  readonly name: string;
  readonly required: boolean;
  readonly repeats: boolean;
  /** Exactly one of the children, instead of all in their order. */
  readonly choice: boolean;
  readonly children: readonly (SegmentNode | GroupNode)[];
}

/** Names of segment nodes that stand for any segment of the version, and for any segment of a site's own. */
export const ANY = 'any';
export const LOCAL = 'local';
