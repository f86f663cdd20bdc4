import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { outgoing } from '../testing/outgoing.ts';
import { nameTemplate } from './name-template.ts';

const message = outgoing({
  number: 10,
  payload: undefined,
  bytes: new Uint8Array(),
  keys: ['4711^MR'],
  meta: { 'file.name': '../../etc/passwd', hidden: '.bashrc' },
});

describe('a name template', () => {
  it.for([
    ['${messageId}-${n}.hl7', '019a0000-0000-7000-8000-00000000000a-0.hl7'],
    ['${effectId}', '019a0000-0000-7000-8000-00000000000a_out_0'],
    ['${receivedAt:yyyyMMdd-HHmmss.SSS}', '20260131-235958.017'],
    ['${channel}_${destination}_${seq}', 'lab-in_out_000000000011'],
    ['${key}', '4711_MR'],
    ['${meta.file.name}', '_.._.._etc_passwd'],
    ['${meta.hidden}', '_.bashrc'],
    ['${meta.missing}', '_'],
    ['a-${meta.constructor}', 'a-'],
  ] as const)('%s becomes %s', ([template, name]) => {
    expect(nameTemplate(template)(message)).toBe(name);
  });

  it.for([
    'a/b',
    '${nothing}',
    '${receivedAt:YYYY}',
    '${messageId',
    '${toString}',
    '..\\x',
  ])('refuses %s', (template) => {
    expect(() => nameTemplate(template)).toThrow(SyntaxError);
  });

  it('never leaves its directory, whatever is filled in', () => {
    const name = nameTemplate('${meta.a}${meta.b}');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        const made = name({ ...message, meta: { a, b } });
        expect(made).not.toMatch(/^\.|[/\\\0]/);
        expect(made).not.toBe('');
      }),
    );
  });
});
