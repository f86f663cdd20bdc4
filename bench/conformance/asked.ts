import type { Gate } from '../gates.ts';
import type { Measured } from './measure.ts';
import type { Expected } from './peers.ts';
import { figuresOf } from './table.ts';

/** Of which the share of values that land is asked for. */
const SOURCES = ['own', 'microsoft', 'prime-reportstream'];
const LANDED = 95;
/** Of the leaves that a rule took, so many come back. */
const BACK = 100;
/** Of those that are kept in extensions: all of our own messages, and of those of the corpus what is reached. */
const KEPT_BACK = { own: 100, others: 99.7 } as const;

/**
 * What is asked of these messages; of validity only where the judges have been asked. The share of values that land is asked of
 * all messages of a source together: of `whole` sources.
 */
export function gatesOf(
  measured: readonly Measured[],
  peers: readonly Pick<Expected, 'peer' | 'input'>[],
  whole: boolean,
): Gate[] {
  const { convertible, valid, dangling, empty, leaves, accounted, different, thrown } = figuresOf(measured);
  const gates: Gate[] = [
    { name: 'references that lead nowhere', figure: dangling, limit: 0, must: 'stay-within', unit: 'references' },
    { name: 'what holds nothing', figure: empty, limit: 0, must: 'stay-within', unit: 'elements' },
    { name: 'leaves accounted for', figure: share(accounted, leaves), limit: 100, must: 'reach', unit: '%' },
    ...backGates(measured),
    { name: 'messages that become other bytes', figure: different, limit: 0, must: 'stay-within', unit: 'messages' },
    { name: 'messages that throw', figure: thrown, limit: 0, must: 'stay-within', unit: 'messages' },
  ];
  if (valid !== undefined)
    gates.unshift({
      name: 'bundles that both judges find valid',
      figure: share(valid, convertible),
      limit: 100,
      must: 'reach',
      unit: '%',
    });
  if (!whole) return gates;
  for (const source of SOURCES)
    addLanded(
      gates,
      `values landed, ${source}`,
      measured.filter((each) => each.source === source),
    );
  for (const [peer, pairs] of Map.groupBy(peers, (each) => each.peer)) {
    const inputs = new Set(pairs.map(({ input }) => input));
    addLanded(
      gates,
      `values landed, what ${peer} is measured by`,
      measured.filter(({ path }) => inputs.has(path)),
    );
  }
  return gates;
}

/** What comes back from FHIR, by the types of our own messages; of the corpus together. */
function backGates(measured: readonly Measured[]): Gate[] {
  const gates: Gate[] = [];
  const both = measured.filter(({ back }) => back !== undefined);
  const own = both.filter(({ source }) => source === 'own');
  const others = both.filter(({ source }) => source !== 'own');
  for (const [type, each] of Map.groupBy(own, (one) => one.type)) {
    const { back, mapped } = figuresOf(each);
    add(`come back, ${type}`, back, mapped, BACK);
  }
  for (const [name, each] of [
    ['own', own],
    ['others', others],
  ] as const) {
    if (each.length === 0) continue;
    const { back, mapped, keptBack, kept } = figuresOf(each);
    if (name === 'others') add('come back, corpus', back, mapped, BACK);
    add(`kept comes back, ${name === 'own' ? 'own' : 'corpus'}`, keptBack, kept, KEPT_BACK[name]);
  }
  return gates;

  function add(name: string, part: number, all: number, limit: number): void {
    gates.push({ name, figure: share(part, all), limit, must: 'reach', unit: '%' });
  }
}

function addLanded(gates: Gate[], name: string, measured: readonly Measured[]): void {
  const { landed, values } = figuresOf(measured);
  if (values > 0) gates.push({ name, figure: share(landed, values), limit: LANDED, must: 'reach', unit: '%' });
}

/** A part that is not all is never rounded to 100. */
function share(part: number, all: number): number {
  return all === 0 ? 100 : Math.floor((10_000 * part) / all) / 100;
}
