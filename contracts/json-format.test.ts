import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { HubError } from '../core/errors.ts';
import { jsonFormat } from './json-format.ts';
import { topicNamed, topics } from './topics.ts';

const format = jsonFormat('test.v1', z.strictObject({ name: z.string(), size: z.int() }));

function thrownBy(action: () => unknown): HubError {
  try {
    action();
  } catch (thrown) {
    if (thrown instanceof HubError) return thrown;
  }
  throw new Error('no HubError was thrown');
}

describe('a JSON format', () => {
  it('gives back what it was given', () => {
    const value = { name: 'Grüße 🏥', size: 3 };
    expect(format.decode(format.encode(value), {})).toEqual(value);
  });

  it.for([
    ['not JSON', Buffer.from('{"name": "Doe"')],
    ['not UTF-8', Buffer.from('{"name": "D\u00f6e", "size": 1}', 'latin1')],
    ['of another shape', Buffer.from('{"name": "Doe", "size": "Doe", "more": "Doe"}')],
  ] as const)('says of what is %s where it is wrong, never what is there', ([, raw]) => {
    const error = thrownBy(() => format.decode(raw, {}));
    expect(error.code).toBe('decode-failed');
    expect(error.kind).toBe('permanent');
    expect(error.message).toMatch(/^decoding test\.v1: /);
    expect(error.message).not.toMatch(/Doe/);
  });

  it('refuses to write what nobody could read', () => {
    expect(thrownBy(() => format.encode({ name: 'Doe', size: 1.5 })).message).toBe(
      'encoding test.v1: size: invalid_type',
    );
  });
});

describe('the topics', () => {
  it('are found by name', () => {
    for (const topic of Object.values(topics)) expect(topicNamed(topic.name)).toBe(topic);
    expect(topicNamed('no.such.v1')).toBeUndefined();
  });

  it('are one for each contract, of its name; streams of parts of one come besides', () => {
    const all = Object.values(topics);
    for (const { format } of all) expect(all.map(({ name }) => name)).toContain(format.id);
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
  });
});
