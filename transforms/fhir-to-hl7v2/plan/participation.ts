import { V2 } from '../../hl7v2-to-fhir/urls.ts';
import type { Context } from '../context.ts';
import type { Element } from '../element.ts';
import { cameFrom } from '../hints.ts';
import type { SegmentDraft } from '../repetition.ts';
import { emit, type Source } from './emit.ts';

/** PRT of the roles and the device that say that they came from one, of what refers to them. */
export function participations(
  resource: Element | undefined,
  keys: readonly string[],
  context: Context,
): SegmentDraft[] {
  if (!resource || !context.own) return [];
  const { reading, resources } = context;
  const isOne = (each: Element) => cameFrom(each, reading)?.startsWith('PRT') ?? false;
  const found = resources.inOrder(keys.flatMap((key) => resources.targets(resource, key)).filter(isOne));
  const roles = found.filter(({ resourceType }) => resourceType === 'PractitionerRole');
  const device = found.find(({ resourceType }) => resourceType === 'Device');
  // What no rule takes of a segment is kept in the first resource that it made.
  const joined = device && roles.find((role) => !keepsAny(role, context));
  const segments = roles.flatMap((role) => {
    const sources: Source[] = [['PRT[PractitionerRole]', role]];
    if (role === joined) sources.unshift(['PRT[Device]', device]);
    return emit('PRT', sources, context) ?? [];
  });
  const alone = device && !joined ? emit('PRT', [['PRT[Device]', device]], context) : undefined;
  return alone ? [alone, ...segments] : segments;
}

function keepsAny(role: Element, { reading }: Context): boolean {
  return reading.objects(role, 'extension').some(({ url }) => typeof url === 'string' && url.startsWith(`${V2}PRT-`));
}
