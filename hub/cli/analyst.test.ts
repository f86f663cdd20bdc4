import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Certificates, certificates, missingOpenssl } from '../../core/net/testing/certificates.ts';
import { freePort } from '../../core/testing/free-port.ts';
import { type HubProcess, hubProcess, type Workplace, weir as weirOn, workplace } from '../testing/hub-process.ts';

const fixtures = join(import.meta.dirname, '../../test-fixtures/hl7v2');
const missing = missingOpenssl();

let place: Workplace;
let hub: HubProcess;
let made: Certificates | undefined;
let ports: readonly [number, number];

const weir = (...args: readonly string[]) => weirOn(args, hub.admin);

const channel = (word: string) => `channel: orders
source: { mllp: { endpoint: in } }
key: ['PID-3[5=MR]']
unmatched: { reply: AA, as: error }
labels: { word: ${word} }
destinations:
  lab: { filter: { MSH-9.2: A08 }, to: { mllp: { endpoint: lab } } }
  archive: { filter: { MSH-9.2: A99 }, to: { file: { endpoint: archive } } }
`;

beforeAll(async () => {
  made = missing ? undefined : certificates();
  ports = [await freePort(), await freePort()];
  const tls = made ? `, tls: { caFile: ${made.caFile} }` : '';
  place = await workplace({
    'channels/env/test.yaml': `endpoints:
  in: { kind: tcp-listen, listen: ${ports[0]} }
  lab: { kind: tcp-connect, host: 127.0.0.1, port: ${ports[1]}${tls} }
  archive: { kind: directory, path: '\${stateDir}/archive' }
`,
    'channels/orders.channel.yaml': channel('first'),
    'weir.yaml': 'timeZone: Pacific/Kiritimati\n',
  });
  hub = await hubProcess(place);
  await weir('send', join(fixtures, 'adt-a08.hl7'), '--to', `127.0.0.1:${ports[0]}`);
});

afterAll(async () => {
  await hub?.[Symbol.asyncDispose]();
  await place?.[Symbol.asyncDispose]();
  made?.[Symbol.dispose]();
});

describe('the analyst’s commands', () => {
  it('report: what came today, where the hub is, and how it stands', async () => {
    const { day, ...counts } = JSON.parse((await weir('report', '--json')).out).counts[0];
    expect(day).toBe(new Date(Date.now() + 14 * 3_600_000).toISOString().slice(0, 10));
    expect(counts).toMatchObject({ channel: 'orders', received: 1, sent: 0, errored: 0 });
    await expect
      .poll(async () => (await weir('report', '--day', day)).out)
      .toMatch(/^Day .* Duplicates\n\S+ +orders +1 +0 +1 +0 +0 +0\nTotal +1 +0 +1 +0 +0 +0\n$/);
    expect((await weir('report', '--by', 'destination')).out).toMatch(
      / archive +1 +1 +0 +0 +0\n.* lab +1 +0 +1 +0 +0\n/,
    );
    expect((await weir('report', '--by', 'type')).out).toMatch(/ ADT\^A08 +1 +0 +1 +0 +0/);
    expect((await weir('report', '--day', '2020-01-01')).out).toBe(
      'nothing was received on 2020-01-01 (Pacific/Kiritimati)\n',
    );
    expect(await weir('report', '--day', 'yesterday')).toMatchObject({ code: 2 });
    expect(await weir('report', '--day', day, '--from', day)).toMatchObject({ code: 2 });
  });

  it('errors: nothing, and then what nobody has closed', async () => {
    expect((await weir('errors')).out).toBe('there are no open errors\n');
    await weir('send', join(fixtures, 'adt-a01.hl7'), '--to', `127.0.0.1:${ports[0]}`);
    await expect.poll(async () => (await weir('errors', '--group')).out).toMatch(/^ +1 +orders +- .* unmatched: /m);
    const { errors } = JSON.parse((await weir('errors', '--channel', 'orders', '--json')).out);
    expect(errors).toMatchObject([{ channel: 'orders', destination: '', blockedKeys: 0 }]);
    expect((await weir('errors')).out).toContain(errors[0].id);
    const [{ signature }] = JSON.parse((await weir('errors', '--group', '--json')).out).groups;
    expect((await weir('errors', '--group')).out).toContain(`  ${signature}  `);
    expect((await weir('errors', '--error', signature)).out).toContain(errors[0].id);
    expect(JSON.parse((await weir('errors', '--error', 'unmatched', '--json')).out).errors).toHaveLength(1);
  });

  it('key: what holds up a patient, for a reason', async () => {
    const shown = JSON.parse((await weir('messages', '--status', 'queued', '--json')).out).messages[0];
    const [key] = shown.parts.find(({ queued }: { queued?: string }) => queued).keys as [string];
    expect(await weir('key', key)).toMatchObject({ code: 2, err: expect.stringContaining('--reason') });
    const found = await weir('key', key.split('^')[0]!, '--reason', 'ward calls', '--ticket', 'INC-7');
    expect(found.out).toMatch(/^orders → lab, key .*: the far end is away: refused, /);
    expect(found.out).toMatch(/^waits since .*, 0 behind it$/m);
    expect(found.out).toContain(shown.id);
    expect((await weir('key', 'nobody', '--reason', 'test')).out).toBe(
      'nothing waits behind this key, and it has no open dead letter\n',
    );
  });

  it('changes: deployments with their versions, and what people did', async () => {
    await writeFile(join(place.directory, 'channels/orders.channel.yaml'), channel('second'));
    await weir('deploy', '--reason', 'new word', '--ticket', 'CHG-1', '--actor', 'ute');
    await weir('channel', 'pause', 'orders', '--reason', 'test of the interface');
    const { out } = await weir('changes');
    expect(out).toMatch(/ pause +test of the interface +orders/);
    expect(out).toMatch(/ ute +deploy +new word +CHG-1 +orders: version [0-9a-f]{8} → [0-9a-f]{8}\n/);
    expect(out).toMatch(/ weir +deploy +the hub was started +orders: new, version [0-9a-f]{8}/);
    expect(out).not.toContain('read key');
    expect(JSON.parse((await weir('changes', '--limit', '1', '--json')).out).changes).toHaveLength(1);
    expect(await weir('changes', '--limit', 'many')).toMatchObject({ code: 2 });
  });

  it('an empty answer about a channel that is not there is no good news', async () => {
    for (const command of ['errors', 'messages', 'report'])
      expect(await weir(command, '--channel', 'order')).toEqual({
        code: 4,
        out: '',
        err: 'weir: there is no channel order – did you mean orders?\n',
      });
    expect(await weir('errors', '--channel', 'orders', '--error', 'unmatched')).toMatchObject({
      code: 0,
      out: expect.stringContaining(' unmatched: '),
    });
    expect(await weir('errors', '--error', 'reply-negative')).toMatchObject({
      out: 'there are no open errors of reply-negative\n',
    });
    expect(await weir('errors', '--group', '--error', 'reply-negative')).toMatchObject({ code: 2 });
    expect(await weir('jobs')).toMatchObject({ code: 0, out: 'there are no jobs\n' });
    expect(await weir('report', '--day', 'tomorrow')).toMatchObject({
      code: 2,
      err: 'weir: --day takes a day like 2026-11-20, not tomorrow\n',
    });
  });

  it('jobs: what a filter looks for is for a reader with a reason, on the audit trail', async () => {
    const given = ['--meta', 'hl7.controlId=SECRET7', '--channel', 'orders', '--yes', '--reason', 'test', '--json'];
    const { id } = JSON.parse((await weir('replay', ...given)).out);
    for (const args of [['jobs'], ['jobs', '--json'], ['jobs', 'show', id], ['jobs', 'show', id, '--json']])
      expect((await weir(...args)).out).not.toContain('SECRET7');
    expect((await weir('jobs', 'show', id)).out).toContain('hl7.controlId');
    expect((await weir('jobs', 'show', id, '--reason', 'which one was it?')).out).toContain('SECRET7');
    const { entries } = await hub.get<{ entries: readonly object[] }>('/api/audit?limit=20');
    expect(entries).toContainEqual(
      expect.objectContaining({ action: 'read job', subject: `job/${id}`, reason: 'which one was it?' }),
    );
    expect(JSON.stringify(entries)).not.toContain('SECRET7');
  });

  it('a deployment says where a hold on one key cannot be kept any more', async () => {
    const { id } = JSON.parse(
      (await weir('hold', '--channel', 'orders', '--destination', 'lab', '--key', '1', '--reason', 'test', '--json'))
        .out,
    );
    await writeFile(
      join(place.directory, 'channels/orders.channel.yaml'),
      channel('third').replace('to: { mllp: { endpoint: lab } }', 'order: strict, to: { mllp: { endpoint: lab } }'),
    );
    const { code, err } = await weir('deploy', '--reason', 'strict');
    expect(code).toBe(0);
    expect(err).toMatch(
      new RegExp(`^note: hold ${id} on one key at orders/lab: it keeps all its messages in one order`),
    );
    await weir('release', id, '--yes', '--wait', '--reason', 'test');
  });

  it('maintenance and tables list what there is, if nothing is said', async () => {
    expect(await weir('maintenance')).toMatchObject({ code: 0, err: '' });
    expect(await weir('tables')).toMatchObject({ code: 0, out: 'there are no code tables\n' });
  });

  it('stop, pause and halt are those of a channel', async () => {
    expect(await weir('pause', 'orders', '--reason', 'test')).toMatchObject({ code: 0, out: 'orders is paused\n' });
    expect(await weir('stop', 'nothing', '--reason', 'test')).toMatchObject({ code: 4 });
    await weir('channel', 'start', 'orders', '--reason', 'test');
  });

  it('conns: who uses which endpoint, and how it stands there', async () => {
    const { out } = await weir('conns');
    expect(out).toMatch(new RegExp(`^orders +\\(source\\) +mllp +in +127\\.0\\.0\\.1:${ports[0]} `, 'm'));
    expect(out).toMatch(new RegExp(`^orders +lab +mllp +lab +127\\.0\\.0\\.1:${ports[1]}.* refused: `, 'm'));
    expect(out).toMatch(/^orders +archive +file +archive +.*\/archive +/m);
    expect(JSON.parse((await weir('conns', '--json')).out).connections).toHaveLength(3);
  });

  it.skipIf(missing)('certs: until when they are good; 1 when one is not', async () => {
    const { code, out } = await weir('certs');
    expect([code, out]).toEqual([0, expect.stringMatching(/^soon +1 .* CN=Test authority +lab \(CA\) +/m)]);
    await writeFile(made!.caFile, 'no certificate');
    expect(await weir('certs')).toMatchObject({ code: 1, out: expect.stringContaining('it holds no certificate') });
    expect(JSON.parse((await weir('certs', '--json')).out).certificates).toMatchObject([{ status: 'unreadable' }]);
  });
});
