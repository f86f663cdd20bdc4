/** The facts of one version, as the folder that the tables are compiled from has them: one JSON file a version. */
export interface Facts {
  readonly segments: Readonly<Record<string, SegmentFacts>>;
  readonly dataTypes: Readonly<Record<string, { readonly name?: string; readonly components: readonly PlaceFacts[] }>>;
  readonly messages: Readonly<Record<string, readonly NodeFacts[]>>;
  readonly events: Readonly<Record<string, string>>;
  readonly tables: Readonly<Record<string, TableFacts>>;
}

export interface SegmentFacts {
  readonly name?: string;
  readonly withdrawn?: boolean;
  readonly fields: readonly (PlaceFacts & {
    readonly min: number;
    readonly max: number | null;
    readonly len?: number;
  })[];
}

export interface PlaceFacts {
  readonly n: number;
  readonly name: string;
  readonly type: string;
  readonly table?: string;
  readonly withdrawn?: boolean;
}

export interface TableFacts {
  readonly name: string;
  readonly type: 'hl7' | 'user';
  readonly codes: Readonly<Record<string, string | null>>;
}

/** A segment, a group of `children` in this order, or a group that is one of `choice`. `max` null has no end. */
export interface NodeFacts {
  readonly min: number;
  readonly max: number | null;
  readonly segment?: string;
  readonly group?: string;
  readonly children?: readonly NodeFacts[];
  readonly choice?: readonly NodeFacts[];
}
