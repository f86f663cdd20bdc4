/** An item with its place in its own list. */
export interface Placed<T> {
  readonly item: T;
  readonly index: number;
}

/** Beyond this many pairs the lists are laid side by side as they come. */
const MAX_PAIRS = 4_000_000;

/**
 * Lays two lists side by side so that as many as possible have a partner of the same name; those without one stand alone. Partners
 * that are equal in all count more than those that have only the name in common.
 * @param exact only equal items are partners, and what stands between them is paired as it comes
 */
export function aligned<T>(
  a: readonly T[],
  b: readonly T[],
  nameOf: (item: T) => string,
  exact = false,
): readonly (readonly [Placed<T> | undefined, Placed<T> | undefined])[] {
  const worth = (x: T, y: T) => (x === y ? 1_001 : !exact && nameOf(x) === nameOf(y) ? 1_000 : 0);
  const pairs = a.length * b.length > MAX_PAIRS ? sideBySide(a, b) : partners(a, b, worth);
  return exact ? withNeighbours(pairs) : pairs;
}

type Pair<T> = readonly [Placed<T> | undefined, Placed<T> | undefined];

function partners<T>(a: readonly T[], b: readonly T[], worth: (x: T, y: T) => number): readonly Pair<T>[] {
  const width = b.length + 1;
  // The best worth of what is left from (i, j) on.
  const best = new Float64Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const own = worth(a[i]!, b[j]!);
      const paired = own > 0 ? own + best[(i + 1) * width + j + 1]! : 0;
      best[i * width + j] = Math.max(paired, best[(i + 1) * width + j]!, best[i * width + j + 1]!);
    }
  }
  const pairs: Pair<T>[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const here = best[i * width + j]!;
    const own = i < a.length && j < b.length ? worth(a[i]!, b[j]!) : 0;
    if (own > 0 && here === own + best[(i + 1) * width + j + 1]!)
      pairs.push([
        { item: a[i]!, index: i++ },
        { item: b[j]!, index: j++ },
      ]);
    else if (i < a.length && (j === b.length || here === best[(i + 1) * width + j]))
      pairs.push([{ item: a[i]!, index: i++ }, undefined]);
    else pairs.push([undefined, { item: b[j]!, index: j++ }]);
  }
  return pairs;
}

function sideBySide<T>(a: readonly T[], b: readonly T[]): readonly Pair<T>[] {
  const at = (list: readonly T[], index: number) => (index < list.length ? { item: list[index]!, index } : undefined);
  return Array.from({ length: Math.max(a.length, b.length) }, (_, index) => [at(a, index), at(b, index)] as const);
}

/** What stands alone on one side is paired with what stands alone on the other, up to the next partners. */
function withNeighbours<T>(pairs: readonly Pair<T>[]): readonly Pair<T>[] {
  const result: Pair<T>[] = [];
  let [lefts, rights]: [Placed<T>[], Placed<T>[]] = [[], []];
  const flush = () => {
    for (let at = 0; at < Math.max(lefts.length, rights.length); at++) result.push([lefts[at], rights[at]]);
    [lefts, rights] = [[], []];
  };
  for (const pair of pairs) {
    const [left, right] = pair;
    if (left && right) {
      flush();
      result.push(pair);
    } else if (left) lefts.push(left);
    else if (right) rights.push(right);
  }
  flush();
  return result;
}
