/** One number for a part's place in its destination's queue; a message splits into at most 65,536 parts. */
export function positionOf({ seq, n }: { readonly seq: number; readonly n: number }): number {
  return seq * maxParts + n;
}

export const maxParts = 65_536;

export function atPosition(position: number): { readonly seq: number; readonly n: number } {
  const seq = Math.floor(position / maxParts);
  return { seq, n: position - seq * maxParts };
}
