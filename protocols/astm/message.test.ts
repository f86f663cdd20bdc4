import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { build } from './build.ts';
import { DEFAULT_DELIMITERS, type Delimiters, readDelimiters } from './delimiters.ts';
import { escapeText, unescapeText } from './escape.ts';
import { parse, parseAll } from './message.ts';
import { treeOf } from './tree.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');
const text = (message: { readonly raw: Uint8Array }) => Buffer.from(message.raw).toString('latin1');
const read = (...records: string[]) => parse(bytes(records.map((record) => `${record}\r`).join('')));

const delimiters: fc.Arbitrary<Delimiters> = fc
  .shuffledSubarray("|^\\&~@!#$%*+;:<>?'_".split(''), { minLength: 4, maxLength: 4 })
  .map(([field, repeat, component, mark]) => ({
    field: field!,
    repeat: repeat!,
    component: component!,
    escape: mark!,
  }));

describe('delimiters', () => {
  it('are those of the header', () => {
    expect(readDelimiters('H|\\^&|||X')).toEqual(DEFAULT_DELIMITERS);
    expect(readDelimiters('H|@^\\|')).toEqual({ field: '|', repeat: '@', component: '^', escape: '\\' });
    expect(readDelimiters('H|\\^|')).toEqual({ ...DEFAULT_DELIMITERS, escape: '' });
  });

  it.each([
    ['P|1', 'astm.no-header'],
    ['', 'astm.no-header'],
    ['H', 'astm.bad-delimiters'],
    ['H|', 'astm.bad-delimiters'],
    ['H||', 'astm.bad-delimiters'],
    ['H|\\|', 'astm.bad-delimiters'],
    ['H|^^&|', 'astm.bad-delimiters'],
    ['H|a^&|', 'astm.bad-delimiters'],
    ['HxyzA', 'astm.bad-delimiters'],
    ['H|\\^&~|', 'astm.bad-delimiters'],
  ])('refuses %j', (header, code) => {
    expect(() => parse(bytes(`${header}\r`))).toThrow(expect.objectContaining({ code }));
  });
});

describe('escaping', () => {
  it('property: gives back any text under any delimiters, and leaves none of them and no control character in it', () => {
    const original = fc.string({ unit: fc.oneof(fc.constantFrom(...'|^\\&~@FSREXHN0D\r\n\x05\x02'), fc.string()) });
    fc.assert(
      fc.property(original, delimiters, (value, declared) => {
        const escaped = escapeText(value, declared);
        expect(unescapeText(escaped, declared)).toBe(value);
        for (const one of [declared.field, declared.repeat, declared.component]) expect(escaped).not.toContain(one);
        expect(escaped).not.toMatch(/[\0-\x1f]/);
      }),
      { numRuns: 2_000 },
    );
  });

  it('leaves what is no sequence as it is', () => {
    const plain = (value: string) => unescapeText(value, DEFAULT_DELIMITERS);
    expect(plain('A & B')).toBe('A & B');
    expect(plain('A & B &E& C')).toBe('A & B & C');
    expect(plain('&Zab&&Q&')).toBe('&Zab&&Q&');
    expect(plain('&H&high&N&')).toBe('high');
    expect(plain('a&X41&b&X0D0A&')).toBe('aAb\r\n');
    expect(plain('&X4&&XZZ&')).toBe('&X4&&XZZ&');
  });

  it('refuses a delimiter where the header declares no escape', () => {
    expect(() => escapeText('a|b', { ...DEFAULT_DELIMITERS, escape: '' })).toThrow(
      expect.objectContaining({ code: 'astm.unencodable', offset: 1 }),
    );
  });
});

describe('a message', () => {
  const message = read(
    'H|\\^&|||XN-550^00-24^22723||||||||E1394-97',
    'P|1|||37182|^Jim^Brown||19870626|M',
    'C|1||first',
    'O|1||^^  27^M|^^^^WBC\\^^^^RBC|R',
    'R|1|^^^^WBC^1|8.13|10*3/uL||N||F',
    'R|2|^^^^RBC^1|2.60|10*6/uL||L||F',
    'C|1|I|a&F&b^x|G',
    'L|1|N',
  );

  it('reads values by path, escapes, components and repetitions', () => {
    expect(message.get('H-5')).toBe('XN-550');
    expect(message.get('H-2')).toBe('\\^&');
    expect(message.get('H-13')).toBe('E1394-97');
    expect(message.get('P-6.3')).toBe('Brown');
    expect(message.get('O-5[2].5')).toBe('RBC');
    expect(message.get('R[2]-4')).toBe('2.60');
    expect(message.get('R[3]-4')).toBeUndefined();
    expect(message.get('C[2]-4')).toBe('a|b');
    expect(message.get('P-99')).toBeUndefined();
    expect(message.all('R')[1]?.named('unit')).toBe('10*6/uL');
    expect(message.terminator?.named('code')).toBe('N');
    expect(message.records.map(({ sequence }) => sequence)).toEqual([undefined, 1, 1, 1, 1, 2, 1, 1]);
  });

  it.each(['R', 'RR-1', 'R-0', 'R-1.0', 'R[0]-1', 'R-1[2', 'R-', 'r-1', 'R-1.1.1'])('refuses the path %j', (path) => {
    expect(() => message.get(path)).toThrow(expect.objectContaining({ code: 'astm.bad-path' }));
  });

  it('sets a value and leaves every other byte', () => {
    const edited = message.set('R[2]-4', '2.61').set('R[1]-3.4', 'a^b').set('P-10[2].2', 'x').set('R-10', ['1', '2']);
    expect(text(edited).split('\r')).toEqual([
      ...text(message).split('\r').slice(0, 1),
      'P|1|||37182|^Jim^Brown||19870626|M|\\^x',
      'C|1||first',
      'O|1||^^  27^M|^^^^WBC\\^^^^RBC|R',
      'R|1|^^^a&S&b^WBC^1|8.13|10*3/uL||N||F|1^2',
      'R|2|^^^^RBC^1|2.61|10*6/uL||L||F',
      'C|1|I|a&F&b^x|G',
      'L|1|N',
      '',
    ]);
    expect(edited.get('R-3.4')).toBe('a^b');
    expect(message.get('R[2]-4')).toBe('2.60');
    expect(message.set('O-5', { repeats: [['', '', '', 'A'], 'B'] }).all('O')[0]?.text).toBe('O|1||^^  27^M|^^^A\\B|R');
  });

  it('refuses edits that have no place, or do not fit it', () => {
    expect(() => message.set('R[9]-4', '1')).toThrow(expect.objectContaining({ code: 'astm.no-target' }));
    expect(() => message.set('H-2', '1')).toThrow(expect.objectContaining({ code: 'astm.bad-value' }));
    expect(() => message.set('R-3.4', ['1', '2'])).toThrow(expect.objectContaining({ code: 'astm.bad-value' }));
    expect(() => message.set('R-4', Number.NaN)).toThrow(expect.objectContaining({ code: 'astm.bad-value' }));
    expect(() => message.set('R-4', 'Ω')).toThrow(expect.objectContaining({ code: 'astm.unencodable' }));
    expect(() => message.remove(0)).toThrow(expect.objectContaining({ code: 'astm.no-target' }));
    expect(() => message.insert(0, { type: 'M' })).toThrow(expect.objectContaining({ code: 'astm.no-target' }));
  });

  it('inserts, removes and renumbers records', () => {
    const more = message.insert(5, { type: 'R', testId: ['', '', '', 'PLT'], value: 99 });
    expect(more.records.map((record) => record.text.slice(0, 3))).toEqual(
      ['H|\\', 'P|1', 'C|1', 'O|1', 'R|1', 'R|2', 'R|2', 'C|1', 'L|1'].map((start) => start.slice(0, 3)),
    );
    expect(more.renumbered().records[6]?.text.startsWith('R|3|')).toBe(true);
    expect(text(more.remove(5))).toBe(text(message));
    expect(more.renumbered().renumbered()).not.toBe(more);
    expect(message.renumbered()).toBe(message);
    const open = parse(bytes('H|\\^&'));
    expect(text(open.insert(1, { type: 'L', code: 'N' }))).toBe('H|\\^&\rL|1|N\r');
  });

  it('takes LF, CRLF, blank lines and blanks before the header', () => {
    const odd = parse(bytes('\r\n H|\\^&\r\nP|1\n\n\rL|1|N'));
    expect(odd.records.map(({ type }) => type)).toEqual(['H', 'P', 'L']);
    expect(text(odd)).toBe('\r\n H|\\^&\r\nP|1\n\n\rL|1|N');
  });

  it('finds several messages in one transmission', () => {
    const both = parseAll(bytes('H|\\^&|||A\rL|1|N\rH|@^\\|||B\rR|1|a@b\rL|1|N\r'));
    expect(both.map((one) => one.get('H-5'))).toEqual(['A', 'B']);
    expect(both[1]?.get('R-3[2]')).toBe('b');
    expect(Buffer.concat(both.map(({ raw }) => raw))).toEqual(bytes('H|\\^&|||A\rL|1|N\rH|@^\\|||B\rR|1|a@b\rL|1|N\r'));
  });

  it('reads and writes the character set that it is told', () => {
    const raw = Buffer.from('H|\\^&\rP|1||||^Straße\r');
    expect(parse(raw, { charset: 'utf-8' }).get('P-6.2')).toBe('Straße');
    expect(parse(raw).get('P-6.2')).toBe('StraÃ\x9fe');
    const edited = parse(raw, { charset: 'utf-8' }).set('P-6.3', 'Ωmega');
    expect(Buffer.from(edited.raw).toString()).toBe('H|\\^&\rP|1||||^Straße^Ωmega\r'.replace('||||^', '||||^'));
    expect(() => parse(raw, { charset: 'gbk' })).toThrow(expect.objectContaining({ code: 'astm.unknown-charset' }));
    const broken = parse(Buffer.from('H|\\^&\rP|1||||^Stra\xdfe\r', 'latin1'), { charset: 'utf-8' });
    expect(() => broken.set('P-3', '1')).toThrow(expect.objectContaining({ code: 'astm.unencodable' }));
  });

  it('property: any bytes behind a header are read and come out the same, edited or not', () => {
    const records = fc.array(fc.string({ unit: fc.constantFrom(...'|^\\&HPORCQL1\r\n\xe9 '), maxLength: 20 }));
    fc.assert(
      fc.property(records, (all) => {
        const raw = bytes(`H|\\^&\r${all.join('\r')}`);
        const one = parse(raw);
        expect(one.raw).toBe(raw);
        for (const record of one.records) for (let field = 1; field <= record.length; field++) record.repeats(field);
        const edited = one.set('H-20', 'new');
        expect(edited.get('H-20')).toBe('new');
        expect(text(edited).replace(/^(H\|\\\^&)\|+new/, '$1')).toBe(text(one));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('a built message', () => {
  it('has its sequence numbers by parent, and its fields by name', () => {
    const message = build({
      header: { sender: ['weir', '1'], processingId: 'P', version: 'LIS2-A2', time: '20260102030405' },
      records: [
        { type: 'P', laboratoryId: 'p1', fields: { 36: 'own' } },
        { type: 'C', source: 'L', text: 'note' },
        { type: 'C', source: 'L', text: 'more' },
        {
          type: 'O',
          specimenId: 's|1',
          testId: {
            repeats: [
              ['', '', '', 'A'],
              ['', '', '', 'B'],
            ],
          },
        },
        { type: 'R', testId: 'A', value: 1.5 },
        { type: 'C', text: 'c' },
        { type: 'R', testId: 'B' },
        { type: 'O', specimenId: 's2' },
        { type: 'R', testId: 'A' },
        { type: 'P' },
        { type: 'O', sequence: 7 },
        { type: 'M', fields: { 3: 'maker' } },
      ],
    });
    expect(text(message).split('\r')).toEqual([
      'H|\\^&|||weir^1|||||||P|LIS2-A2|20260102030405',
      `P|1||p1${'|'.repeat(32)}own`,
      'C|1|L|note',
      'C|2|L|more',
      'O|1|s&F&1||^^^A\\^^^B',
      'R|1|A|1.5',
      'C|1||c',
      'R|2|B',
      'O|2|s2',
      'R|1|A',
      'P|2',
      'O|7',
      'M|1|maker',
      'L|1|N',
      '',
    ]);
  });

  it('property: reads as what was written, under any delimiters', () => {
    const value = fc.string({ minLength: 1, maxLength: 8, unit: fc.constantFrom(...'|^\\&~@!ab1 é\n') });
    const field = fc.array(fc.array(value, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(fc.array(field, { maxLength: 5 }), delimiters, (fields, declared) => {
        const inputs = Object.fromEntries(fields.map((repeats, at) => [at + 3, { repeats }]));
        const message = build({ header: {}, records: [{ type: 'O', fields: inputs }], delimiters: declared });
        const order = message.all('O')[0]!;
        expect(fields.map((_, at) => order.repeats(at + 3))).toEqual(fields);
        expect(parse(message.raw).delimiters).toEqual(declared);
      }),
      { numRuns: 500 },
    );
  });
});

describe('the hierarchy', () => {
  it('puts comments behind what they stand behind, and makes the levels that are left out', () => {
    const tree = treeOf(
      read(
        'H|\\^&',
        'C|1||h',
        'R|1|a',
        'C|1||a',
        'M|1|x',
        'P|1',
        'R|1|b',
        'O|1|s',
        'R|1|c',
        'P|2',
        'R|1|d',
        'Q|1|^s',
        'L|1',
      ),
    );
    expect(tree.comments.map((comment) => comment.get('4'))).toEqual(['h']);
    expect(
      tree.patients.map(({ record, orders }) => [
        record?.sequence,
        orders.map((order) => [order.record?.get('3'), order.results.map(({ record: result }) => result?.get('3'))]),
      ]),
    ).toEqual([
      [undefined, [[undefined, ['a']]]],
      [
        1,
        [
          [undefined, ['b']],
          ['s', ['c']],
        ],
      ],
      [2, [[undefined, ['d']]]],
    ]);
    const first = tree.patients[0]!.orders[0]!.results[0]!;
    expect([first.comments.length, first.others.map(({ type }) => type)]).toEqual([1, ['M']]);
    expect(tree.queries.map(({ record }) => record?.get('3.2'))).toEqual(['s']);
  });
});
