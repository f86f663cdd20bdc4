/** FHIR in and out through a real hub: what is wrong is refused with its places, what is right goes out as the same bytes. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { answering, type FarEnd, farEnd } from '../clients/http-client/testing/far-end.ts';
import type { MessagePage } from '../core/store/message-store.ts';
import { freePort } from '../core/testing/free-port.ts';
import { type HubProcess, hubProcess, type Workplace, workplace } from './testing/hub-process.ts';

let far: FarEnd;
let place: Workplace;
let hub: HubProcess;
let port: number;
beforeAll(async () => {
  port = await freePort();
  far = await farEnd();
  place = await workplace({
    'channels/env/test.yaml': `endpoints:
  in: { kind: tcp-listen, listen: ${port} }
  server: { kind: http, url: 'http://127.0.0.1:${far.port}/r4' }
`,
    'channels/portal.channel.yaml': `channel: portal
source: { fhir: { endpoint: in } }
ackAfter: transformed
validation: reject
key: [$patient]
filter: { resourceType: { not: [Basic] } }
destinations:
  server: { to: { fhir: { endpoint: server, validate: report } } }
`,
  });
  hub = await hubProcess(place);
});
afterAll(async () => {
  await hub?.[Symbol.asyncDispose]();
  await place?.[Symbol.asyncDispose]();
  await far?.[Symbol.asyncDispose]();
});

const post = (path: string, body: string, headers: Readonly<Record<string, string>> = {}) =>
  fetch(`http://127.0.0.1:${port}/fhir/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/fhir+json', ...headers },
    body,
  });

it('refuses what is wrong by the definitions of R4, and keeps it', async () => {
  const response = await post('Patient', '{"resourceType":"Patient","birthDate":"2024-02-30"}');
  expect(response.status).toBe(422);
  expect(await response.json()).toMatchObject({
    resourceType: 'OperationOutcome',
    issue: [{ severity: 'error', code: 'structure', expression: ['Patient.birthDate'] }],
  });
  const { messages } = await hub.get<MessagePage>('/api/messages?meta.fhir.type=Patient');
  expect(messages[0]).toMatchObject({ status: 'error' });
  expect(far.requests).toEqual([]);
});

it('passes on what is right, byte for byte and under the same condition', async () => {
  far.respond = answering(201);
  const text = '{ "resourceType":"Observation","status":"final","code":{"text":"K"},"valueQuantity":{"value":4.10} }';
  const response = await post('Observation', text, { 'if-none-exist': 'identifier=urn:a|1' });
  expect(response.status).toBe(201);
  await expect.poll(() => far.requests.length).toBe(1);
  expect(far.requests[0]).toMatchObject({ method: 'POST', url: '/r4/Observation', body: text });
  expect(far.requests[0]?.headers['if-none-exist']).toBe('identifier=urn:a|1');
});

it('says that nobody wanted it', async () => {
  const basic = '{"resourceType":"Basic","code":{"text":"x"}}';
  const response = await post('Basic', basic);
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({ issue: [{ severity: 'information' }] });
});
