import type { Context } from './context.ts';
import { type Element, isElement } from './element.ts';
import { cameFrom } from './hints.ts';
import type { FixedSign, Node, Signs } from './rule-tree.ts';

/** Where an element says it came from; of an extension, what is in it. */
export function noteOf(item: unknown, context: Context, depth = 0): string | undefined {
  if (!isElement(item)) return undefined;
  const own = cameFrom(item, context.reading);
  if (own !== undefined || typeof item.url !== 'string' || depth > 2) return own;
  for (const key in item) {
    for (const each of key === 'extension' ? context.reading.objects(item, key) : [item[key]]) {
      const inner = noteOf(each, context, depth + 1);
      if (inner !== undefined) return inner;
    }
  }
  return undefined;
}

/** Which of a map’s places for elements of a list one belongs in: what its note says, else where most of what is fixed agrees. */
export function slotOf(
  slots: readonly Node[],
  item: unknown,
  used: ReadonlyMap<Node, number>,
  context: Context,
): Node | undefined {
  const note = noteOf(item, context);
  if (note !== undefined) return slots.find(({ hints }) => hints.has(note));
  let best: Node | undefined;
  let most = -1;
  for (const slot of slots) {
    // One segment makes one element of a list that no field owns.
    if (slot.owner === undefined && used.has(slot)) continue;
    const noted = slot.hints.size > 0;
    if (noted && context.own && isAlwaysNoted(slot)) continue;
    const score = agreement(slot, item, context);
    // In a bundle of another maker what is usually noted has to show in another way.
    if (noted && !context.own && score <= 0) continue;
    if (score > most) {
      most = score;
      best = slot;
    }
  }
  return best;
}

/** Whether every field that makes elements of a place is noted on them. */
function isAlwaysNoted({ signs, hints }: Node): boolean {
  return signs.every(({ field, segment }) => {
    for (const hint of hints)
      if (hint === `${segment}-${field}` || hint.startsWith(`${segment}-${field}.`)) return true;
    return false;
  });
}

/** How much speaks for an element being of a place; -1 where it cannot be. */
function agreement({ signs }: Node, item: unknown, context: Context): number {
  let best = -1;
  for (const each of signs) best = Math.max(best, scoreOf(each, item, context));
  return best;
}

function scoreOf({ fixed, references, segment }: Signs, item: unknown, context: Context): number {
  let score = 0;
  if (references.length > 0) {
    const types = references.flatMap(({ steps, type }) =>
      reached(item, steps, context).flatMap((reference) => {
        const target = context.target(reference);
        return target ? [target.resourceType === type && !isOfOther(target, segment, context)] : [];
      }),
    );
    if (types.includes(true)) score += 1;
    else if (types.length > 0) return -1;
  }
  for (const sign of fixed) {
    const agrees = holds(sign, item, context);
    if (agrees === true) score += sign.soft ? 0.25 : 1;
    else if (!sign.soft && !((sign.conditional || !context.own) && agrees === undefined)) return -1;
    // A number that says no kind is the filler’s, unless it is of a request.
    else if (agrees === undefined && sign.values.has('FILL') && context.resource?.resourceType !== 'ServiceRequest')
      score += 0.05;
  }
  return score;
}

/** Whether a resource says that another segment made it. */
function isOfOther(target: Element, segment: string, context: Context): boolean {
  const note = cameFrom(target, context.reading);
  return note !== undefined && !note.startsWith(segment);
}

/** Whether what is fixed is there; undefined where nothing is. */
function holds({ steps, values }: FixedSign, item: unknown, context: Context): boolean | undefined {
  const found = reached(item, steps, context);
  if (found.length === 0) return undefined;
  return found.some((value) =>
    typeof value === 'string' ? values.has(value) : typeof value === 'boolean' && values.has(String(value)),
  );
}

/** The values at the end of a path, through lists and references. */
function reached(item: unknown, steps: readonly string[], context: Context): unknown[] {
  let values: unknown[] = [item];
  for (const step of steps) {
    values = values.flatMap((value): unknown[] => {
      if (!isElement(value)) return [];
      if (step.startsWith('>')) {
        const target = context.target(value);
        return target?.resourceType === step.slice(1) ? [target] : [];
      }
      const next = (value as Element)[step];
      return next === undefined || next === null ? [] : Array.isArray(next) ? next : [next];
    });
  }
  return values;
}
