import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UnknownCodes } from '../../core/tables/unknown-codes.ts';
import { multiplied, readDecimal, rounded, writeDecimal } from './decimal.ts';
import { functions } from './functions.ts';
import { hl7, MSH, mapOf, mapped, messageOf, tableOf } from './testing/maps.ts';

const done = (call: string, text: string) => mapped(`{ from: in, do: [${call}] }`, text);

describe('a function of a map', () => {
  it.for([
    ['upper', 'berger', 'BERGER'],
    ['lower', 'BERGER', 'berger'],
    ['title', 'anna-maria VON DER HEIDE o’brien', 'Anna-Maria Von Der Heide O’brien'],
    ['trim', '  a   b ', 'a b'],
    ['digits', '+49 (30) 555-01', '493055501'],
    ['digits', 'none', undefined],
    ['{ prefix: 0049 }', '30', '004930'],
    ['{ suffix: 1.50 }', 'x', 'x1.50'],
    ['{ substring: { start: 2, length: 2 } }', 'abcd', 'bc'],
    ['{ substring: { start: 3 } }', 'abcd', 'cd'],
    ['{ take: 3 }', 'abcd', 'abc'],
    ['{ take: 3 }', 'ab𠮷d', 'ab'],
    ['{ substring: { start: 4 } }', 'ab𠮷d', '𠮷d'],
    ['{ pad: { length: 5, with: 0 } }', '42', '00042'],
    ['{ pad: { length: 4, side: right, with: . } }', '42', '42..'],
    ['{ split: { on: ",", take: 2 } }', 'Berger, Anna', 'Anna'],
    ['{ split: { on: ",", take: -1 } }', 'a,b,c', 'c'],
    ['{ split: { on: ",", take: 4 } }', 'a,b,c', undefined],
    ['{ replace: { text: ".", with: "$&" } }', 'a.b', 'a$&b'],
    ['{ replace: { pattern: "^0+" } }', '00120', '120'],
    ['{ replace: { pattern: "(\\\\w+) (\\\\w+)", with: "$2 $1" } }', 'Anna Berger', 'Berger Anna'],
    ['{ mask: "(###) ###-####" }', '2065550101', '(206) 555-0101'],
    ['{ mask: "###-###" }', '12345', '12345'],
    ['{ lines: " / " }', 'a\r\nb\nc', 'a / b / c'],
    ['{ scale: 0.1 }', '0.3', '0.03'],
    ['{ scale: "18.0182" }', '5.5', '99.1001'],
    ['{ round: 1 }', '2.25', '2.3'],
    ['{ round: 2 }', '-1.005', '-1.01'],
    ['{ round: 2 }', '1', '1.00'],
    ['number', '1.50', 1.5],
    ['{ boolean: { yes: [Y, 1], no: [N] } }', '1', true],
    ['{ boolean: { yes: [Y], no: [N] } }', 'N', false],
    ['{ boolean: { yes: [Y] } }', '?', false],
    ['{ codes: { map: { M: male, "01": 007 } } }', '01', '007'],
    ['{ codes: { map: { M: male }, unknown: pass } }', 'X', 'X'],
    ['{ codes: { map: { M: male }, unknown: { default: other } } }', 'X', 'other'],
    ['{ default: x }', '', 'x'],
    ['upper, { take: 2 }, { suffix: "!" }', 'abc', 'AB!'],
  ] as const)('%s of %j is %j', ([call, text, expected]) => {
    expect(done(call, text)).toBe(expected);
  });

  it.for([
    ['number', '<5', 'it is no decimal number'],
    ['number', '12345678901234567', 'it has more digits than a number in JSON'],
    ['{ scale: 2 }', '1e3', 'it is no decimal number'],
    ['{ boolean: { yes: [Y], no: [N] } }', '?', 'it stands for neither true nor false'],
    ['{ codes: { map: { M: male } } }', 'X', 'it is none of the codes'],
  ] as const)('%s of %j is an error: a wrong value is worse than none', ([call, text, message]) => {
    expect(() => done(call, text)).toThrow(message);
  });

  it('leaves nothing and a deletion what they are, except `default` for nothing', () => {
    const rules =
      'map: m\nfrom: hl7v2\nto: json\nrules:\n  - set:\n      a: { from: PID-1, do: [upper, digits, number] }\n      b: { from: PID-2, do: [upper, { default: x }] }\n      c: { from: PID-3, default: x }\n';
    const message = hl7(MSH, 'PID||""');
    expect(mapOf(rules).run(message, messageOf(message))).toEqual({ b: null, c: 'x' });
  });

  it('is described for whoever writes maps', () => {
    for (const { name, summary, arguments: given } of functions.values()) {
      expect([name, summary]).toEqual([name, expect.stringMatching(/^\S.*[^ ]\.$|^\S.*####/)]);
      expect(given.description).toBe(summary);
    }
  });
});

describe('decimal numbers', () => {
  const number = fc.tuple(fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n }), fc.integer({ min: 0, max: 6 }));

  it('are multiplied exactly', () => {
    fc.assert(
      fc.property(number, number, ([a, x], [b, y]) => {
        const { digits, places } = multiplied({ digits: a, places: x }, { digits: b, places: y });
        expect(digits * 10n ** BigInt(x + y - places)).toBe(a * b);
        expect(readDecimal(writeDecimal({ digits, places }))).toEqual({ digits, places });
      }),
    );
  });

  it('are rounded to the nearest, a half away from zero', () => {
    fc.assert(
      fc.property(number, fc.integer({ min: 0, max: 6 }), ([digits, places], to) => {
        const result = rounded({ digits, places }, to);
        const twice = 2n * (result.digits * 10n ** BigInt(6 - to) - digits * 10n ** BigInt(6 - places));
        const unit = 10n ** BigInt(6 - to);
        expect(twice <= unit && twice >= -unit).toBe(true);
        if (places > to && (twice === unit || twice === -unit)) expect(twice > 0n).toBe(digits > 0n);
      }),
    );
  });

  it.for(['', '.', '-', '1e5', 'Infinity', '0x10', '1,5', '1'.repeat(101)])('are not read from %j', (text) => {
    expect(readDecimal(text)).toBeUndefined();
  });
});

describe('a code table in a map', () => {
  const tables = new Map([
    ['sex', tableOf('sex', 'code,fhir,label,effectiveFrom\nM,male,Mann,\nF,female,Frau,\nD,other,divers,2018-12-22\n')],
  ]);
  const coded = (given: string, text: string, receivedAt: number, unknown = new UnknownCodes()) => {
    const map = mapOf(`map: m\nfrom: json\nto: json\nrules:\n  - set: { out: { from: in, ${given} } }\n`, {
      tables,
      unknown,
    });
    const payload = { in: text };
    return (map.run(payload, messageOf(payload, { receivedAt })) as { out?: string }).out;
  };
  const now = Date.UTC(2026, 0, 1);

  it('gives what is in force on the day on which the message was received', () => {
    expect(coded('table: sex', 'F', now)).toBe('female');
    expect(coded('table: { table: sex, to: label }', 'D', now)).toBe('divers');
    expect(() => coded('table: sex', 'D', Date.UTC(2018, 11, 21))).toThrow('the table sex does not have the code');
  });

  it('is looked up in reverse', () => {
    expect(coded('table: { table: sex, from: fhir, to: code }', 'male', now)).toBe('M');
  });

  it('passes an unknown code on with an entry in the worklist, or gives a default, where the map says so', () => {
    const unknown = new UnknownCodes();
    expect(coded('table: sex, unknown: pass', 'X', now, unknown)).toBe('X');
    expect(unknown.list()).toEqual([
      { table: 'sex', code: 'X', channel: 'adt', count: 1, firstSeen: now, lastSeen: now },
    ]);
    expect(coded('table: sex, unknown: { default: unknown }', 'X', now, unknown)).toBe('unknown');
    expect(unknown.list()).toHaveLength(1);
  });

  it('tells which tables a map uses: they are part of its version', () => {
    const all = new Map([...tables, ['other', tableOf('other', 'a,b\n1,2\n')]]);
    const map = mapOf('map: m\nfrom: json\nto: json\nrules:\n  - set: { out: { from: in, table: sex } }\n', {
      tables: all,
    });
    expect([...map.uses]).toEqual([['table sex', tables.get('sex')?.hash]]);
  });
});
