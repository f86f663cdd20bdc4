import { describe, expect, it } from 'vitest';
import { failureOf } from './failure.ts';
import { literal } from './quote.ts';

const thrown = (fields: object) => Object.assign(new Error('key (id)=(DOE^JOHN) secret'), fields);

describe('what went wrong', () => {
  it.each([
    [{ code: '53100' }, { connection: false, kind: 'transient' }],
    [
      { code: '28P01', severity: 'FATAL' },
      { connection: true, kind: 'permanent' },
    ],
    [
      { code: '57P01', severity: 'FATAL' },
      { connection: true, kind: 'transient' },
    ],
    [
      { code: '57P03', severity: 'FATAL' },
      { connection: true, kind: 'transient' },
    ],
    [
      { code: '40P01', severity: 'ERROR' },
      { connection: false, kind: 'transient' },
    ],
    [
      { code: '42P01', severity: 'ERROR' },
      { connection: false, kind: 'permanent' },
    ],
    [
      { code: '23505', severity: 'ERROR' },
      { connection: false, kind: 'permanent' },
    ],
    [{ code: 'ECONNREFUSED' }, { connection: true, kind: 'transient' }],
    [{ code: 'ECONNRESET' }, { connection: true, kind: 'transient' }],
    [{ code: 'EPIPE' }, { connection: true, kind: 'transient' }],
    [{ code: 'ENOTFOUND' }, { connection: true, kind: 'transient' }],
    [{ code: 'SELF_SIGNED_CERT_IN_CHAIN' }, { connection: true, kind: 'permanent' }],
  ])('%o', (fields, expected) => {
    const failure = failureOf(thrown(fields));
    expect(failure).toMatchObject(expected);
    expect(failure.what).toContain(fields.code);
    expect(failure.what).not.toMatch(/DOE|secret/);
  });

  it.each([
    ['SASL authentication failed', '`user` and `password`'],
    ['password authentication failed', '`user` and `password`'],
    ['database "DOE" does not exist', '`database`'],
    ['no such database: DOE', '`database`'],
  ])('PgBouncer says in words: %s', (message, setting) => {
    const failure = failureOf(Object.assign(new Error(message), { code: '08P01', severity: 'FATAL' }));
    expect(failure).toMatchObject({ connection: true, kind: 'permanent', what: expect.stringContaining(setting) });
    expect(failure.what).not.toContain('DOE');
  });

  it('a connection that broke has no code', () => {
    expect(failureOf(new Error('Connection terminated unexpectedly'))).toMatchObject({
      connection: true,
      kind: 'transient',
    });
    expect(failureOf(new TypeError('DOE^JOHN is no function'))).toMatchObject({ connection: false, kind: 'permanent' });
    expect(failureOf(new TypeError('DOE^JOHN is no function')).what).not.toContain('DOE');
  });
});

describe('a literal', () => {
  it('cannot be left', () => {
    expect(literal("O'Neil")).toBe("'O''Neil'");
    expect(literal("\\'; DROP TABLE x; --")).toBe(" E'\\\\''; DROP TABLE x; --'");
    expect(literal(undefined)).toBe('NULL');
  });
});
