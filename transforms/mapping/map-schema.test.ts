import { describe, expect, it } from 'vitest';
import { mapJsonSchema } from './map-schema.ts';

describe('the JSON Schema of maps', () => {
  const schema = JSON.stringify(mapJsonSchema());

  it('knows every verb and function, with what it does', () => {
    for (const word of [
      'set',
      'copy',
      'delete',
      'insert',
      'each',
      'let',
      'script',
      'fail',
      'upper',
      'substring',
      'table',
      'date',
    ])
      expect(schema).toContain(`"${word}"`);
    expect(schema).toContain('Capital letters.');
  });

  it('describes every key', () => {
    const missing: string[] = [];
    const walk = (value: unknown, path: string): void => {
      if (typeof value !== 'object' || value === null) return;
      const { properties } = value as { properties?: Record<string, { description?: string; $ref?: string }> };
      for (const [name, property] of Object.entries(properties ?? {}))
        if (typeof property === 'object' && !property.description && !property.$ref) missing.push(`${path}.${name}`);
      for (const [key, each] of Object.entries(value)) walk(each, `${path}.${key}`);
    };
    walk(mapJsonSchema(), '');
    expect(missing).toEqual([]);
  });
});
