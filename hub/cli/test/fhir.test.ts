/** What `weir test` and `weir explain` say of destinations that are FHIR servers. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { weirHere } from '../../testing/command-line.ts';
import { type Workplace, workplace } from '../../testing/hub-process.ts';

const adt = 'MSH|^~\\&|EHR|HOSP|WEIR|HOSP|20260302||ADT^A01|M1|P|2.5.1\nPID|1||4711^^^HOSP^MR||Berger^Anna\nPV1|1|I\n';
const batch = JSON.stringify({
  resourceType: 'Bundle',
  type: 'batch',
  entry: [{ resource: { resourceType: 'Basic', code: {} }, request: { method: 'PUT', url: 'Basic/1' } }],
});

let place: Workplace;
beforeAll(async () => {
  place = await workplace({
    'env/demo.yaml':
      'endpoints: { in: { kind: tcp-listen, listen: 1 }, at: { kind: tcp-listen, listen: 2 }, server: { kind: http, url: "http://fhir.example/r4" } }\n',
    'a01.hl7': adt,
    'batch.json': batch,
    'failed.json': '{"resourceType":"Bundle","type":"batch-response","entry":[{"response":{"status":"422"}}]}',
    'adt.channel.yaml': `channel: adt
source: { mllp: { endpoint: in } }
ackAfter: settled
destinations:
  server:
    steps: [hl7v2-to-fhir: { bundle: transaction }]
    to: { fhir: { endpoint: server, interaction: bundle, response: { '409': dead-letter } } }
tests:
  - { name: busy, given: a01.hl7, responses: { server: ['503', AR, '200'] }, reply: AA }
  - { name: refused, given: a01.hl7, responses: { server: '422' }, server: { error: reply-negative }, reply: AE }
  - { name: as the table says, given: a01.hl7, responses: { server: '409' }, server: { error: reply-negative } }
`,
    'batches.channel.yaml': `channel: batches
source: { fhir: { endpoint: at } }
destinations:
  server: { to: { fhir: { endpoint: server } } }
  there: { to: { discard: {} } }
tests:
  - { name: taken, given: batch.json, server: batch.json }
  - { name: an entry is refused, given: batch.json, responses: { server: failed.json }, server: { error: reply-negative } }
  - { name: no status, given: batch.json, responses: { there: '503' } }
`,
  });
});
afterAll(() => place[Symbol.asyncDispose]());

describe('a destination that is a FHIR server', () => {
  it('is answered for by status, by code, or by a file, and judges it as it does', async () => {
    const { out } = await weirHere('test', place.directory, '--env', 'demo');
    expect(out).toMatch(/adt\n {2}ok {6}busy\n {2}ok {6}refused\n {2}ok {6}as the table says\n/);
    expect(out).toMatch(/batches\n {2}ok {6}taken\n {2}ok {6}an entry is refused\n/);
    expect(out).toMatch(/FAILED {2}no status .*\n +the test: answering for there: discard knows no status 503\n/);
  });

  it('is explained: what each answer leads to', async () => {
    const { out } = await weirHere('explain', 'adt', '--channels', place.directory, '--env', 'demo');
    expect(out).toMatch(/On 2xx: it is sent\./);
    expect(out).toMatch(/On .*4xx.*409.*412.*501: it becomes a dead letter\./);
    expect(out).toMatch(/On .*401.*429.*503.*: the destination waits/);
    expect(out).toMatch(/On the answer to a batch: each entry is judged by its own status\./);
  });
});
