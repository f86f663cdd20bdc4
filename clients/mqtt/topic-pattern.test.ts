import { expect, it } from 'vitest';
import { isTopicPattern, topicPattern } from './topic-pattern.ts';

const matches = [
  ['devices/{id}/vitals', 'devices/m-1/vitals', { id: 'm-1' }],
  ['devices/{id}/vitals', 'devices//vitals', { id: '' }],
  ['devices/{id}/vitals', 'devices/m-1/alerts', undefined],
  ['devices/{id}/vitals', 'devices/m-1/vitals/raw', undefined],
  ['devices/{id}/vitals', 'devices/m-1', undefined],
  ['{site}/{id}/#', 'north/m-1/a/b', { site: 'north', id: 'm-1' }],
  ['devices/#', 'devices', {}],
  ['+/status', 'm-1/status', {}],
  ['plain', 'plain', {}],
] as const;
it.for(matches)('reads %s against %s', ([pattern, topic, places]) => {
  expect(topicPattern(pattern).match(topic)).toEqual(places);
});

it('gives the broker a filter, and the places their names', () => {
  expect(topicPattern('{site}/devices/{id}/#')).toMatchObject({ filter: '+/devices/+/#', places: ['site', 'id'] });
});

const wrong = ['', 'a/{b', 'a/b+', 'a/#/b', '{a}/{a}', 'x{id}', 'a\u0000b', '{}', '$share/hubs/devices/#'];
it.for(wrong)('does not take %j', (text) => {
  expect(isTopicPattern(text)).toBe(false);
});

it('says why it takes no shared subscription', () => {
  expect(() => topicPattern('$share/hubs/devices/+/vitals')).toThrow(/out of order/);
});
