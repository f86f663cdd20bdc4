import { describe, expect, it } from 'vitest';
import { HubError } from '../errors.ts';
import { guarded } from './step-guard.ts';

describe('the step guard', () => {
  it('runs what ends in time, and lets its errors pass', () => {
    let ran = 0;
    guarded(1_000, () => void ran++);
    expect(ran).toBe(1);
    const error = new TypeError('of the step');
    const fails = () => {
      throw error;
    };
    expect(() => guarded(1_000, fails)).toThrow(error);
    expect(() => guarded(0, fails)).toThrow(error);
  });

  it('rule 21: ends a loop that catches everything, and goes on', async () => {
    const told: string[] = [];
    const loops = () => {
      for (;;) {
        try {
          for (;;);
        } catch {
          told.push('catch');
        } finally {
          told.push('finally');
        }
      }
    };
    for (let time = 0; time < 2; time++) {
      const began = performance.now();
      expect(() => guarded(100, loops)).toThrow(HubError);
      expect(performance.now() - began).toBeGreaterThanOrEqual(95);
    }
    expect(told).toEqual([]);
    guarded(100, () => void told.push('next'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(told).toEqual(['next']);
  });

  it('under another guard ends with that one', () => {
    const told: string[] = [];
    const inner = () => {
      guarded(50, () => {
        const until = performance.now() + 100;
        while (performance.now() < until);
        told.push('inner');
      });
      for (;;);
    };
    expect(() => guarded(1_000, inner)).toThrow(/ended after 1000 ms|longer than 1000 ms/);
    expect(told).toEqual(['inner']);
  });

  it('does not end later what it no longer guards', async () => {
    guarded(50, () => undefined);
    const until = performance.now() + 200;
    while (performance.now() < until);
    expect(performance.now()).toBeGreaterThanOrEqual(until);
  });
});
