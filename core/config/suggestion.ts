/** ` – did you mean PV1-2?` for the end of a problem; nothing where no name is near. */
export function didYouMean(name: string, names: Iterable<string>): string {
  let best: string | undefined;
  let least = Math.min(2, Math.ceil(name.length / 2) - 1) + 1;
  const given = name.toLowerCase();
  for (const candidate of names) {
    // Known elsewhere, not here: it is what was written.
    if (candidate === name) continue;
    const other = candidate.toLowerCase();
    // The beginning of a name is as near as one slip: hl7 for hl7v2.
    const distance = given.length > 1 && other.startsWith(given) && other !== given ? 1 : editDistance(given, other);
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best === undefined ? '' : ` – did you mean ${best}?`;
}

/** Insertions, deletions, substitutions and swaps of neighbours. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? before[j - 2]! + 1 : changed;
      row.push(Math.min(changed, swapped, row[j - 1]! + 1, last[j]! + 1));
    }
    before = last;
    last = row;
  }
  return last[b.length]!;
}
