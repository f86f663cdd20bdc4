import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonFault } from './json-fault.ts';

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('the place where a text stops being JSON', () => {
  it.for([
    ['', 0, 'a value'],
    ['{"a":1,}', 7, 'a name in quotation marks'],
    ['{"a" 1}', 5, ':'],
    ['{"a":1 "b":2}', 7, ', or }'],
    ['[1,2', 4, ', or ]'],
    ['[1,]', 3, 'a value'],
    ['{"a":"b', 7, 'a quotation mark'],
    ['{"a":"b\n"}', 7, 'no control character'],
    [String.raw`{"a":"\x"}`, 6, 'an escape that JSON has'],
    ['{"a":01}', 6, ', or }'],
    ['{} {}', 3, 'the end'],
    ['{"a":NaN}', 5, 'a value'],
    ["{'a':1}", 1, 'a name in quotation marks'],
  ] as const)('of %j', ([text, offset, expected]) => {
    expect(jsonFault(text)).toMatchObject({ offset, expected });
  });

  it('is told by line and column', () => {
    expect(jsonFault('{\n  "a": 1,\n  "b": oops\n}')).toMatchObject({ line: 3, column: 8 });
  });

  it('is there exactly where the engine’s own parser finds one', () => {
    const pieces = ['{', '}', '[', ']', ',', ':', '"a"', '1', '-1.5e3', 'true', 'null', ' ', '\n', '"', '\\', '0', '.'];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        expect(jsonFault(text) === undefined).toBe(isJson(text));
      }),
      { numRuns: 3_000 },
    );
    fc.assert(
      fc.property(fc.json(), fc.nat(), fc.string({ maxLength: 2 }), (json, at, odd) => {
        const text = json.slice(0, at % (json.length + 1)) + odd + json.slice((at % (json.length + 1)) + 1);
        expect(jsonFault(text) === undefined).toBe(isJson(text));
      }),
    );
  });

  it('is found however deep it is', () => {
    expect(jsonFault('['.repeat(1_000_000))).toMatchObject({ offset: 1_000_000 });
  });
});
