/** `weir find` over MLLP, two channels joined by a topic, and a laboratory that answers. */
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testDatabase } from '../../clients/postgres/testing/database.ts';
import { freePort } from '../../core/testing/free-port.ts';
import type { FindAnswer } from '../admin/find-routes.ts';
import { type HubProcess, hubProcess, type Workplace, weir as weirOn, workplace } from '../testing/hub-process.ts';

const fixture = join(import.meta.dirname, '../../test-fixtures/hl7v2/adt-a01.hl7');
const patient = '4711001';

const database = await testDatabase(import.meta.filename);
afterAll(() => database[Symbol.asyncDispose]());

/** What a hub on PostgreSQL is told besides. */
interface Store {
  readonly settings: string;
  readonly endpoints: string;
  readonly password: string;
}

describe('on the embedded store', () => finding({ settings: '', endpoints: '', password: '' }, inFiles));
describe.skipIf(database.missing)('on PostgreSQL', () => {
  const { host, port, user, password = '', database: name } = database.server;
  const endpoint = `host: ${host}, port: ${port}, database: ${name}, user: ${user}`;
  finding(
    {
      settings: 'store: { postgres: { endpoint: database } }\nhub: one\n',
      endpoints: `  database: { kind: postgres, ${endpoint}, password: '\${file:../../password.txt}' }\n`,
      password,
    },
    inTables,
  );
});

function finding({ settings, endpoints, password }: Store, kept: (now: () => Running) => void): void {
  let place: Workplace;
  let hub: HubProcess;

  const weir = (...args: readonly string[]) => weirOn(args, hub.admin);
  /** As `weir find --json` answers; a process for every question would take a second each. */
  async function found(q: string, query: Readonly<Record<string, string>> = {}, actor = 'test'): Promise<FindAnswer> {
    const address = new URL('/api/find', hub.admin);
    address.search = new URLSearchParams({ q, ...query }).toString();
    const response = await fetch(address, { headers: { 'weir-actor': actor, 'weir-reason': 'ward%20asks' } });
    expect(response.status).toBe(200);
    return (await response.json()) as FindAnswer;
  }

  beforeAll(async () => {
    const [port, lab] = [await freePort(), await freePort()];
    place = await workplace({
      'channels/env/test.yaml': `endpoints:
  in: { kind: tcp-listen, listen: ${port} }
  lab-in: { kind: tcp-listen, listen: ${lab} }
  lab: { kind: tcp-connect, host: 127.0.0.1, port: ${lab} }
${endpoints}`,
      'channels/adt.channel.ts': `import { adapters, connectors, defineChannel, topics, transforms, via } from 'weir';
export default defineChannel('adt')
  .from(adapters.mllp({ endpoint: 'in' }))
  .keyBy((message) => message.keys('PID-3[5=MR]'))
  .to('lab', connectors.mllp({ endpoint: 'lab', controlId: 'effect' }))
  .to('clinical', via(transforms.hl7v2ToPatientEvent({}), connectors.publish(topics.patient)));
  `,
      'channels/lab.channel.yaml':
        'channel: lab\nsource: { mllp: { endpoint: lab-in } }\ndestinations: { gone: { to: { discard: {} } } }\n',
      'channels/events.channel.yaml':
        'channel: events\nsource: { events: { topic: clinical.patient.v1 } }\ndestinations: { gone: { to: { discard: {} } } }\n',
      'weir.yaml': `search: { paths: [PV1-3.1], freeText: true }\n${settings}`,
      'password.txt': password,
    });
    await mkdir(join(place.directory, 'state'), { recursive: true });
    hub = await hubProcess(place);
    const sent = await weir('send', fixture, '--to', `127.0.0.1:${port}`);
    expect(sent.err).toBe('');
  }, 60_000);

  afterAll(async () => {
    await hub?.[Symbol.asyncDispose]();
    await place?.[Symbol.asyncDispose]();
  });

  describe('weir find', () => {
    it('shows every hop of a patient’s messages, what each destination was sent, and what it answered', async () => {
      await expect.poll(async () => (await found(patient)).hops.length).toBe(3);
      await expect.poll(async () => (await found(patient)).hops.every(({ status }) => status === 'sent')).toBe(true);
      // Until its own identifiers are indexed, the hop over the topic is found by the hop before it.
      await expect
        .poll(async () => (await found(patient)).hops.map(({ channel, by }) => [channel, by]))
        .toContainEqual(['events', 'text']);
      const { hops, more, indexedUpTo } = await found(`${patient}^^^hosp`);
      expect(indexedUpTo).toBeUndefined();
      expect(more).toBe(false);
      const adt = hops.find(({ channel }) => channel === 'adt')!;
      const lab = hops.find(({ channel }) => channel === 'lab')!;
      expect(adt).toMatchObject({ type: 'ADT^A01', facts: { controlId: 'ADT00001' } });
      const sentToLab = adt.parts.find(({ destination }) => destination === 'lab')!;
      // The fixture asks for a commit accept.
      expect(sentToLab).toMatchObject({ status: 'sent', facts: { ackCode: 'CA', controlId: lab.facts.controlId } });
      expect(sentToLab.facts.controlId).toMatch(/^[0-9A-F]{20}$/);
    });

    it('finds by visit, by the control id received or sent, by a configured path and by the message’s id', async () => {
      const { hops } = await found(patient);
      const adt = hops.find(({ channel }) => channel === 'adt')!;
      const out = adt.parts.find(({ destination }) => destination === 'lab')!.facts.controlId!;
      for (const identifier of ['v70001', 'V70001^^^HOSP', 'ADT00001', out, '3W', adt.id])
        expect((await found(identifier)).hops.map(({ id }) => id)).toContain(adt.id);
      expect((await found('3W', { channel: 'lab' })).hops.map(({ channel }) => channel)).toEqual(['lab']);
      expect((await found(patient, { from: '2100-01-01T00:00:00Z' })).hops).toEqual([]);
      expect((await found('ger^Anna', { in: 'text', channel: 'adt' })).hops).toHaveLength(1);
    });

    it('finds by the value at any path, and says what is no path', async () => {
      const channels = async (q: string, path: string) =>
        (await found(q, { path, channel: 'adt' })).hops.map(({ channel }) => channel);
      for (const [q, path] of [
        ['berger', 'PID-5.1'],
        ['Berger', 'PID-5'],
        ['Berger^Anna^Maria^^^^L', 'PID-5'],
        ['755-01-9001', 'PID-3[5=SS].1'],
        ['Myocardial infarction', 'DG1-3.2'],
        ['Acute Myocardial Infarction', 'DG1-3.2'],
      ] as const)
        expect([q, path, await channels(q, path)]).toEqual([q, path, q.startsWith('Myo') ? [] : ['adt']]);
      expect(await channels('755-01-9001', 'PID-3[5=MR].1')).toEqual([]);
      const refused = await weir('find', 'Berger', '--at', 'PDI-5');
      expect(refused).toMatchObject({ code: 5, err: expect.stringContaining('did you mean PID-5') });
      expect((await weir('find', 'berger', '--at', 'PID-5.1')).out).toContain('ADT00001');
    });

    it('prints a timeline', async () => {
      const { code, out } = await weir('find', patient);
      expect(code).toBe(0);
      expect(out).toMatch(/^Time +Channel +Type +MSH-10 +Status +Answer +Message$/m);
      expect(out).toMatch(/ adt +ADT\^A01 +ADT00001 +sent +[0-9a-f-]{36}$/m);
      expect(out).toMatch(/ → lab +[0-9A-F]{20} +sent +CA/m);
      const json = JSON.parse((await weir('find', patient, '--channel', 'adt', '--json')).out);
      expect(json.hops).toMatchObject([{ channel: 'adt', status: 'sent' }]);
      expect((await weir('find', 'nosuch')).out).toMatch(/^nothing was found\n/);
      expect(await weir('find', 'ab', '--text')).toMatchObject({ code: 5 });
    }, 60_000);

    it('rule 33: wants a name and a reason, and is on the audit trail without what was looked for', async () => {
      const refused = await fetch(new URL(`/api/find?q=${patient}`, hub.admin));
      expect(refused.status).toBe(400);
      const { subject, hops } = await found(patient, {}, 'ute');
      const { entries } = await hub.get<{ entries: readonly { subject: string }[] }>('/api/audit?limit=1');
      expect(entries).toMatchObject([
        {
          actor: 'ute',
          reason: 'ward asks',
          action: 'find',
          subject: [subject, ...hops.map(({ id }) => id)].join(' '),
        },
      ]);
      expect((await found(` ${patient} `)).subject).toBe(subject);
      expect((await found('4711002')).subject).not.toBe(subject);
      expect(JSON.stringify(await hub.get('/api/audit?limit=1000'))).not.toContain(patient);
      expect(hub.printed()).not.toContain(patient);
    });

    it('says how far the index is, in the status and to Prometheus', async () => {
      expect((await weir('status')).out).toMatch(/^search: 1 day, .* 0 s behind$/m);
      const metrics = await (await fetch(new URL('/metrics', hub.admin))).text();
      expect(metrics).toMatch(/^weir_search_lag_seconds 0$/m);
      expect(metrics).toMatch(/^weir_search_answers 1$/m);
      expect(metrics).toMatch(/^weir_search_position [1-9]/m);
    });

    kept(() => ({ hub, place }));
  });
}

interface Running {
  readonly hub: HubProcess;
  readonly place: Workplace;
}

function inFiles(now: () => Running): void {
  it('leaves its files in order when the hub stops', async () => {
    const { hub, place } = now();
    hub.process.kill('SIGTERM');
    expect(await hub.exited).toBe(0);
    const files = await readdir(join(place.directory, 'state/search'));
    expect(files.toSorted()).toEqual([
      expect.stringMatching(/^\d{4}-\d\d-\d\d\.db$/),
      expect.stringMatching(/^\d{4}-\d\d-\d\d\.text\.db$/),
      'position.db',
    ]);
    expect((await readFile(join(place.directory, 'state/search', files[0]!))).length).toBeGreaterThan(0);
  });
}

function inTables(now: () => Running): void {
  it('leaves no files, and is where it was when the hub starts again', async () => {
    const { hub, place } = now();
    const before = await hub.get<FindAnswer>(`/api/status`);
    hub.process.kill('SIGTERM');
    expect(await hub.exited).toBe(0);
    expect(await readdir(join(place.directory, 'state'))).not.toContain('search');
    await using again = await hubProcess(place);
    const { search } = await again.get<{ readonly search: { readonly position: number; readonly lagMs: number } }>(
      '/api/status',
    );
    expect(before).toMatchObject({ search: { position: search.position } });
    expect(search.lagMs).toBe(0);
  });
}
