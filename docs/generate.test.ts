import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { pages } from './every-page.ts';

const channels = join(import.meta.dirname, '..', 'channels');

describe('npm run docs', () => {
  const written = pages();

  it('leaves no page and no schema that the components do not say', () => {
    const found = ['reference', 'schemas'].flatMap((folder) =>
      readdirSync(join(import.meta.dirname, folder)).map((name) => `${folder}/${name}`),
    );
    expect(found.toSorted()).toEqual([...written.keys()].toSorted());
  });

  it.for([...written])('changes nothing in %s', ([path, text]) => {
    expect(readFileSync(join(import.meta.dirname, path), 'utf8')).toBe(text);
  });
});

describe('the JSON Schemas', () => {
  const schema = (name: string) => z.fromJSONSchema(JSON.parse(pages().get(`schemas/${name}.schema.json`) ?? ''));
  const yaml = (path: string): Record<string, unknown> => parse(readFileSync(join(channels, path), 'utf8'));
  const order = yaml('orders-to-lab.channel.yaml');

  it('take the shipped channel and the shipped environment', () => {
    expect(schema('channel').safeParse(order).error).toBeUndefined();
    expect(schema('environment').safeParse(yaml('env/demo.yaml')).error).toBeUndefined();
  });

  it('refuse an unknown key, an unknown component, and a wrong value inside a component', () => {
    const refuses = (change: Readonly<Record<string, unknown>>) =>
      !schema('channel').safeParse({ ...order, ...change }).success;
    expect(refuses({ akcAfter: 'stored' })).toBe(true);
    expect(refuses({ source: { mlp: { endpoint: 'lab-in' } } })).toBe(true);
    expect(refuses({ source: { mllp: { endpoint: 'lab-in', maxConnections: 0 } } })).toBe(true);
    expect(refuses({ destinations: { lab: { to: { mllp: {} } } } })).toBe(true);
  });
});
