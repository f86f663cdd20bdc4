import { expect, it } from 'vitest';
import { passing, refusal } from './errors.ts';
import { check } from './subscription.ts';
import { mqttTextFault } from './text.ts';

const refusals = [
  [0x84, /does not speak MQTT 5/, false],
  [0x85, /clientId$/, false],
  [0x86, /user, or its password/, false],
  [0x8b, /is stopping/, true],
  [0x8e, /same client id: clientId/, true],
  [0x9c, /host$/, false],
  [0xaf, /answered 0xaf/, false],
] as const;
it.for(refusals)('explains the reason code %i', ([code, text, passes]) => {
  const error = refusal(code, 'connecting');
  expect(error).toMatchObject({ kind: 'transient', scope: 'destination', message: expect.stringMatching(text) });
  expect(passing(error)).toBe(passes);
});

it('takes a subscription as granted only with the QoS that was asked for', () => {
  check(1, 1, 'subscriptions.0');
  expect(() => check(0, 1, 'subscriptions.0')).toThrow(/QoS 0 where 1 is asked: subscriptions\.0\.qos/);
  expect(() => check(0x87, 1, 'subscriptions.2')).toThrow(/may not read it.*subscriptions\.2/);
  expect(() => check(0xa2, 0, 'subscriptions.1')).toThrow(/wildcards: subscriptions\.1/);
});

it.for(['a\u0000', 'a\u007f', '\ud800', 'x'.repeat(65_536)])('knows what is no text of MQTT', (text) => {
  expect(mqttTextFault(text)).toMatch(/^(is longer|holds a character)/);
});

it('knows what is one', () => {
  expect(mqttTextFault('Zoë/😀')).toBeUndefined();
});
