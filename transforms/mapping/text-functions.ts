import { z } from 'zod';
import { type Decimal, multiplied, readDecimal, rounded, writeDecimal } from './decimal.ts';
import { bareFunction, defineFunction, invalid, plain, textual, type ValueScript } from './function.ts';
import { faultyValue } from './value.ts';

const length = z.int().positive().max(10_000);

/** Functions of text and numbers. */
export const textFunctions = [
  bareFunction('upper', 'Capital letters.', (text) => text.toUpperCase()),
  bareFunction('lower', 'Small letters.', (text) => text.toLowerCase()),
  bareFunction('title', 'A capital at the beginning of every word, the rest small: Anna-Maria Von Der Heide.', titled),
  bareFunction('trim', 'Without blanks at both ends, and one blank where several stand.', (text) =>
    text.trim().replaceAll(blanks, ' '),
  ),
  bareFunction('digits', 'Its digits alone.', digitsOf),
  defineFunction('prefix', 'Puts a text before it.', plain, (_, { written }) => {
    const before = written() ?? '';
    return textual((text) => before + text);
  }),
  defineFunction('suffix', 'Puts a text after it.', plain, (_, { written }) => {
    const after = written() ?? '';
    return textual((text) => text + after);
  }),
  defineFunction(
    'substring',
    'A part of it.',
    z.strictObject({
      start: z.int().positive().default(1).describe('The first character, from 1.'),
      length: length.optional().describe('How many; to the end if absent.'),
    }),
    ({ start, length }) =>
      textual((text) => cut(text, start - 1, length === undefined ? text.length : start - 1 + length)),
  ),
  defineFunction('take', 'No more than so many characters from its beginning.', length, (count) =>
    textual((text) => cut(text, 0, count)),
  ),
  defineFunction(
    'pad',
    'Fills it up to a length.',
    z.strictObject({
      length: length.describe('The length that it gets; what is longer stays as it is.'),
      with: plain.default(' ').describe('What it is filled with.'),
      side: z.enum(['left', 'right']).default('left').describe('Where it is filled.'),
    }),
    ({ length, side }, { written }) => {
      const filler = written('with') ?? ' ';
      return textual((text) => (side === 'left' ? text.padStart(length, filler) : text.padEnd(length, filler)));
    },
  ),
  defineFunction(
    'split',
    'One of the parts that a text divides it into.',
    z.strictObject({
      on: plain.describe('What stands between the parts.'),
      take: z.int().describe('Which part, from 1; -1 is the last one.'),
    }),
    ({ take }, { written }) => {
      const on = written('on') ?? '';
      if (on === '' || take === 0) throw invalid('on: needs a text, and take: a number other than 0');
      return textual((text) =>
        text
          .split(on)
          .at(take > 0 ? take - 1 : take)
          ?.trim(),
      );
    },
  ),
  defineFunction(
    'replace',
    'Another text in place of one that occurs in it.',
    z.strictObject({
      text: plain.optional().describe('What is replaced, every time that it occurs.'),
      pattern: z.string().optional().describe('A regular expression instead (JavaScript, with the u flag).'),
      with: plain.default('').describe('What takes its place; with a pattern, $1 is its first group.'),
    }),
    ({ pattern }, { written }) => {
      const by = written('with') ?? '';
      const text = written('text');
      if ((text === undefined || text === '') === (pattern === undefined))
        throw invalid('either text: or pattern: is needed');
      if (pattern === undefined) return textual((value) => value.replaceAll(text!, () => by));
      const expression = expressionOf(pattern);
      return textual((value) => value.replaceAll(expression, by));
    },
  ),
  defineFunction(
    'mask',
    'Writes its characters where # stands, one each: (###) ###-####. A text of another length stays as it is.',
    z.string(),
    (mask) => {
      const places = mask.split('#').length - 1;
      if (places === 0) throw invalid('a mask has at least one #');
      return textual((text) => {
        if (text.length !== places) return text;
        let at = 0;
        return mask.replaceAll('#', () => text[at++]!);
      });
    },
  ),
  defineFunction('lines', 'Another text in place of its line breaks.', plain, (_, { written }) => {
    const by = written() ?? '';
    return textual((text) => text.replaceAll(lineBreaks, () => by));
  }),
  defineFunction(
    'scale',
    'A number times a factor, exact to the last digit.',
    z.union([z.number(), z.string()]),
    (_, { written }) => {
      const factor = readDecimal(written() ?? '');
      if (!factor) throw invalid('a decimal number is needed');
      return textual((text) => writeDecimal(multiplied(numberIn(text), factor)));
    },
  ),
  defineFunction('round', 'A number to so many places; a half goes away from zero.', z.int().min(0).max(20), (places) =>
    textual((text) => writeDecimal(rounded(numberIn(text), places))),
  ),
  {
    name: 'number',
    summary: 'A number in JSON, where it would be text.',
    arguments: z.literal(true).describe('A number in JSON, where it would be text.'),
    bare: true,
    compile: () => textual((text) => numberOfJson(numberIn(text))),
  },
  defineFunction(
    'boolean',
    'True or false in JSON.',
    z.strictObject({
      yes: z.array(plain).min(1).describe('What stands for true.'),
      no: z.array(plain).optional().describe('What stands for false; everything else if absent.'),
    }),
    (given, { written }) => {
      const texts = (key: 'yes' | 'no') => new Set(given[key]?.map((_, at) => written(key, String(at)) ?? ''));
      const [yes, no] = [texts('yes'), texts('no')];
      return textual((text) => {
        if (yes.has(text)) return true;
        if (given.no === undefined || no.has(text)) return false;
        throw faultyValue('it stands for neither true nor false');
      });
    },
  ),
  defineFunction(
    'codes',
    'Another code for each of a few. For more of them, or for some that change, use a table.',
    z.strictObject({
      map: z.record(z.string(), plain).describe('Codes, and what stands for each.'),
      unknown: z
        .union([z.enum(['error', 'pass']), z.strictObject({ default: plain.describe('The value instead.') })])
        .default('error')
        .describe('What becomes of another code: an error, the code itself, or a value.'),
    }),
    ({ map, unknown }, { written }) => {
      const codes = new Map(Object.keys(map).map((code) => [code, written('map', code) ?? String(map[code])]));
      const otherwise = typeof unknown === 'string' ? undefined : written('unknown', 'default');
      return textual((text) => {
        const found = codes.get(text) ?? otherwise;
        if (found !== undefined) return found;
        if (unknown === 'pass') return text;
        throw faultyValue('it is none of the codes');
      });
    },
  ),
  {
    name: 'default',
    summary: 'A value where there is none. Null (a deletion) is a value.',
    arguments: plain.describe('A value where there is none. Null (a deletion) is a value.'),
    bare: false,
    compile: (given: unknown, { written }: { written(): string | undefined }) => {
      const text = written() ?? String(given);
      return (value: unknown) => (value === undefined || value === '' ? text : value) as never;
    },
  },
  defineFunction(
    'script',
    'A function of a TypeScript file: ./names.ts#tidy gets the text and gives another one.',
    z.string(),
    (reference, { script }) => {
      const change = script(reference) as unknown as ValueScript;
      return textual((text, run) => {
        const made: unknown = change(text, { receivedAt: run.message.receivedAt });
        if (made === undefined || made === null || typeof made === 'string') return made;
        throw faultyValue(`${reference} gave no text`);
      });
    },
  ),
];

const blanks = /\s+/gu;
const lineBreaks = /\r\n|\r|\n/g;
const words = /[\p{L}\p{M}'’]+/gu;

/** No half of a character that two code units make. */
function cut(text: string, start: number, end: number): string {
  const whole = (at: number) => ((text.codePointAt(at - 1) ?? 0) > 0xffff ? at - 1 : at);
  return text.slice(whole(start), whole(end));
}

function titled(text: string): string {
  // By hand where it is ASCII: the expression takes four times as long, and names are in most messages.
  let made = '';
  let inside = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0x80) return titledAny(text);
    const letter = (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a;
    made += !letter ? text[at] : String.fromCharCode(inside ? code | 0x20 : code & ~0x20);
    inside = letter || code === 0x27;
  }
  return made;
}

function digitsOf(text: string): string {
  let made = '';
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0x30 && code <= 0x39) made += text[at];
  }
  return made;
}

function titledAny(text: string): string {
  return text.toLowerCase().replaceAll(words, (word) => word.charAt(0).toUpperCase() + word.slice(1));
}

function numberIn(text: string) {
  const number = readDecimal(text);
  if (!number) throw faultyValue('it is no decimal number');
  return number;
}

/** More digits than a double has would come out as others. */
function numberOfJson(decimal: Decimal): number {
  const size = decimal.digits < 0n ? -decimal.digits : decimal.digits;
  if (size > Number.MAX_SAFE_INTEGER) throw faultyValue('it has more digits than a number in JSON');
  return Number(writeDecimal(decimal));
}

function expressionOf(pattern: string): RegExp {
  try {
    return new RegExp(pattern, 'gu');
  } catch {
    throw invalid('pattern: it is no regular expression');
  }
}
