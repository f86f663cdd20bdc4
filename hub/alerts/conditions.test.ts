import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Endpoint } from '../../core/endpoint.ts';
import type { ErrorCode } from '../../core/errors.ts';
import { missingOpenssl } from '../../core/net/testing/certificates.ts';
import { openMemoryStore } from '../../core/store/memory-store.ts';
import { appendOne } from '../../core/testing/store-fixture.ts';
import { type AlertsPlace, alertsPlace } from './testing/alerts-place.ts';
import { away, channelStatus, destinationStatus } from './testing/statuses.ts';

const minute = 60_000;
const hour = 60 * minute;
let place: AlertsPlace;
afterEach(() => place.close());

const firing = () => place.alerts.report().firing.map(({ condition, severity }) => `${severity} ${condition}`);
const texts = () => place.alerts.report().firing.map(({ text }) => text);
const to = (different: object) => [channelStatus('lab-in', { destinations: [destinationStatus('ris', different)] })];

describe('without a file', () => {
  it('a hub that is well has no alert', async () => {
    place = await alertsPlace({ yaml: '' });
    place.channels = to({ queued: 12, queuedAgeMs: 3_000 });
    place.usage = { diskFree: 1e12 };
    await place.pass(2 * hour);
    expect(place.alerts.report().firing).toEqual([]);
  });

  it.for([
    ['a long queue', to({ queued: 10_001 }), 'warning queueDepth'],
    ['an old queue', to({ queued: 1, queuedAgeMs: 16 * minute }), 'warning queueAge'],
    ['an open circuit', to(away), 'critical connectionDown'],
    ['a connection that is tried again', to({ connection: { state: 'retrying' } }), 'critical connectionDown'],
    [
      'a source that tries again',
      [channelStatus('a', { source: { type: 'sftp', resources: [], state: 'retrying' } })],
      'critical connectionDown',
    ],
    [
      'a destination that stopped by itself',
      to({ ...away, circuit: 'closed', enabled: false }),
      'critical destinationStopped',
    ],
    ['a channel that failed', [channelStatus('a', { state: 'failed' })], 'critical channelFailed'],
    ['a dead letter', [channelStatus('a', { counts: { openErrors: 1 } })], 'warning deadLetters'],
  ] as const)('%s is an alert', async ([, channels, expected]) => {
    place = await alertsPlace({ yaml: '' });
    place.channels = [...channels];
    await place.pass(6 * minute);
    expect(firing()).toEqual([expected]);
  });

  it('messages for another processing have one alert, that of test messages, and no second one as dead letters or errors', async () => {
    place = await alertsPlace({ yaml: '' });
    const error = { code: 'processing-refused', kind: 'permanent', scope: 'message', message: 'accepting' } as const;
    await using store = openMemoryStore({ now: () => place.clock.now(), contents: place.contents });
    const refuse = async (count: number, code: ErrorCode) => {
      for (let n = 0; n < count; n++) await appendOne(store, { fault: { ...error, code } }, 'adt');
    };
    const standing = (open: number, refused: number) => [
      channelStatus('adt', {
        counts: { openErrors: open, errored: open, sent: 1 },
        counters: { processing_refused_total: refused },
      }),
    ];
    place.channels = standing(0, 0);
    await place.pass(minute);
    await refuse(6, 'processing-refused');
    place.channels = standing(6, 6);
    await place.pass(minute);
    expect(firing()).toEqual(['warning testMessagesRefused']);
    await refuse(1, 'decode-failed');
    place.channels = standing(7, 6);
    await place.pass(minute);
    expect(firing().toSorted()).toEqual(['warning deadLetters', 'warning testMessagesRefused']);
    expect(texts()).toContain('1 dead letter is open');
  });

  it('changed code tables that a channel did not take are one, with its name', async () => {
    place = await alertsPlace({ yaml: '' });
    const error = { code: 'config-invalid', kind: 'permanent', scope: 'message', message: 'deploying lab' } as const;
    place.refusedTables = { since: 0, problems: [], channels: [{ channel: 'lab', error }] };
    await place.pass(minute);
    expect(texts()).toEqual(['changed code tables are not in force in lab; weir tables list says why']);
    place.refusedTables = undefined;
    await place.pass(minute);
    expect(firing()).toEqual([]);
  });

  it('what somebody stopped is none: a channel, a destination, one whose circuit was open', async () => {
    place = await alertsPlace({ yaml: '' });
    place.channels = [
      channelStatus('a', { state: 'stopped', destinations: [destinationStatus('x', { enabled: false })] }),
      channelStatus('b', { destinations: [destinationStatus('x', { enabled: false })] }),
      channelStatus('c', { destinations: [destinationStatus('x', { ...away, enabled: false })] }),
      channelStatus('d', { source: { type: 'mllp', resources: [], state: 'idle', connections: 0 } }),
    ];
    await place.pass(hour);
    expect(firing()).toEqual([]);
  });

  it('a full store, and a disk that lasts a few days only, are alerts', async () => {
    place = await alertsPlace({ yaml: '' });
    for (let n = 0; n < 16; n++) {
      place.usage = { bytes: n * 1e9, diskFree: 80e9 };
      await place.pass(15 * minute);
    }
    // 96 GB a day.
    expect(texts()).toEqual([expect.stringMatching(/^the disk of the store is full in 0\.8 days$/)]);
    place.usage = { bytes: 15e9, diskFree: 80e9, full: true };
    await place.pass(minute);
    expect(firing()).toContain('critical storeFull');
    await place.restart();
    await place.pass(minute);
    expect(firing()).toContain('warning diskDaysLeft');
  });

  it('a store that is pruned faster than it grows has all the days there are', async () => {
    place = await alertsPlace({ yaml: '' });
    for (let n = 0; n < 16; n++) {
      place.usage = { bytes: (100 - n) * 1e9, diskFree: 1e9 };
      await place.pass(15 * minute);
    }
    expect(firing()).toEqual([]);
  });
});

describe('the error rate', () => {
  const counts = (sent: number, errored: number) => {
    place.channels = [channelStatus('lab-in', { counts: { sent, errored } })];
  };

  it('is what came to an end within the window, not ever', async () => {
    place = await alertsPlace({ yaml: '' });
    counts(1_000_000, 0);
    await place.pass(hour);
    counts(1_000_094, 6);
    await place.pass(minute);
    expect(texts()).toEqual(['6 of 100 deliveries within 15 min were errors']);
    counts(1_100_000, 6);
    await place.pass(30 * minute);
    expect(firing()).toEqual([]);
  });

  it('needs some errors, and a share of them', async () => {
    place = await alertsPlace({ yaml: '' });
    counts(0, 0);
    await place.pass(hour);
    counts(1, 4);
    await place.pass(minute);
    expect(firing()).toEqual([]);
    counts(1_000, 40);
    await place.pass(minute);
    expect(firing()).toEqual([]);
  });
});

it('test messages that were refused are an alert for an hour, over a counter that began anew too', async () => {
  place = await alertsPlace({ yaml: '' });
  const refused = (count: number) => {
    place.channels = [channelStatus('adt-in', { counters: { processing_refused_total: count } })];
  };
  refused(7);
  await place.pass(hour);
  expect(firing()).toEqual([]);
  refused(2);
  await place.pass(minute);
  expect(texts()).toEqual(['2 test messages were refused within 60 min']);
  await place.pass(hour + 2 * minute);
  expect(firing()).toEqual([]);
});

describe('rules', () => {
  const queues = () => {
    place.channels = ['lab-in', 'lab-out', 'adt-in'].map((name) =>
      channelStatus(name, { destinations: [destinationStatus('ris', { queued: 1, queuedAgeMs: 20 * minute })] }),
    );
  };

  it('replace the defaults where they select, and nowhere else', async () => {
    place = await alertsPlace({ yaml: "rules: [{ queueAge: { aboveMs: 1h }, channels: 'lab-*' }]" });
    queues();
    await place.pass(5 * minute);
    expect(place.alerts.report().firing.map(({ subject }) => subject.channel)).toEqual(['adt-in']);
  });

  it('apply first come, first served, for each severity', async () => {
    place = await alertsPlace({
      yaml: `rules:
  - { queueAge: { aboveMs: 10min }, channels: lab-in, severity: critical }
  - { queueAge: { aboveMs: 1h }, channels: lab-in, severity: critical }
  - { queueAge: { aboveMs: 15min }, channels: lab-*, severity: warning }
  - { queueAge: , channels: '*', enabled: false }
`,
    });
    queues();
    await place.pass(5 * minute);
    const shown = place.alerts.report().firing.map(({ severity, subject }) => `${severity} ${subject.channel}`);
    expect(shown.toSorted()).toEqual(['critical lab-in', 'warning lab-in', 'warning lab-out']);
  });

  it('that are gone end their alerts', async () => {
    place = await alertsPlace({ yaml: 'notify: [{ pager: {} }]\nrules: [{ queueDepth: { above: 0 } }]' });
    queues();
    await place.pass(5 * minute);
    expect(firing().filter((each) => each.endsWith('Depth'))).toHaveLength(3);
    await place.configure('notify: [{ pager: {} }]\nrules: [{ queueAge: , enabled: false }]');
    await place.pass(5 * minute);
    expect(firing()).toEqual([]);
    expect(place.pager.titles.at(-1)).toMatch(/^over: 3 × queue/);
  });
});

describe('an expected feed', () => {
  const yaml = `notify: [{ pager: {} }]
expect: [{ feed: adt-inbound, between: '06:00-20:00', days: mon-fri, every: 15min, zone: Europe/Berlin }]`;
  const received = (lastReceivedAt: number) => {
    place.channels = [channelStatus('adt-inbound', { lastReceivedAt })];
  };
  /** On the wall clock of Berlin, whose summer time ends on Sunday, 2026-10-25. */
  const friday = Date.UTC(2026, 9, 23, 18);
  const monday = Date.UTC(2026, 9, 26, 5);

  it('may be quiet outside its hours, and is silent a while after they begin, by the new time', async () => {
    place = await alertsPlace({ yaml, startAt: friday - 10 * minute });
    received(friday - 10 * minute);
    await place.pass(monday - friday + 10 * minute);
    expect(place.pager.written).toEqual([]);
    await place.pass(15 * minute);
    expect(place.pager.written).toEqual([]);
    await place.pass(minute);
    expect(place.pager.titles).toEqual([
      'adt-inbound: nothing for 2 d, expected every 15 min between 06:00-20:00 mon-fri',
    ]);
  });

  it('is silent until a message comes, not until its hours are over', async () => {
    place = await alertsPlace({ yaml, startAt: friday - 2 * hour });
    received(friday - 2 * hour);
    await place.pass(12 * hour);
    expect(place.pager.written).toHaveLength(1);
    received(place.clock.now());
    await place.pass(minute);
    expect(place.pager.titles.at(-1)).toMatch(/^over: adt-inbound: /);
  });

  it('gets its time again after a start, and what was told stays told', async () => {
    place = await alertsPlace({ yaml, startAt: friday - 4 * hour });
    received(friday - 8 * hour);
    await place.pass(14 * minute);
    expect(firing()).toEqual([]);
    await place.pass(2 * minute);
    expect(firing()).toEqual(['critical noTraffic']);
    await place.restart();
    await place.pass(hour);
    expect(firing()).toEqual(['critical noTraffic']);
    expect(place.pager.written).toHaveLength(1);
  });

  it('is silent, too, when its channel is stopped', async () => {
    place = await alertsPlace({ yaml, startAt: friday - 4 * hour });
    place.channels = [channelStatus('adt-inbound', { state: 'stopped' })];
    await place.pass(16 * minute);
    expect(texts()).toEqual([
      'nothing was received yet, expected every 15 min between 06:00-20:00 mon-fri; the channel is stopped',
    ]);
  });
});

describe('services and topics', () => {
  it('a service that runs nowhere, or is behind, is an alert until it has caught up', async () => {
    place = await alertsPlace({ yaml: '' });
    const stands = (runs: boolean, behindMs: number) => [{ service: 'alarms', runs, behindMs }];
    place.services = stands(true, 9_000);
    await place.pass(5 * minute);
    expect(firing()).toEqual([]);
    place.services = stands(true, 42_000);
    await place.pass(2 * minute);
    expect(texts()).toEqual(['the service alarms is 42 s behind what is published']);
    place.services = stands(false, 0);
    await place.pass(2 * minute);
    expect(firing()).toEqual(['critical serviceStopped']);
    place.services = stands(true, 0);
    await place.pass(2 * minute);
    expect(firing()).toEqual([]);
  });

  it('hubs that share a store and have an event log each are an alert where somebody reads a topic', async () => {
    place = await alertsPlace({ yaml: '' });
    place.ownLogs = 2;
    place.channels = [channelStatus('lab-in')];
    await place.pass(5 * minute);
    expect(firing()).toEqual([]);
    place.channels = [
      channelStatus('lab-in'),
      channelStatus('vitals', { source: { type: 'events', resources: [], state: 'connected' } }),
    ];
    place.services = [{ service: 'alarms', runs: true, behindMs: 0 }];
    await place.pass(2 * minute);
    expect(texts()).toEqual([
      '2 hubs have an event log each, so that the service alarms, vitals see only what one of them publishes; events.kafka in weir.yaml gives them one',
    ]);
    place.ownLogs = 0;
    await place.pass(2 * minute);
    expect(firing()).toEqual([]);
  });
});

const openssl = missingOpenssl();
if (openssl) it.skip(openssl, () => undefined);
describe.skipIf(openssl)('a certificate', () => {
  it('of an endpoint is an alert before it ends, until another is in its place', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'weir-alerts-'));
    const [certFile, keyFile] = [join(folder, 'lab.pem'), join(folder, 'lab.key')];
    const issue = (days: number) => {
      const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyFile];
      const args = ['req', '-x509', ...key, '-subj', '/CN=lab', '-days', String(days), '-out', certFile];
      execFileSync('openssl', args, { stdio: 'pipe' });
    };
    issue(20);
    const tls = { certFile, keyFile, clientCertificate: 'none', minVersion: 'TLSv1.2' } as const;
    const listen = { kind: 'tcp-listen', listen: 0, host: '127.0.0.1' } as const;
    const endpoints: Record<string, Endpoint> = {
      'lab-in': { ...listen, tls },
      'lab-out': { ...listen, tls: { ...tls, certFile: join(folder, 'none.pem') } },
      plain: listen,
    };
    place = await alertsPlace({ yaml: '', endpoints, startAt: Date.now() });
    await place.pass(minute);
    expect(place.alerts.report().firing.map(({ subject, text }) => [subject.endpoint, text])).toEqual([
      ['lab-out (own)', 'none.pem cannot be read as a certificate'],
      ['lab-in (own)', expect.stringMatching(/^lab\.pem ends on \d{4}-\d\d-\d\d, in (?:19|20) days$/)],
    ]);
    issue(60);
    writeFileSync(join(folder, 'none.pem'), 'no certificate');
    await place.pass(11 * minute);
    expect(texts()).toEqual(['none.pem cannot be read as a certificate']);
    rmSync(folder, { recursive: true });
  });
});
