import { expect, it } from 'vitest';
import { allowList } from './allow-list.ts';

it('lets anyone in where there is no list, and nobody where it is empty', () => {
  expect(allowList(undefined)('203.0.113.9')).toBe(true);
  expect(allowList([])('127.0.0.1')).toBe(false);
});

it.each([
  ['10.1.2.3', true],
  ['10.2.0.1', false],
  ['192.0.2.7', true],
  ['192.0.2.8', false],
  ['2001:db8::9', true],
  ['2001:db9::9', false],
])('knows addresses and ranges of both versions: %s', (address, welcome) => {
  expect(allowList(['10.1.0.0/16', '192.0.2.7', '2001:db8::/32'])(address)).toBe(welcome);
});

it('knows an IPv4 peer of an IPv6 socket by its IPv4 address', () => {
  expect(allowList(['10.0.0.7'])('::ffff:10.0.0.7')).toBe(true);
  expect(allowList(['10.0.0.7'])('::ffff:10.0.0.8')).toBe(false);
});

it.each(['lab.example', '10.0.0.0/33', '10.0.0.0/', '::1/129', ''])('refuses %j, which is neither', (entry) => {
  expect(() => allowList([entry])).toThrow(expect.objectContaining({ code: 'config-invalid', kind: 'permanent' }));
});
