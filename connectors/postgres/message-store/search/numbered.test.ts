import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { askedTrigrams, placeNumber, trigramsOf } from './numbered.ts';

describe('numbers for trigrams', () => {
  it('of a part of a text, in any case, are among those of the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ minLength: 3 }), fc.string(), (before, part, after) => {
        const all = new Set(trigramsOf(`${before}${part}${after}`.toLowerCase()));
        for (const number of askedTrigrams(part.toLowerCase())) expect(all).toContain(number);
      }),
    );
  });

  it('are as many as there are trigrams, nearly always, and none of a text that is shorter', () => {
    const digits = Array.from({ length: 1_000 }, (_, n) => String(n).padStart(3, '0'));
    expect(new Set(digits.flatMap((each) => [...trigramsOf(each)])).size).toBeGreaterThan(980);
    expect(trigramsOf('ab')).toHaveLength(0);
    expect(trigramsOf('ABCABC')).toEqual(trigramsOf('abcab'));
  });

  it('are asked for some of, where a text is long', () => {
    const long = Array.from({ length: 500 }, (_, n) => String.fromCharCode(97 + ((n * n) % 26), 97 + (n % 25))).join(
      '',
    );
    expect(askedTrigrams(long).length).toBeLessThanOrEqual(24);
    expect(new Set(trigramsOf(long))).toEqual(new Set([...trigramsOf(long), ...askedTrigrams(long)]));
  });
});

it('numbers for places rarely meet', () => {
  const places = Array.from({ length: 50_000 }, (_, n) => `PID-3.1=${n}`);
  expect(new Set(places.map(placeNumber)).size).toBeGreaterThan(49_990);
});
