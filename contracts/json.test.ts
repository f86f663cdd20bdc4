import { describe, expect, it } from 'vitest';
import { describeFormat } from '../core/testing/format-suite.ts';
import { json } from './json.ts';

describeFormat({
  format: json,
  samples: [Buffer.from('{"a":[1,"ü",null,true]}'), Buffer.from('"text"'), Buffer.from('1.5')],
});

describe('JSON of any shape', () => {
  it('tells what is not JSON without quoting it', () => {
    expect(() => json.decode(Buffer.from('{"name": Berger}'), {})).toThrow('decoding json: not JSON in UTF-8');
  });

  it('refuses what JSON cannot hold', () => {
    expect(() => json.encode(undefined as never)).toThrow('encoding json: not a JSON value');
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    expect(() => json.encode(cycle as never)).toThrow('encoding json: not a JSON value');
  });
});
