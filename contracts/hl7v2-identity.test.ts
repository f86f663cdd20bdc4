import { describe, expect, it } from 'vitest';
import { readHeader } from '../protocols/hl7v2/header.ts';
import { contentHash, isIdentified, messageIdentity } from './hl7v2-identity.ts';

const hashOf = (text: string) => contentHash(Buffer.from(text, 'latin1'), readHeader(Buffer.from(text, 'latin1'))!);
const headerOf = (text: string) => readHeader(Buffer.from(text, 'latin1'))!;
const identityOf = (text: string) => messageIdentity(headerOf(text));
const message = (time: string, rest = 'PID|1||7') =>
  `MSH|^~\\&|EHR|H^1|WEIR|LAB|${time}||ADT^A01|C1|P|2.5.1\r${rest}\r`;

describe('rule 14: what a message is known by', () => {
  it('is MSH-3, MSH-4 and MSH-10 as they stand; nothing without MSH-10', () => {
    expect(identityOf(message('2026'))).toBe('EHR|H^1|C1');
    expect(identityOf(message('2026').replaceAll('|', '#'))).toBe('EHR#H^1#C1');
    expect(isIdentified(headerOf(message('2026')))).toBe(true);
    expect(isIdentified(headerOf(message('2026').replace('|C1|', '||')))).toBe(false);
  });

  it('and its content is all but MSH-7', () => {
    expect(hashOf(message('20260302081500'))).toBe(hashOf(message('20260302081501+0100')));
    expect(hashOf(message('20260302081500'))).toBe(hashOf(message('')));
    expect(hashOf(message('2026'))).not.toBe(hashOf(message('2026', 'PID|1||8')));
    expect(hashOf(message('2026'))).not.toBe(hashOf(message('2026').replace('LAB', 'LAC')));
  });

  it('can be told of a header that ends before MSH-7', () => {
    expect(hashOf('MSH|^~\\&|EHR')).toBe(hashOf('MSH|^~\\&|EHR'));
    expect(hashOf('MSH|^~\\&|EHR')).not.toBe(hashOf('MSH|^~\\&|EHS'));
  });
});
