import { afterEach, describe, expect, it } from 'vitest';
import { answering, brief, farEnd, type Respond } from '../../clients/http-client/testing/far-end.ts';
import { patient } from '../../core/testing/destination-suite.ts';
import { fhir } from './fhir.ts';
import { type Config, destinationTo, message } from './testing/destination.ts';

let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

const system = 'urn:oid:2.16.840.1.113883.19.5';
const doe = { resourceType: 'Patient', identifier: [{ system, value: '4|7' }], name: [{ family: 'Berger' }] };
const json = { 'content-type': 'application/fhir+json' };
const outcome = (...issue: object[]) => JSON.stringify({ resourceType: 'OperationOutcome', issue });

async function writing(respond: Respond = answering(200), config: Config = {}) {
  const far = open.use(await farEnd(respond));
  const { destination, context } = destinationTo(`http://127.0.0.1:${far.port}/fhir`, config);
  open.use(destination);
  const write = async (resource: unknown, fields: Parameters<typeof message>[1] = {}) => {
    const [outcome] = await destination.write([message(resource, fields)], patient);
    return outcome!;
  };
  return { far, write, context };
}

const asked = ({ requests }: { requests: readonly { method: string; url: string }[] }) =>
  requests.map(({ method, url }) => `${method} ${url}`);

describe('the request of a FHIR destination', () => {
  it('adds headers with places, and none in place of its own', async () => {
    const headers = { 'X-Tenant': 'north', 'X-Source': '${channel}/${meta.site}', 'X-Nothing': '${meta.absent}' };
    const { far, write } = await writing(answering(201), { headers });
    await write(doe, { meta: { site: 'Süd' } });
    expect(far.requests[0]?.headers).toMatchObject({ 'x-tenant': 'north', 'x-source': 'lab-in/S%C3%BCd' });
    expect(far.requests[0]?.headers).not.toHaveProperty('x-nothing');
    for (const name of ['Prefer', 'If-None-Exist', 'Authorization'])
      expect(() => fhir({ endpoint: 'api', headers: { [name]: 'x' } })).toThrow(`headers.${name}`);
    expect(() => fhir({ endpoint: 'api', headers: { 'X-A': '${nothing}' } })).toThrow(/a value like/);
  });

  it('puts what has an id, and posts what has none', async () => {
    const { far, write } = await writing();
    await write({ ...doe, id: 'a.1' });
    await write(doe);
    expect(asked(far)).toEqual(['PUT /fhir/Patient/a.1', 'POST /fhir/Patient']);
    expect(far.requests[0]?.headers).toMatchObject({
      accept: 'application/fhir+json',
      'content-type': 'application/fhir+json',
      'x-request-id': '019a0000-0000-7000-8000-000000000001/out/0',
    });
  });

  it('has the bytes of the message as they are', async () => {
    const { far, write } = await writing();
    const text = '{ "resourceType":"Observation", "valueQuantity": {"value": 1.50} }';
    await write(text);
    expect(far.requests[0]?.body).toBe(text);
  });

  it.for([
    ['create', 'POST /fhir/Patient', 'identifier=urn%3Aoid%3A2.16.840.1.113883.19.5%7C4%5C%7C7'],
    ['update', 'PUT /fhir/Patient?identifier=urn%3Aoid%3A2.16.840.1.113883.19.5%7C4%5C%7C7', undefined],
    ['auto', 'PUT /fhir/Patient?identifier=urn%3Aoid%3A2.16.840.1.113883.19.5%7C4%5C%7C7', undefined],
  ] as const)('is conditional with an identifier: %s', async ([interaction, line, condition]) => {
    const { far, write } = await writing(answering(200), { interaction, identifier: system });
    await write(doe);
    expect(asked(far)).toEqual([line]);
    expect(far.requests[0]?.headers['if-none-exist']).toBe(condition);
  });

  it.for(['transaction', 'batch'] as const)('of a %s goes to the base', async (type) => {
    const answer = JSON.stringify({ resourceType: 'Bundle', type: `${type}-response`, entry: [] });
    const { far, write } = await writing(answering(200, answer, json), { interaction: 'bundle' });
    expect(await write({ resourceType: 'Bundle', type, entry: [] })).toMatchObject({ status: 'sent' });
    expect(asked(far)).toEqual(['POST /fhir']);
  });

  it.for([
    [{ 'fhir.interaction': 'create', 'fhir.ifNoneExist': 'identifier=a|1' }, 'POST /fhir/Patient', 'identifier=a|1'],
    [
      { 'fhir.interaction': 'conditional-update', 'fhir.search': 'identifier=a%7C1' },
      'PUT /fhir/Patient?identifier=a%7C1',
      undefined,
    ],
    [{ 'fhir.interaction': 'update', 'fhir.id': 'x', 'fhir.ifMatch': 'W/"3"' }, 'PUT /fhir/Patient/x', undefined],
  ] as const)('is the one that a FHIR source received: %j', async ([meta, line, condition]) => {
    const { far, write } = await writing();
    await write({ ...doe, id: 'x' }, { meta: { 'fhir.type': 'Patient', ...meta } });
    expect(asked(far)).toEqual([line]);
    expect(far.requests[0]?.headers['if-none-exist']).toBe(condition);
    expect(far.requests[0]?.headers['if-match']).toBe('fhir.ifMatch' in meta ? 'W/"3"' : undefined);
  });

  it.for([
    ['no JSON', '{"resourceType":', {}],
    ['no resource', '[1]', {}],
    ['no bundle', doe, { interaction: 'bundle' }],
    ['without its identifier', { resourceType: 'Patient' }, { identifier: system }],
    ['without an id', doe, { interaction: 'update' }],
    ['with an id that is none', { ...doe, id: '../x' }, {}],
  ] as const)('is not made of what is %s', async ([, resource, config]) => {
    const { far, write } = await writing(answering(200), config);
    expect(brief([await write(resource)])).toEqual(['error encode-failed permanent message']);
    expect(far.requests).toEqual([]);
  });
});

describe('the answer of a FHIR server', () => {
  it.for([
    [200, 'sent'],
    [201, 'sent'],
    [302, 'error reply-negative transient destination'],
    [400, 'error reply-negative permanent message'],
    [401, 'error reply-negative transient destination'],
    [404, 'error reply-negative permanent message'],
    [408, 'error reply-negative transient message'],
    [409, 'error reply-negative transient message'],
    [412, 'error reply-negative permanent message'],
    [422, 'error reply-negative permanent message'],
    [425, 'error reply-negative transient message'],
    [429, 'error reply-negative transient destination'],
    [500, 'error reply-negative transient message'],
    [501, 'error reply-negative permanent message'],
    [503, 'error reply-negative transient destination'],
  ] as const)('%i means %s', async ([status, expected]) => {
    const { write } = await writing(answering(status));
    expect(brief([await write(doe)])).toEqual([expected]);
  });

  it('means what the table says', async () => {
    const { write } = await writing(answering(412), { response: { 412: 'sent' } });
    expect(brief([await write(doe)])).toEqual(['sent']);
  });

  it('says when to come again', async () => {
    const { write } = await writing(answering(503, '', { 'retry-after': '7' }));
    expect(await write(doe)).toMatchObject({ retryAfterMs: 7_000 });
  });

  it('goes with the dead letter as it came; the error tells kinds and places, and none of its texts', async () => {
    const body = outcome(
      { severity: 'error', code: 'invariant', diagnostics: 'Berger is no name', expression: ['Patient.name[0]'] },
      { severity: 'error', code: 'value', expression: ["Patient.name.where(family='Berger')"] },
      { severity: 'warning', code: 'business-rule' },
    );
    const { write } = await writing(answering(422, body, json));
    const written = await write(doe);
    if (written.status !== 'error') throw new Error(written.status);
    expect(written.error.message).toBe(
      'sending the resource: the far end answered 422: invariant (Patient.name[0]); value',
    );
    expect(Buffer.from(written.reply!).toString()).toBe(body);
  });

  it('is none where it is a page of somebody else', async () => {
    const { write } = await writing(answering(200, '<html>log in</html>', { 'content-type': 'text/html' }));
    expect(brief([await write(doe)])).toEqual(['uncertain reply-invalid transient message']);
  });

  it('is not gone after where it is a redirection: the resource would be lost on the way', async () => {
    const { far, write } = await writing(answering(302, '', { location: '/elsewhere' }));
    await write(doe);
    expect(asked(far)).toEqual(['POST /fhir/Patient']);
  });
});

describe('the answer to a batch', () => {
  const put = { resource: { resourceType: 'Basic', id: '1' }, request: { method: 'PUT', url: 'Basic/1' } };
  const post = { resource: { resourceType: 'Basic' }, request: { method: 'POST', url: 'Basic' } };
  const answered = async (entry: readonly object[], statuses: readonly (string | undefined)[], more = {}) => {
    const response = statuses.map((status) => ({ response: { ...(status && { status }), ...more } }));
    const body = JSON.stringify({ resourceType: 'Bundle', type: 'batch-response', entry: response });
    const { write } = await writing(answering(200, body, json));
    return write({ resourceType: 'Bundle', type: 'batch', entry });
  };

  it.for([
    ['all succeeded', [put, post], ['200', '201 Created'], 'sent'],
    ['one failed for good', [put, put], ['200', '422 Unprocessable Entity'], 'error reply-negative permanent message'],
    ['one failed for a while', [put, put], ['200', '503'], 'error reply-negative transient message'],
    ['what succeeded cannot be repeated', [post, put], ['201', '503'], 'error reply-negative permanent message'],
    ['everything can be done again', [post, put], ['503', '200'], 'error reply-negative transient message'],
    ['an entry is missing', [put, put], ['200'], 'uncertain reply-invalid transient message'],
    ['an entry says nothing', [put], [undefined], 'uncertain reply-invalid transient message'],
  ] as const)('counts entry by entry: %s', async ([, entry, statuses, expected]) => {
    expect(brief([await answered(entry, statuses)])).toEqual([expected]);
  });

  it('says which entries failed and how', async () => {
    const issue = [{ severity: 'error', code: 'required', expression: ['Basic.code'], diagnostics: 'Berger' }];
    const written = await answered([put], ['400'], { outcome: { resourceType: 'OperationOutcome', issue } });
    expect(written).toMatchObject({
      error: { message: 'sending a batch: 1 of 1 entries failed: entry 0: 400: required (Basic.code)' },
    });
  });

  it('has to be there: without one nobody knows what was done', async () => {
    const { write } = await writing(answering(200));
    const outcome = await write({ resourceType: 'Bundle', type: 'batch', entry: [put] });
    expect(brief([outcome])).toEqual(['uncertain reply-invalid transient message']);
  });
});

describe('validation before sending', () => {
  const wrong = { resourceType: 'Patient', gender: 'Berger', birthDate: '2024-02-30' };

  it('reports what is wrong and sends it', async () => {
    const { far, write, context } = await writing(answering(201), { validate: 'report' });
    expect(brief([await write(wrong)])).toEqual(['sent']);
    expect(far.requests).toHaveLength(1);
    expect(context.counts.fhir_invalid_total).toBe(1);
    expect(JSON.stringify(context.logged)).toMatch(/Patient\.birthDate/);
    expect(JSON.stringify(context.logged)).not.toMatch(/Berger|2024/);
  });

  it('keeps back what is wrong', async () => {
    const { far, write } = await writing(answering(201), { validate: 'reject' });
    const outcome = await write(wrong);
    expect(brief([outcome])).toEqual(['error validation-failed permanent message']);
    expect(outcome).toMatchObject({ error: { message: expect.stringMatching(/^validating: 2 errors: /) } });
    expect(brief([await write({ resourceType: 'Patient', gender: 'female' })])).toEqual(['sent']);
    expect(far.requests).toHaveLength(1);
  });
});
