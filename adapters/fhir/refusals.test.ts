import { afterEach, describe, expect, it } from 'vitest';
import { positive } from '../../core/testing/fake-intake.ts';
import { running } from './testing/asking.ts';

let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

const patient = { resourceType: 'Patient', id: '7', name: [{ family: 'Berger' }] };
const issue = (code: string, diagnostics: unknown = expect.any(String), more: object = {}) => ({
  resourceType: 'OperationOutcome',
  issue: [{ severity: 'error', code, diagnostics, ...more }],
});

describe('what a FHIR source refuses', () => {
  it.for([
    ['POST', '/Pazient', patient, {}, 404, 'not-found'],
    ['GET', '/Patient/7', undefined, {}, 405, 'not-supported'],
    ['DELETE', '/Patient/7', undefined, {}, 405, 'not-supported'],
    ['POST', '/Patient', patient, { accept: 'application/fhir+xml' }, 406, 'not-supported'],
    ['POST', '/Patient?_format=xml', patient, {}, 406, 'not-supported'],
    ['POST', '/Patient', '<Patient/>', { 'content-type': 'application/fhir+xml' }, 415, 'not-supported'],
    ['POST', '/Patient', patient, { 'content-type': 'application/fhir+json; charset=latin1' }, 415, 'not-supported'],
    ['POST', '/Patient', patient, { 'content-encoding': 'br' }, 415, 'not-supported'],
    ['POST', '/Patient', patient, { 'content-encoding': 'gzip' }, 400, 'invalid'],
    ['POST', '/Patient', '', {}, 400, 'invalid'],
    ['POST', '/Patient', '{"resourceType":"Patient",}', {}, 400, 'structure'],
    ['POST', '/Patient', '[]', {}, 400, 'structure'],
    ['POST', '/Patient', { resourceType: 'Observation' }, {}, 400, 'invalid'],
    ['PUT', '/Patient/8', patient, {}, 400, 'invalid'],
    ['PUT', '/Patient/8', { resourceType: 'Patient' }, {}, 400, 'invalid'],
    ['PUT', '/Patient', patient, {}, 400, 'invalid'],
    ['POST', '', patient, {}, 400, 'invalid'],
    ['POST', '', { resourceType: 'Bundle', type: 'collection' }, {}, 400, 'invalid'],
    [
      'POST',
      '',
      { resourceType: 'Bundle', type: 'batch', entry: [{ request: { method: 'GET', url: 'Patient' } }] },
      {},
      422,
      'not-supported',
    ],
    ['POST', '/Patient', `{"resourceType":"Patient","name":"${'x'.repeat(70_000)}"}`, {}, 413, 'too-long'],
  ] as const)('%s %s %j %j: %i %s', async ([method, path, body, headers, status, code]) => {
    const { intake, ask, source } = await running(open, { maxBodyBytes: 65_536 });
    const answer = await ask(method, path, body, headers);
    expect([answer.status, answer.json]).toEqual([
      status,
      expect.objectContaining({ issue: [expect.objectContaining({ code })] }),
    ]);
    expect(answer.text).not.toMatch(/Berger|Pazient/);
    expect(intake.arrivals).toEqual([]);
    expect(source.context.counts).toMatchObject({ fhir_refused_total: 1 });
  });

  it('says where JSON is broken, and which methods there are', async () => {
    const { ask } = await running(open);
    const broken = await ask('POST', '/Patient', '{\n "resourceType": "Patient",\n "name": Berger }');
    expect(broken.json).toEqual(
      issue('structure', 'reading a resource: not JSON: expected a value at line 3, column 10'),
    );
    expect((await ask('DELETE', '/Patient/7')).headers.get('allow')).toBe('PUT');
    expect((await ask('GET', '/Patient')).headers.get('allow')).toBe('POST, PUT');
  });

  it('is what has no length and no body', async () => {
    const { source } = await running(open);
    const peer = await source.connect();
    peer.write('POST /fhir/Patient HTTP/1.1\r\nHost: weir\r\nContent-Type: application/fhir+json\r\n\r\n');
    expect((await peer.answered(1))[0]).toMatchObject({
      status: 411,
      body: expect.stringContaining('there is no body'),
    });
  });

  it('is whoever is not known', async () => {
    const endpoints = { token: { kind: 'bearer-token', token: 'secret' } } as const;
    const { ask, intake } = await running(open, { auth: [{ bearer: 'token' }] }, positive, { endpoints });
    const stranger = await ask('POST', '/Patient', patient);
    expect([stranger.status, stranger.headers.get('www-authenticate'), stranger.json]).toEqual([
      401,
      'Bearer',
      issue('login'),
    ]);
    expect((await ask('POST', '/Patient', patient, { authorization: 'Bearer secret' })).status).toBe(201);
    expect(intake.arrivals[0]?.meta).toMatchObject({ 'http.caller': 'token' });
  });
});
