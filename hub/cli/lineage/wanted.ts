import type { Landing } from '../../../core/lineage.ts';
import type { StepLineage } from '../../lineage/lineage-report.ts';

/** The parts of a leaf's path: `OBX[2]-5[1].1.1`. */
interface LeafPlace {
  readonly segment: string;
  /** Segment's occurrence, field, repetition, component, subcomponent. */
  readonly numbers: readonly number[];
}

const leafPath = /^(\w{3})\[(\d+)\]-(\d+)\[(\d+)\]\.(\d+)\.(\d+)$/;
const askedPath = /^([A-Z][A-Z0-9]{2})(?:\[(\d+)\])?(?:-(\d+)(?:\[(\d+)\])?(?:\.(\d+)(?:\.(\d+))?)?)?$/;

function placeOf(path: string): LeafPlace | undefined {
  const found = leafPath.exec(path);
  return found ? { segment: found[1]!, numbers: found.slice(2).map(Number) } : undefined;
}

/**
 * What somebody asks of: a v2 path, as precise as they like (`PID`, `PID-5`, `OBX[2]-5.1`), or an element (`Patient.name`, `Patient`,
 * `Patient/<id>`, `name.family`).
 */
export type Wanted =
  | { readonly kind: 'path'; readonly has: (path: string) => boolean }
  | { readonly kind: 'element'; readonly has: (landing: Pick<Landing, 'resource' | 'element'>) => boolean };

export function wanted(text: string): Wanted {
  const asked = askedPath.exec(text.trim());
  return asked ? { kind: 'path', has: (path) => isWithin(path, asked) } : { kind: 'element', has: elementCalled(text) };
}

function isWithin(path: string, [, segment, ...numbers]: RegExpExecArray): boolean {
  const place = placeOf(path);
  if (place?.segment !== segment) return false;
  return numbers.every((each, index) => each === undefined || Number(each) === place?.numbers[index]);
}

function elementCalled(text: string): (landing: Pick<Landing, 'resource' | 'element'>) => boolean {
  const name = text.trim().toLowerCase();
  const begins = (element: string) =>
    element === name || (element.startsWith(name) && /[.([]/.test(element[name.length]!));
  return ({ resource, element }) => {
    const whole = element.toLowerCase();
    return resource.toLowerCase() === name || begins(whole) || begins(whole.slice(whole.indexOf('.') + 1));
  };
}

/** Of a step only what is asked for; the counts are of all. */
export function only(step: StepLineage, of: Wanted): StepLineage {
  const leaves = step.leaves.filter(({ path, to }) => (of.kind === 'path' ? of.has(path) : to.some(of.has)));
  const paths = new Set(leaves.map(({ path }) => path));
  const elements = step.elements.filter((each) =>
    of.kind === 'element' ? of.has(each) : each.from.some((path) => paths.has(path)),
  );
  return { ...step, leaves, elements };
}

/**
 * The paths as people write them, by the complete ones: without the numbers that tell nothing apart in this message. `PID[1]-5[1].1.1` is
 * `PID-5.1` where there is one PID, one name in it, and one part of the surname.
 */
export function shortPaths(paths: readonly string[]): ReadonlyMap<string, string> {
  const most = new Map<string, number>();
  const note = (name: string, n: number) => most.set(name, Math.max(most.get(name) ?? 0, n));
  const placed = paths.flatMap((path) => {
    const place = placeOf(path);
    if (!place) return [];
    const names = namesOf(place);
    for (const [index, name] of names.entries()) note(name, place.numbers[[0, 2, 3, 4][index]!]!);
    return [{ path, place, names }];
  });
  return new Map(
    placed.map(({ path, place: { segment, numbers }, names }) => {
      const [occurrence, field, repetition, component, subcomponent] = numbers;
      const alone = names.map((name) => most.get(name) === 1);
      const index = (n: number | undefined, isAlone: boolean | undefined) => (isAlone ? '' : `[${n}]`);
      const parts = alone[3] ? (alone[2] ? '' : `.${component}`) : `.${component}.${subcomponent}`;
      return [path, `${segment}${index(occurrence, alone[0])}-${field}${index(repetition, alone[1])}${parts}`];
    }),
  );
}

/** What segments, repetitions, components and subcomponents are numbered within. */
function namesOf({ segment, numbers: [occurrence, field, repetition, component] }: LeafPlace): readonly string[] {
  const repetitions = `${segment}[${occurrence}]-${field}`;
  return [segment, repetitions, `${repetitions}[${repetition}]`, `${repetitions}[${repetition}].${component}`];
}
