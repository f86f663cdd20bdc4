import { describe, expect, test } from 'vitest';
import { HubError } from '../../errors.ts';
import { analyst, eventually, farEnd, harnessPerTest, manualSource } from '../../testing/engine-harness.ts';
import { channelOf, until } from '../../testing/job-fixture.ts';
import { errorSignature, isOfCause } from './error-signature.ts';

const started = harnessPerTest();

describe('the signature of an error', () => {
  test('is the same whatever number or id stands in the text, and another one for another cause or code', () => {
    const of = (code: 'reply-negative' | 'write-failed', message: string) => errorSignature({ code, message });
    const one = of('reply-negative', 'sending order 17: AE, code 204');
    expect(one).toMatch(/^reply-negative\/[0-9a-f]{8}$/);
    expect(of('reply-negative', 'sending order 4711: AE, code 204')).toBe(one);
    expect(of('reply-negative', 'sending order 17: AE, code 205')).not.toBe(one);
    expect(of('write-failed', 'sending order 17: AE, code 204')).not.toBe(one);
    // Scripts and tickets hold signatures: they do not change with a version of Weir.
    expect(of('reply-negative', 'writing: AE')).toBe('reply-negative/8508e364');
  });

  test('asks for that cause, a code alone for every one of it', () => {
    const error = { code: 'reply-negative', message: 'sending order 17: AE' } as const;
    expect(isOfCause('reply-negative', error)).toBe(true);
    expect(isOfCause(errorSignature(error), error)).toBe(true);
    expect(isOfCause('reply-negative/00000000', error)).toBe(false);
    expect(isOfCause('reply', error)).toBe(false);
  });

  test('rule 22: a job by signature acts on the messages of that cause and leaves the others', async () => {
    const harness = await started();
    const { engine } = harness;
    const [source, far] = [manualSource(), farEnd()];
    const failed = (message: string) => new HubError('reply-negative', 'permanent', message);
    far.answer = ({ keys }) => {
      const text = keys[0] === 'k1' ? `sending order ${far.attempts.length}: no such ward` : 'sending: no such patient';
      return { status: 'error', error: failed(text) };
    };
    await channelOf(harness, source, far);
    await source.send('k1:1', 'k2:2', 'k1:3', 'k3:4', 'k1:5');
    const open = async () => (await engine.status())[0]?.counts.openErrors;
    await eventually(async () => (await open()) === 5);
    far.answer = () => ({ status: 'sent' });
    const error = errorSignature(failed('sending order 99: no such ward'));
    const filter = { channel: 'one', error };
    expect(await engine.jobs.preview({ verb: 'retry', filter })).toMatchObject({ matched: 3 });
    const { id } = await engine.jobs.create({ verb: 'retry', filter, rate: 1_000, confirmed: true }, analyst);
    expect(await until(harness, id, 'done')).toMatchObject({ matched: 3, done: 3, failed: 0 });
    await eventually(() => far.received.length === 3);
    expect(far.received.toSorted()).toEqual(['k1:1', 'k1:3', 'k1:5']);
    expect(await open()).toBe(2);
  });
});
