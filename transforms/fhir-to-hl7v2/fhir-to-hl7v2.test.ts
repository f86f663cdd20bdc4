import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Bundle, fhirBundle } from '../../contracts/fhir.ts';
import { HubError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import type { Hl7Message } from '../../protocols/hl7v2/message.ts';
import { fhirToHl7v2 } from './fhir-to-hl7v2.ts';

const envelope = { receivedAt: Date.UTC(2026, 2, 2, 7, 15) } as Message<Bundle>;
const file = new URL('../../test-fixtures/fhir-to-hl7v2/patient-encounter.json', import.meta.url);
const bundle = fhirBundle.decode(readFileSync(file), {});

async function run(given: Parameters<typeof fhirToHl7v2>[0], from: Bundle = bundle): Promise<Hl7Message> {
  return (await fhirToHl7v2(given).create()(from, envelope)) as Hl7Message;
}

describe('fhir-to-hl7v2', () => {
  it('makes a message of what its format has read, frozen as it is', async () => {
    expect((await run({})).type).toBe('ADT^A01');
    expect((await run({ type: 'ADT^A08', version: '2.3.1' })).version).toBe('2.3.1');
  });

  it('answers at once when the maps have been read', async () => {
    const step = fhirToHl7v2({}).create();
    await step(bundle, envelope);
    expect(step(bundle, envelope)).not.toBeInstanceOf(Promise);
  });

  it('refuses what does not land, where that is asked for', async () => {
    const strict = run({ onIssue: 'error' });
    await expect(strict).rejects.toThrow(HubError);
    await expect(strict).rejects.toThrow('the message does not say it (not-landed)');
  });

  it('takes types alone that there is a way back to', () => {
    expect(() => fhirToHl7v2({ type: 'DFT^P03' })).toThrow('a type of ADT, ORU, OML, SIU or VXU');
  });
});
