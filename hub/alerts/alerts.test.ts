import { afterEach, describe, expect, it } from 'vitest';
import { hubAlert } from '../../contracts/hub-alert.ts';
import type { Endpoint } from '../../core/endpoint.ts';
import { HubError } from '../../core/errors.ts';
import { type AlertsPlace, alertsPlace } from './testing/alerts-place.ts';
import { away, channelStatus, destinationStatus } from './testing/statuses.ts';

const minute = 60_000;
const day = 86_400_000;
const by = { actor: 'ute', reason: 'upgrade' };
let place: AlertsPlace;
afterEach(() => place.close());

const failed = (name = 'lab-in') => channelStatus(name, { state: 'failed' });
const well = (name = 'lab-in') => channelStatus(name);
const host = (name: string): Endpoint => ({ kind: 'tcp-connect', host: name, port: 1 });
const failure = (kind: 'transient' | 'permanent', scope: 'message' | 'destination' = 'destination') =>
  ({ status: 'error', error: new HubError('refused', kind, 'paging: refused', { scope }) }) as const;

describe('an alert', () => {
  it('is told once when it starts and once when it is over', async () => {
    place = await alertsPlace();
    place.channels = [failed()];
    await place.pass(60 * minute);
    expect(place.pager.titles).toEqual(['lab-in: the channel has failed']);
    place.channels = [well()];
    await place.pass(60 * minute);
    expect(place.pager.titles).toEqual(['lab-in: the channel has failed', 'over: lab-in: the channel has failed']);
    const [started, cleared] = place.pager.written.map(({ bytes }) => hubAlert.decode(bytes, {}));
    expect(started).toMatchObject({
      notice: 'started',
      severity: 'critical',
      condition: 'channelFailed',
      hub: 'hub-1',
    });
    expect(cleared).toMatchObject({ notice: 'cleared', incident: started?.incident, startedAt: started?.startedAt });
    expect(cleared?.id).not.toBe(started?.id);
  });

  it('is told by nobody while it does not hold for long enough, however often it comes and goes', async () => {
    place = await alertsPlace();
    for (let n = 0; n < 20; n++) {
      place.channels = [channelStatus('lab-in', { destinations: [destinationStatus('ris', away)] })];
      await place.pass(4 * minute);
      place.channels = [channelStatus('lab-in', { destinations: [destinationStatus('ris')] })];
      await place.pass(minute);
    }
    expect(place.pager.written).toEqual([]);
  });

  it('does not flap: it is over only after clearForMs', async () => {
    place = await alertsPlace({ yaml: 'notify: [{ pager: {} }]\nrules: [{ channelFailed: {}, clearForMs: 5min }]' });
    for (let n = 0; n < 10; n++) {
      place.channels = [failed()];
      await place.pass(2 * minute);
      place.channels = [well()];
      await place.pass(4 * minute);
    }
    expect(place.pager.titles).toHaveLength(1);
    await place.pass(2 * minute);
    expect(place.pager.titles).toHaveLength(2);
  });

  it('is told again by choice', async () => {
    place = await alertsPlace({ yaml: 'notify: [{ pager: {} }]\nrules: [{ channelFailed: {}, remindEveryMs: 8h }]' });
    place.channels = [failed()];
    await place.pass(day);
    expect(place.pager.written.map(({ meta }) => meta['alert.notice'])).toEqual(['started', 'reminder', 'reminder']);
  });

  it('is logged and kept in the history when it begins and ends, told or not', async () => {
    place = await alertsPlace({ yaml: '' });
    place.channels = [failed()];
    await place.pass(minute);
    expect(place.alerts.report().firing).toMatchObject([{ subject: { channel: 'lab-in' }, muted: false }]);
    place.channels = [well()];
    await place.pass(minute);
    expect(place.logged.map(({ level, text }) => [level, text])).toEqual([
      ['error', 'alert firing: lab-in: the channel has failed'],
      ['info', 'alert cleared: lab-in: the channel has failed'],
    ]);
    expect(place.alerts.history(10).map(({ what }) => what)).toEqual(['cleared', 'firing']);
    expect(place.alerts.report().firing).toEqual([]);
  });
});

describe('one notice', () => {
  const deadHost = async () => {
    const endpoints = { pacs: host('pacs.example'), lab: host('lab.example') };
    const names = Array.from({ length: 40 }, (_, n) => `ct-${n}`);
    const uses = names.map((channel) => ({ endpoint: 'pacs', channel, destination: 'pacs', type: 'mllp' }));
    const lab = { endpoint: 'lab', channel: 'lab-1', destination: 'pacs', type: 'mllp' };
    place = await alertsPlace({ endpoints, uses: [...uses, lab] });
    const channels = (count: number, different = {}) =>
      Array.from({ length: count }, (_, n) =>
        channelStatus(`ct-${n}`, { destinations: [destinationStatus('pacs', different)] }),
      );
    return channels;
  };

  it('lists the 40 destinations of one dead host', async () => {
    const channels = await deadHost();
    place.channels = channels(40, away);
    await place.pass(10 * minute);
    expect(place.pager.titles).toEqual(['40 × connectionDown of pacs.example']);
    const notice = hubAlert.decode(place.pager.written[0]!.bytes, {});
    expect(notice).toMatchObject({ host: 'pacs.example', more: 0 });
    expect(notice.alerts).toHaveLength(40);
    place.channels = channels(40);
    await place.pass(10 * minute);
    expect(place.pager.titles.slice(1)).toEqual(['over: 40 × connectionDown of pacs.example']);
  });

  it('is enough for a host of which other destinations find out later', async () => {
    const channels = await deadHost();
    for (let count = 1; count <= 5; count++) {
      place.channels = [...channels(count, away)];
      await place.pass(10 * minute);
    }
    expect(place.pager.titles).toHaveLength(1);
    expect(place.alerts.report().firing).toHaveLength(5);
    place.channels = channels(5);
    await place.pass(10 * minute);
    expect(place.pager.titles.at(-1)).toBe('over: 5 × connectionDown of pacs.example');
  });

  it('is for one host, and for one rule within the gather time', async () => {
    await deadHost();
    const down = (name: string) => channelStatus(name, { destinations: [destinationStatus('pacs', away)] });
    place.channels = [down('lab-1'), down('ct-1'), failed('a'), failed('b')];
    await place.pass(10 * minute);
    expect(place.pager.titles.toSorted()).toEqual([
      '2 × channelFailed',
      'ct-1/pacs: the far end is away (refused)',
      'lab-1/pacs: the far end is away (refused)',
    ]);
    place.channels = [...place.channels, failed('c')];
    await place.pass(10 * minute);
    expect(place.pager.titles.at(-1)).toBe('c: the channel has failed');
  });
});

describe('a restart', () => {
  it('tells nobody again what was told, and tells when it is over', async () => {
    place = await alertsPlace();
    place.channels = [failed()];
    await place.pass(5 * minute);
    for (const how of ['crash', 'stop'] as const) {
      await place.restart(how);
      await place.pass(5 * minute);
    }
    expect(place.pager.titles).toHaveLength(1);
    await place.restart();
    place.channels = [well()];
    await place.pass(5 * minute);
    expect(place.pager.titles).toEqual(['lab-in: the channel has failed', 'over: lab-in: the channel has failed']);
  });

  it('keeps what could not be told yet', async () => {
    place = await alertsPlace();
    place.pager.answer = () => failure('transient');
    place.channels = [failed()];
    await place.pass(5 * minute);
    await place.restart('crash');
    place.pager.answer = () => ({ status: 'sent' });
    await place.pass(20 * minute);
    expect(place.pager.titles).toEqual(['lab-in: the channel has failed']);
    expect(new Set(place.pager.written.map(({ effectId }) => effectId)).size).toBe(1);
  });

  it('keeps a destination that had stopped by itself, although why is not known any more', async () => {
    place = await alertsPlace();
    const stopped = { enabled: false, error: { ...away.error, code: 'write-failed' as const } };
    const of = (different: object) => [
      channelStatus('lab-in', { destinations: [destinationStatus('ris', different)] }),
    ];
    place.channels = of(stopped);
    await place.pass(minute);
    await place.restart();
    place.channels = of({ enabled: false });
    await place.pass(10 * minute);
    expect(place.pager.titles).toHaveLength(1);
    place.channels = of({});
    await place.pass(minute);
    expect(place.pager.titles.at(-1)).toMatch(/^over: lab-in\/ris: it has stopped by itself/);
  });
});

describe('maintenance', () => {
  it('mutes until it ends; what is still wrong is told then', async () => {
    place = await alertsPlace();
    await place.alerts.startMaintenance('lab-*', 2 * 60 * minute, by);
    place.channels = [failed('lab-in'), failed('adt-in')];
    await place.pass(60 * minute);
    expect(place.pager.titles).toEqual(['adt-in: the channel has failed']);
    expect(place.alerts.report().firing.map(({ muted }) => muted)).toEqual([true, false]);
    await place.pass(61 * minute);
    expect(place.pager.titles.at(-1)).toBe('lab-in: the channel has failed');
  });

  it('tells nothing of what came and went within it', async () => {
    place = await alertsPlace();
    await place.alerts.startMaintenance('lab-in', 60 * minute, by);
    place.channels = [failed()];
    await place.pass(10 * minute);
    place.channels = [well()];
    await place.pass(120 * minute);
    expect(place.pager.written).toEqual([]);
    expect(place.alerts.history(10)).toMatchObject([{ muted: true }, { muted: true }]);
  });

  it('is kept over a restart, is on the audit trail, and ends when somebody says so', async () => {
    place = await alertsPlace();
    await place.alerts.startMaintenance('lab-*', day, by);
    await place.restart('crash');
    expect(place.alerts.report().maintenance).toMatchObject([{ channels: 'lab-*', ...by }]);
    place.channels = [failed()];
    await place.pass(60 * minute);
    expect(place.pager.written).toEqual([]);
    await place.alerts.endMaintenance('lab-*', by);
    await place.pass(5 * minute);
    expect(place.pager.titles).toEqual(['lab-in: the channel has failed']);
    await expect(place.alerts.endMaintenance('lab-*', by)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('of the file comes every week, on its own clock', async () => {
    const yaml = `notify: [{ pager: {} }]
maintenance: [{ channels: lab-*, days: sun, between: '02:00-04:00', zone: Europe/Berlin, reason: restart }]`;
    place = await alertsPlace({ yaml, startAt: Date.UTC(2026, 9, 18, 0, 0) });
    place.channels = [failed()];
    await place.pass(119 * minute);
    expect(place.pager.written).toEqual([]);
    await place.pass(5 * minute);
    expect(place.pager.written).toHaveLength(1);
  });
});

it('watches by itself from start to stop', async () => {
  place = await alertsPlace();
  place.channels = [failed()];
  await place.alerts.start();
  for (let n = 0; n < 20; n++) {
    await place.clock.advanceAsync(15_000);
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
  }
  expect(place.pager.titles).toHaveLength(1);
  await place.close();
  expect(place.clock.pending).toBe(0);
});
