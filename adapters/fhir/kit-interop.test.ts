import { Client } from 'fhir-kit-client';
import { afterEach, describe, expect, it } from 'vitest';
import { fakeIntake, negative, positive } from '../../core/testing/fake-intake.ts';
import { runSource } from './testing/run-source.ts';

let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

const body = { resourceType: 'Patient', id: '7', name: [{ family: 'Muñoz' }] };

async function client(receipt = positive) {
  const intake = fakeIntake(() => receipt);
  const source = open.use(await runSource(intake));
  return { kit: new Client({ baseUrl: `${source.url}/fhir` }), intake };
}

describe('fhir-kit-client, an independent client', () => {
  it('creates, updates and sends bundles, each of them conditional too', async () => {
    const { kit, intake } = await client();
    await kit.create({ resourceType: 'Patient', body, options: { headers: { 'If-None-Exist': 'identifier=1' } } });
    await kit.update({ resourceType: 'Patient', id: '7', body });
    await kit.update({ resourceType: 'Patient', searchParams: { identifier: 'a|1' }, body });
    const entry = [{ resource: body, request: { method: 'PUT', url: 'Patient/7' } }];
    const answer = await kit.transaction({ body: { resourceType: 'Bundle', type: 'transaction', entry } });
    expect(answer).toMatchObject({ type: 'transaction-response', entry: [{ response: { status: '200 OK' } }] });
    await kit.batch({ body: { resourceType: 'Bundle', type: 'batch', entry } });
    expect(intake.arrivals.map(({ meta }) => meta?.['fhir.interaction'])).toEqual([
      ...['create', 'update', 'conditional-update', 'transaction', 'batch'],
    ]);
    expect(JSON.parse(Buffer.from(intake.arrivals[0]!.raw).toString())).toEqual(body);
    expect(await kit.capabilityStatement()).toMatchObject({ fhirVersion: '4.0.1' });
  });

  it('is told what is wrong', async () => {
    const { kit } = await client(negative);
    await expect(kit.create({ resourceType: 'Patient', body })).rejects.toMatchObject({
      response: { status: 422, data: { resourceType: 'OperationOutcome' } },
    });
    await expect(kit.read({ resourceType: 'Patient', id: '7' })).rejects.toMatchObject({
      response: { status: 405, data: { resourceType: 'OperationOutcome' } },
    });
  });
});
