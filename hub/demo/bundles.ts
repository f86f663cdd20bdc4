import type { Bundle } from '@medplum/fhirtypes';
import { validateResource } from '../../clients/fhir/validate.ts';
import { fhirBundle } from '../../contracts/fhir.ts';
import { topics } from '../../contracts/topics.ts';
import { HubError } from '../../core/errors.ts';
import type { EventLog } from '../../core/events/event-log.ts';
import { portalSystem } from './other-samples.ts';
import { eachEvent } from './published-events.ts';

/** The bundles on their topic, and those among them that the definitions of R4 allow, by the control ids of their messages, or their own numbers. */
export interface Bundles {
  readonly found: ReadonlyMap<string, number>;
  readonly valid: ReadonlyMap<string, number>;
}

/** Looks at every bundle; one that was published under two keys is one. */
export async function bundlesOf(log: EventLog): Promise<Bundles> {
  const [found, valid] = [new Map<string, number>(), new Map<string, number>()];
  const seen = new Set<string>();
  const more = (counts: Map<string, number>, controlId: string) =>
    counts.set(controlId, (counts.get(controlId) ?? 0) + 1);
  await eachEvent(log, topics.bundle.name, ({ id, value, headers }) => {
    if (seen.has(id)) return;
    seen.add(id);
    const controlId = headers['hl7.controlId'] ?? numberIn(value);
    // What devices of the ward say is no sample.
    if (controlId === undefined) return;
    more(found, controlId);
    if (isValid(value)) more(valid, controlId);
  });
  return { found, valid };
}

/** The number that the portal gave a bundle. */
function numberIn(bytes: Uint8Array): string | undefined {
  const { identifier } = fhirBundle.decode(bytes, {}) as Bundle;
  return identifier?.system === portalSystem ? identifier.value : undefined;
}

/** What could not be checked is not valid. */
function isValid(bytes: Uint8Array): boolean {
  try {
    const findings = validateResource(fhirBundle.decode(bytes, {}));
    return findings.every(({ severity, code }) => severity !== 'error' && code !== 'incomplete');
  } catch (thrown) {
    if (!(thrown instanceof HubError)) throw thrown;
    return false;
  }
}
