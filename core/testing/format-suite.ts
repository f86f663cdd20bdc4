import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HubError } from '../errors.ts';
import { type Format, noMeta } from '../format.ts';

export interface FormatHarness<T> {
  readonly format: Format<T>;
  /** Encoded values as the format itself writes them, or as they come from the field and are to be kept. At least one. */
  readonly samples: readonly Uint8Array[];
}

const hex = (raw: Uint8Array): string => Buffer.from(raw).toString('hex');

/** Every format runs this suite: nothing is lost between bytes and value, and bad bytes are an error that can be told. */
export function describeFormat<T>({ format, samples }: FormatHarness<T>): void {
  describe(`${format.id} as a format`, () => {
    const roundTrip = (raw: Uint8Array): Uint8Array => format.encode(format.decode(raw, noMeta));

    it.for(samples.map((raw, at) => ({ raw, at })))('writes sample $at byte for byte as it read it', ({ raw }) => {
      expect(hex(roundTrip(raw))).toBe(hex(raw));
    });

    it.for(samples.map((raw, at) => ({ raw, at })))('reads what it wrote of sample $at as the same value', ({
      raw,
    }) => {
      const written = roundTrip(raw);
      expect(hex(roundTrip(written))).toBe(hex(written));
    });

    it('does not change the bytes that it reads', () => {
      for (const raw of samples) {
        const before = hex(raw);
        roundTrip(raw);
        expect(hex(raw)).toBe(before);
      }
    });

    it('throws nothing but HubError for arbitrary bytes', () => {
      fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (raw) => readsOrRefuses(raw)));
    });

    it('throws nothing but HubError for truncated and damaged samples', () => {
      const damaged = fc
        .record({ sample: fc.constantFrom(...samples), keep: fc.nat(), at: fc.nat(), byte: fc.nat(255) })
        .map(({ sample, keep, at, byte }) => {
          const raw = Uint8Array.from(sample.subarray(0, sample.length - (keep % (sample.length + 1))));
          if (raw.length > 0) raw[at % raw.length] = byte;
          return raw;
        });
      fc.assert(fc.property(damaged, (raw) => readsOrRefuses(raw)));
    });

    it('finds large values within the bytes, in order and apart', () => {
      for (const raw of samples) {
        let end = 0;
        for (const [from, to] of format.largeValues?.(raw, 1) ?? []) {
          expect(from).toBeGreaterThanOrEqual(end);
          expect(to).toBeGreaterThan(from);
          end = to;
        }
        expect(end).toBeLessThanOrEqual(raw.length);
      }
    });

    function readsOrRefuses(raw: Uint8Array): void {
      try {
        roundTrip(raw);
      } catch (thrown) {
        if (!(thrown instanceof HubError)) throw thrown;
        expect(['decode-failed', 'encode-failed']).toContain(thrown.code);
        expect(thrown.kind).toBe('permanent');
      }
    }
  });
}
