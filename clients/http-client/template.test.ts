import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { outgoing } from '../../core/testing/outgoing.ts';
import { headerTemplate, pathTemplate } from './template.ts';

const order = outgoing({
  ...{ number: 10, payload: undefined, bytes: new Uint8Array() },
  keys: ['4711^MR'],
  meta: { order: 'A/1 ?#é', name: 'Jörg\r\nX-Evil: 1', up: '..', half: '\ud800' },
});

describe('the template of a path', () => {
  it.for([
    ['', ''],
    ['/orders', '/orders'],
    ['/m/${messageId}/${n}', '/m/019a0000-0000-7000-8000-00000000000a/0'],
    ['/${effectId}', '/019a0000-0000-7000-8000-00000000000a%2Fout%2F0'],
    ['/${channel}/${destination}/${seq}', '/lab-in/out/11'],
    ['?key=${key}&at=${receivedAt}', '?key=4711%5EMR&at=2026-01-31T23%3A59%3A58.017Z'],
    ['/o/${meta.order}', '/o/A%2F1%20%3F%23%C3%A9'],
    ['/o/${meta.up}.json', '/o/...json'],
  ] as const)('%s becomes %s', ([template, path]) => {
    expect(pathTemplate(template)(order)).toBe(path);
  });

  it.for([
    '/${meta.up}',
    '/a/${meta.up}/b',
    '/.${meta.up}',
    '/${meta.missing}',
    '/${meta.toString}',
    '/${meta.half}',
  ])('makes an error of the message where %s cannot be filled in, and does not quote it', (template) => {
    const make = () =>
      pathTemplate(template.replace('.${meta.up}', '.${meta.dot}'))({ ...order, meta: { ...order.meta, dot: '.' } });
    expect(make).toThrow(expect.objectContaining({ code: 'encode-failed', kind: 'permanent', scope: 'message' }));
  });

  it.for([
    'orders',
    '/a b',
    '/ä',
    '/a#b',
    '/${nothing}',
    '/${messageId',
    '/${toString}',
    '/a\r\nX: 1',
    '/${meta.}',
  ])('refuses %s', (template) => {
    expect(() => pathTemplate(template)).toThrow(SyntaxError);
  });

  it('never leaves its segment, whatever is filled in', () => {
    const path = pathTemplate('/in/${meta.a}/end?b=${meta.b}');
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 1 }),
        fc.string({ unit: 'grapheme', minLength: 1 }),
        (a, b) => {
          fc.pre(!/^\.{1,2}$/.test(a));
          const made = new URL(path({ ...order, meta: { a, b } }), 'http://x');
          expect(made.pathname.split('/')).toHaveLength(4);
          expect(made.searchParams.get('b')).toBe(b);
          expect([...made.searchParams.keys()]).toEqual(['b']);
        },
      ),
    );
  });
});

describe('the template of a header', () => {
  it.for([
    ['${channel} v1', 'lab-in v1'],
    ['${meta.name}', 'J%C3%B6rg%0D%0AX-Evil: 1'],
    ['${meta.missing}', ''],
  ] as const)('%s becomes %s', ([template, value]) => {
    expect(headerTemplate(template)(order)).toBe(value);
  });

  it.for(['a\r\nb', 'é', '${nothing}'])('refuses %s', (template) => {
    expect(() => headerTemplate(template)).toThrow(SyntaxError);
  });
});
