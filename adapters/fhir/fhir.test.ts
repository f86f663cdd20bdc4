import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { post } from '../../clients/http-server/testing/peer.ts';
import { HubError } from '../../core/errors.ts';
import type { Outcome, Receipt } from '../../core/outcome.ts';
import { draining, fakeIntake, negative, positive } from '../../core/testing/fake-intake.ts';
import { running } from './testing/asking.ts';
import { runSource } from './testing/run-source.ts';

let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

const outcome = (status: Exclude<Outcome['status'], 'error'>): Receipt => ({ id: 'a-message', outcome: { status } });
const patient = { resourceType: 'Patient', id: '7', name: [{ family: 'Berger' }] };
const issue = (code: string, diagnostics: unknown = expect.any(String), more: object = {}) => ({
  resourceType: 'OperationOutcome',
  issue: [{ severity: 'error', code, diagnostics, ...more }],
});

describe('what a FHIR source takes', () => {
  it('is a message of the very bytes that were posted, with what the request said beside them', async () => {
    const { intake, ask } = await running(open);
    const text = '{ "resourceType":"Patient", "multipleBirthInteger": 2.0 }';
    await ask('POST', '/Patient?_format=json', text, { 'If-None-Exist': 'identifier=a|1', 'X-Request-Id': 'r-1' });
    await ask('PUT', '/Patient/7', patient, { 'If-Match': 'W/"3"' });
    await ask('PUT', '/Patient?identifier=a%7C1', patient);
    expect(intake.arrivals.map(({ raw }) => Buffer.from(raw).toString())[0]).toBe(text);
    expect(intake.arrivals.map(({ meta }) => meta)).toEqual([
      {
        peer: '127.0.0.1',
        'fhir.interaction': 'create',
        'fhir.type': 'Patient',
        'fhir.ifNoneExist': 'identifier=a|1',
        'fhir.requestId': 'r-1',
      },
      {
        peer: '127.0.0.1',
        'fhir.interaction': 'update',
        'fhir.type': 'Patient',
        'fhir.id': '7',
        'fhir.ifMatch': 'W/"3"',
      },
      {
        peer: '127.0.0.1',
        'fhir.interaction': 'conditional-update',
        'fhir.type': 'Patient',
        'fhir.search': 'identifier=a%7C1',
      },
    ]);
  });

  it('is one message for a bundle, and one that is packed is unpacked', async () => {
    const { intake, source } = await running(open);
    const text = JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry: [] });
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip', 'idempotency-key': 'k' };
    const response = await fetch(`${source.url}/fhir/`, { method: 'POST', headers, body: gzipSync(text) });
    expect(response.status).toBe(200);
    expect(intake.arrivals).toHaveLength(1);
    expect(Buffer.from(intake.arrivals[0]!.raw).toString()).toBe(text);
    expect(intake.arrivals[0]).toMatchObject({ dedupeKey: '/k', meta: { 'fhir.interaction': 'transaction' } });
  });

  it('is as the channel says: bundles alone, or some types', async () => {
    const bundles = await running(open, { format: 'fhir.r4.Bundle' });
    expect((await bundles.ask('POST', '/Patient', patient)).status).toBe(404);
    expect((await bundles.ask('POST', '', { resourceType: 'Bundle', type: 'batch' })).status).toBe(200);
    const some = await running(open, { types: ['Patient'], path: '' });
    const to = (type: string) =>
      fetch(`${some.source.url}/${type}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ resourceType: type }),
      });
    expect((await to('Patient')).status).toBe(201);
    expect((await to('Observation')).status).toBe(404);
  });

  it('is said by its CapabilityStatement', async () => {
    const { ask } = await running(open, { types: ['Patient'] });
    const { status, headers, json } = await ask('GET', '/metadata', undefined, { accept: 'application/json' });
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(json).toMatchObject({
      resourceType: 'CapabilityStatement',
      fhirVersion: '4.0.1',
      rest: [
        {
          resource: [
            { type: 'Patient', interaction: [{ code: 'create' }, { code: 'update' }], conditionalCreate: true },
          ],
          interaction: [{ code: 'transaction' }, { code: 'batch' }],
        },
      ],
    });
  });
});

describe('the answer of a FHIR source', () => {
  it.for([
    [outcome('stored'), 201],
    [outcome('sent'), 201],
    [outcome('queued'), 201],
    [outcome('filtered'), 200],
  ] as const)('to a create with receipt %j is %i', async ([receipt, status]) => {
    const { ask } = await running(open, {}, receipt);
    const answer = await ask('POST', '/Patient', patient, { 'x-request-id': 'r 1' });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toBe('application/fhir+json; charset=utf-8');
    expect(answer.headers.get('x-request-id')).toBe('r 1');
    expect(answer.json).toMatchObject({
      resourceType: 'OperationOutcome',
      issue: [
        { severity: 'information', code: 'informational', diagnostics: expect.stringMatching(/: message a-message$/) },
      ],
    });
  });

  it('to an update is 200, with the place of what has one', async () => {
    const { ask } = await running(open);
    const update = await ask('PUT', '/Patient/7', patient);
    expect([update.status, update.headers.get('location')]).toEqual([200, '/fhir/Patient/7']);
    const conditional = await ask('PUT', '/Patient?identifier=1', patient);
    expect([conditional.status, conditional.headers.get('location')]).toEqual([200, null]);
  });

  it('has what the sender prefers', async () => {
    const { ask } = await running(open);
    expect(await ask('POST', '/Patient', patient, { prefer: 'return=minimal' })).toMatchObject({
      status: 201,
      text: '',
    });
    expect((await ask('POST', '/Patient', patient, { prefer: 'return=representation' })).json).toEqual(patient);
    const pretty = await ask('POST', '/Patient?_pretty=true', patient, {
      prefer: 'respond-async, return="OperationOutcome"',
    });
    expect(pretty.text).toMatch(/^\{\n {2}"resourceType": "OperationOutcome",\n/);
  });

  it('to a bundle has one entry for each, with the status of each', async () => {
    const { ask } = await running(open);
    const bundle = {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [
        { resource: { resourceType: 'Basic' }, request: { method: 'POST', url: 'Basic' } },
        { resource: patient, request: { method: 'PUT', url: 'Patient/7' } },
        { request: { method: 'DELETE', url: 'Basic/1' } },
      ],
    };
    const minimal = await ask('POST', '', bundle, { prefer: 'return=minimal' });
    expect([minimal.status, minimal.json]).toEqual([
      200,
      {
        resourceType: 'Bundle',
        type: 'transaction-response',
        entry: [
          { response: { status: '201 Created' } },
          { response: { status: '200 OK', location: '/fhir/Patient/7' } },
          { response: { status: '204 No Content' } },
        ],
      },
    ]);
    const told = await ask('POST', '', { ...bundle, type: 'batch' });
    expect(told.json).toMatchObject({ type: 'batch-response', entry: Array(3).fill({ response: { outcome: {} } }) });
    const whole = await ask('POST', '', bundle, { prefer: 'return=representation' });
    expect(whole.json).toMatchObject({ entry: [{ resource: { resourceType: 'Basic' } }, { resource: patient }, {}] });
  });

  it('rule 13: is what the destination said, with the headers that go with it', async () => {
    const stored = { ...patient, id: '9', meta: { versionId: '3', lastUpdated: '2026-01-31T23:59:58.007Z' } };
    const { ask } = await running(open, {}, { ...positive, reply: Buffer.from(JSON.stringify(stored)) });
    const { status, headers, json } = await ask('POST', '/Patient', patient);
    expect([status, headers.get('location'), headers.get('etag'), headers.get('last-modified'), json]).toEqual([
      201,
      '/fhir/Patient/9/_history/3',
      'W/"3"',
      'Sat, 31 Jan 2026 23:59:58 GMT',
      stored,
    ]);
    const said = Buffer.from(JSON.stringify(issue('conflict', 'x')));
    const refusing = await running(open, {}, { ...negative, reply: said });
    const refused = await refusing.ask('POST', '/Patient', patient);
    expect([refused.status, refused.json]).toEqual([409, issue('conflict', 'x')]);
  });

  it('to what is refused for good says why: where it is wrong, or our own error without its text', async () => {
    const { ask } = await running(open, {}, negative);
    const refused = await ask('POST', '/Patient', patient);
    expect([refused.status, refused.json]).toEqual([
      422,
      issue('processing', 'A filter, key or transform step threw.: message a-message'),
    ]);
    const findings = [
      { severity: 'error', code: 'value', path: 'Patient.birthDate', message: 'Invalid date' },
    ] as const;
    const wrong = await running(open, {}, { ...negative, findings });
    expect((await wrong.ask('POST', '/Patient', patient)).json).toEqual(
      issue('value', 'Invalid date: message a-message', { expression: ['Patient.birthDate'] }),
    );
  });

  it('says when to come again while the channel is stopping or its store is full', async () => {
    const { ask } = await running(open, { retryAfterMs: 4_500 }, draining);
    const later = await ask('POST', '/Patient', patient);
    expect([later.status, later.headers.get('retry-after'), later.json]).toEqual([503, '5', issue('transient')]);
    const full = await running(open);
    full.intake.refuseNext(new HubError('store-full', 'transient', 'storing: the quota is used up'));
    expect((await full.ask('POST', '/Patient', patient)).status).toBe(503);
    expect(full.source.context.counts).toMatchObject({ fhir_unstored_total: 1 });
    expect((await full.ask('POST', '/Patient', patient)).status).toBe(201);
  });

  it('comes when the point of the channel is reached', async () => {
    const intake = fakeIntake();
    const source = open.use(await runSource(intake, {}, { ackAfter: 'settled' }));
    const peer = await source.connect();
    peer.write(post(JSON.stringify(patient), { 'Content-Type': 'application/fhir+json' }, '/fhir/Patient'));
    await vi.waitFor(() => expect(intake.arrivals).toHaveLength(1));
    intake.answer(0, outcome('stored'), 'stored');
    expect(peer.answers).toEqual([]);
    intake.answer(0, positive);
    expect((await peer.answered(1))[0]?.status).toBe(201);
  });
});
