/** Where a value went, in a transform that says so. */
export interface Landing {
  /** The part of the output, as its format names it: `Patient/<id>`. */
  readonly resource: string;
  /** The element in it: `Patient.name.family`. */
  readonly element: string;
  /** The rules that took it there, from the outer to the inner. */
  readonly rows: readonly string[];
}

/** What became of one value of the input. */
export interface LeafLineage {
  /** Complete: `PID[1]-5[1].1.1`. */
  readonly path: string;
  /** `kept`: where no rule places it, under its own path; `ignored`: left out on purpose, for `reason`. `unmapped`: nobody knows. */
  readonly status: 'mapped' | 'kept' | 'ignored' | 'unmapped';
  readonly to: readonly Landing[];
  /** Why it is left out, or why a site dropped the rule that would have placed it. */
  readonly reason?: string;
}

/** The other way round: an element, and the values that it was made of. */
export interface ElementLineage {
  readonly resource: string;
  readonly element: string;
  readonly from: readonly string[];
}

/** What a transform made of which value of one payload. Paths, elements and rules quote nothing of its content. */
export interface Lineage {
  readonly leaves: readonly LeafLineage[];
  readonly elements: readonly ElementLineage[];
  /** What could not be said as it was meant. */
  readonly issues: readonly { readonly code: string; readonly path: string; readonly message: string }[];
  /** The value at the path of a leaf: content, for those who may read it. */
  value(path: string): string;
}
