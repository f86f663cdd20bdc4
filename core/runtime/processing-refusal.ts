import { HubError } from '../errors.ts';
import type { Format } from '../format.ts';
import type { Processing } from '../processing.ts';

/** A message that is for another processing than the hub's; one that does not say what it is for is one of production. */
export function processingRefusal(
  format: Format<unknown>,
  { id, accepts }: Processing,
  raw: Uint8Array,
): HubError | undefined {
  if (!format.processingId) return undefined;
  const given = (format.processingId(raw) ?? 'P').toUpperCase();
  if (accepts.some((each) => each === given)) return undefined;
  const what = given === 'P' || given === 'T' || given === 'D' ? `processing ${given}` : 'an unknown processing';
  const taken = accepts.join(', ');
  return new HubError(
    'processing-refused',
    'permanent',
    `accepting a message: it is for ${what}, and this hub (${id}) takes ${taken}`,
  );
}
