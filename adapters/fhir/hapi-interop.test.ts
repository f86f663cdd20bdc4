import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { fhir as fhirOut } from '../../connectors/fhir/fhir.ts';
import { fakeDestinationContext } from '../../core/testing/contexts.ts';
import { patient as patiently } from '../../core/testing/destination-suite.ts';
import { fakeIntake, negative, positive } from '../../core/testing/fake-intake.ts';
import { outgoing } from '../../core/testing/outgoing.ts';
import { javaPeer } from '../../deploy/services/java-peer.ts';
import { runSource } from './testing/run-source.ts';

const peer = await javaPeer(
  join(import.meta.dirname, '../../test-fixtures/interop-fhir/HapiFhirPeer.java'),
  'hapi-fhir',
);
let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

const hapi = (...args: readonly string[]) => peer.start(open, ...args);

const system = 'urn:oid:2.16.840.1.113883.19.5';
const person = (number: string, family: string) => ({
  resourceType: 'Patient',
  identifier: [{ system, value: number }],
  name: [{ family }],
});

describe.skipIf(peer.missing)('HAPI FHIR, an independent implementation', { timeout: 60_000 }, () => {
  it('sends to our source and understands each answer', async () => {
    const intake = fakeIntake((arrival) => (Buffer.from(arrival.raw).includes('BAD') ? negative : positive));
    const source = open.use(await runSource(intake));
    const { lines } = hapi('client', `${source.url}/fhir`);
    const answers: string[] = [];
    for await (const line of lines) answers.push(line);
    expect(answers).toEqual([
      'create 201 - informational',
      'conditional create 201 - informational',
      'update 200 p-1 informational',
      'conditional update 200 - informational',
      'transaction transaction-response 201 Created, 200 OK',
      'refused 422 - processing',
      'read 405 - not-supported',
    ]);
    expect(intake.arrivals.map(({ meta }) => meta?.['fhir.interaction'])).toEqual([
      ...['create', 'create', 'update', 'conditional-update', 'transaction', 'create'],
    ]);
    const condition = new URLSearchParams(intake.arrivals[1]!.meta!['fhir.ifNoneExist']!.replace(/^.*\?/, ''));
    expect(condition.get('identifier')).toBe(`${system}|1`);
    expect(JSON.parse(Buffer.from(intake.arrivals[0]!.raw).toString())).toMatchObject(person('1', 'Muñoz'));
  });

  it('receives from our destination: a message that is written twice is there once, and what is refused is a dead letter', async () => {
    const { child, lines } = hapi('server');
    const url = `http://127.0.0.1:${(await lines.next()).value}/fhir`;
    const context = () => fakeDestinationContext({ endpoints: { server: { kind: 'http', url } } });
    const destination = (config: Partial<Parameters<typeof fhirOut>[0]> = {}) =>
      open.use(fhirOut({ endpoint: 'server', ...config }).create(context()));
    const write = async (to: ReturnType<typeof destination>, resource: object) => {
      const bytes = Buffer.from(JSON.stringify(resource));
      const [outcome] = (await to.write([outgoing({ number: 1, payload: undefined, bytes })], patiently)) ?? [];
      return outcome!.status === 'error' ? outcome!.error.message : outcome!.status;
    };
    const seen = async () => (await lines.next()).value;

    const creating = destination({ interaction: 'create', identifier: system });
    expect([await write(creating, person('1', 'Muñoz')), await seen()]).toEqual(['sent', 'create 1 Muñoz']);
    expect([await write(creating, person('1', 'Muñoz')), await seen()]).toEqual(['sent', 'found 1 Muñoz']);

    const updating = destination({ interaction: 'update', identifier: system });
    expect([await write(updating, person('1', 'Berger')), await seen()]).toEqual(['sent', 'update 1 Berger']);
    expect([await write(updating, person('1', 'Berger')), await seen()]).toEqual(['sent', 'update 1 Berger']);

    const plain = destination();
    expect([await write(plain, { ...person('2', 'Weiß'), id: 'p-2' }), await seen()]).toEqual([
      'sent',
      'update p-2 Weiß',
    ]);
    expect(await write(plain, person('3', 'BAD'))).toBe(
      'sending the resource: the far end answered 422: business-rule (Patient.name[0].family)',
    );
    expect(await write(plain, { resourceType: 'Observation', status: 'final', code: { text: 'x' } })).toMatch(
      /^sending the resource: the far end answered 404: /,
    );

    const entries = (...families: readonly string[]) =>
      families.map((family, at) => ({
        resource: person(String(at + 10), family),
        request: { method: 'PUT', url: `Patient?identifier=${system}|${at + 10}` },
      }));
    const bundle = (type: string, ...families: readonly string[]) => ({
      resourceType: 'Bundle',
      type,
      entry: entries(...families),
    });
    expect(await write(plain, bundle('transaction', 'Ten', 'Eleven'))).toBe('sent');
    expect([await seen(), await seen()]).toEqual(['update 3 Ten', 'update 4 Eleven']);
    expect(await write(plain, bundle('transaction', 'BAD'))).toMatch(/the far end answered 422: business-rule/);
    expect(await write(plain, bundle('batch', 'Ten', 'BAD'))).toBe(
      'sending a batch: 1 of 2 entries failed: entry 1: 422: business-rule (Patient.name[0].family)',
    );
    expect(await seen()).toBe('update 3 Ten');
    child.stdin.end();
    await once(child, 'exit');
  });
});
