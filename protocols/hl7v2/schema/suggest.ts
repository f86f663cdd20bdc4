/** How many of the nearest names are suggested. */
const MOST = 3;
/** Two letters in the wrong order are the likeliest slip. */
const SWAP = 0.9;

/** Of `names` those that were probably meant: at most two edits away, a swap of neighbours counting as one; of these the nearest. */
export function nearest(name: string, names: Iterable<string>): string[] {
  const found: { readonly name: string; readonly distance: number }[] = [];
  for (const candidate of names) {
    const distance = editDistance(name.toUpperCase(), candidate.toUpperCase());
    if (distance <= Math.min(2, Math.max(name.length, candidate.length) - 2)) found.push({ name: candidate, distance });
  }
  found.sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1));
  const least = found[0]?.distance;
  return found
    .filter(({ distance }) => distance === least)
    .slice(0, MOST)
    .map((each) => each.name);
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let least = Math.min(changed, previous[j]! + 1, row[j - 1]! + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, before[j - 2]! + SWAP);
      row.push(least);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length]!;
}
