import { beforeEach, expect, it } from 'vitest';
import { openMemoryStore } from '../core/store/memory-store.ts';
import type { MessageStore } from '../core/store/message-store.ts';
import type { DeployReport } from './deploy-report.ts';
import { channelChange, recordDeploy } from './deploy-trail.ts';

const by = { actor: 'ute', reason: 'new ward codes', ticket: 'CHG-12' };
const nothing: DeployReport = {
  deployed: [],
  unchanged: [],
  removed: [],
  undeployed: [],
  refused: [],
  problems: [],
  notes: [],
};
const one = (version: string) => ({ ...nothing, deployed: [{ channel: 'one', version }] });

let store: MessageStore;
beforeEach(() => {
  store = openMemoryStore({ now: () => 0 });
});

const trail = async () =>
  (await store.auditTrail({ limit: 100 })).toReversed().map(({ action, subject }) => [action, subject]);

it('has an entry for each channel, with its old and its new version', async () => {
  await recordDeploy(store, one('aa'), by, 5);
  await recordDeploy(store, { ...one('bb'), unchanged: ['two'] }, by, 6);
  await recordDeploy(store, one('bb'), by, 7);
  expect(await trail()).toEqual([
    ['deploy', 'one new → aa'],
    ['deploy', 'one aa → bb'],
    ['deploy', 'one bb → bb'],
  ]);
  expect((await store.auditTrail({ limit: 1 }))[0]).toMatchObject({ ...by, at: 7 });
});

it('says what was removed and what was refused, and that nothing was to do', async () => {
  await recordDeploy(store, one('aa'), by, 0);
  const error = { code: 'port-in-use', kind: 'permanent', scope: 'message', message: 'listening' } as const;
  await recordDeploy(store, { ...nothing, removed: ['one'], refused: [{ channel: 'two', error }] }, by, 0);
  await recordDeploy(store, nothing, by, 0);
  await recordDeploy(store, one('aa'), by, 0);
  expect((await trail()).slice(1)).toEqual([
    ['undeploy', 'one'],
    ['deploy refused', 'two port-in-use'],
    ['deploy', 'nothing'],
    ['deploy', 'one new → aa'],
  ]);
});

it('tells of a start only where a channel has another version than before', async () => {
  await recordDeploy(store, one('aa'), by, 0, true);
  await recordDeploy(store, one('aa'), by, 0, true);
  await recordDeploy(store, one('bb'), by, 0, true);
  expect(await trail()).toEqual([
    ['deploy', 'one new → aa'],
    ['deploy', 'one aa → bb'],
  ]);
});

it('is read back as versions', () => {
  expect(channelChange('one new → aa')).toEqual({ channel: 'one', to: 'aa' });
  expect(channelChange('one aa → bb')).toEqual({ channel: 'one', from: 'aa', to: 'bb' });
  expect(channelChange('nothing')).toBeUndefined();
});
