import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { readAlerts } from '../hub/alerts/alerts-file.ts';
import { conditions } from '../hub/alerts/conditions/index.ts';
import { shippedRegistry } from '../hub/registry.ts';
import { alertsPage, alertsSchema } from './alerts-page.ts';

const example = /```yaml\n([\s\S]+?)```/.exec(alertsPage())?.[1] ?? '';
const schema = z.fromJSONSchema(alertsSchema() as Parameters<typeof z.fromJSONSchema>[0]);
const taken = (text: string) => schema.safeParse(parse(text)).success;

it('the example of the page is what a hub takes, and what an editor takes', () => {
  const context = { registry: shippedRegistry(), endpoints: new Set(['mail']), channels: ['adt-inbound'] };
  expect(readAlerts('alerts.yaml', example, context)).toMatchObject({ ok: true });
  expect(schema.safeParse(parse(example)).error).toBeUndefined();
});

it('an editor takes every condition with nothing behind it, and refuses what is none', () => {
  for (const { type } of conditions) expect(taken(`rules: [{ ${type}: }]`)).toBe(true);
  expect(taken('rules: [{ queueDeep: { above: 5 } }]')).toBe(false);
  expect(taken('rules: [{ queueDepth: { over: 5 } }]')).toBe(false);
  expect(taken('rules: [{ storeFull: {}, channels: lab }]')).toBe(false);
  expect(taken('notify: [{ publish: {} }]')).toBe(false);
  expect(taken('notify: [{ publish: { topic: a }, severity: bad }]')).toBe(false);
  expect(taken('maintenance: [{ channels: a, from: 2026-01-01, reason: b }]')).toBe(false);
});
