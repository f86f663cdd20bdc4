/** What a judge finds wrong with a resource. */
export interface Issue {
  readonly judge: 'hapi' | 'medplum';
  /** The judge's name for what is wrong. */
  readonly code: string;
  /** In the resource that it is in, without the numbers of lists: `Observation.value.ofType(Quantity)`. */
  readonly path: string;
  readonly message: string;
}
