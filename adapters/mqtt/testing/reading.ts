import { onTestFinished, vi } from 'vitest';
import { TestBroker } from '../../../clients/mqtt/testing/broker.ts';
import type { Clock } from '../../../core/component.ts';
import type { AckPoint } from '../../../core/outcome.ts';
import { type EndpointInput, fakeSourceContext } from '../../../core/testing/contexts.ts';
import { wallClock } from '../../../core/testing/fake-clock.ts';
import type { FakeIntake } from '../../../core/testing/fake-intake.ts';
import { mqtt } from '../mqtt.ts';

type Config = Omit<Parameters<typeof mqtt>[0], 'endpoint'>;

export function brokerAt(server: { readonly address: string }): TestBroker {
  const broker = new TestBroker(server);
  onTestFinished(() => broker[Symbol.asyncDispose]());
  return broker;
}

/** Reads until the test ends. */
export function reading(
  endpoint: EndpointInput,
  intake: FakeIntake,
  config: Config,
  ackAfter: AckPoint = 'stored',
  clock: Clock = wallClock,
) {
  const drain = new AbortController();
  const context = fakeSourceContext({ ackAfter, endpoints: { far: endpoint }, clock });
  const source = mqtt({ endpoint: 'far', ...config }).create(context);
  const halt = new AbortController();
  const running = source.run(intake, { drain: drain.signal, halt: halt.signal });
  running.catch(() => undefined);
  const stop = async () => {
    drain.abort();
    await running;
  };
  onTestFinished(async () => {
    halt.abort();
    await stop().catch(() => undefined);
  });
  return { context, running, stop };
}

export const texts = (intake: FakeIntake): readonly string[] =>
  intake.arrivals.map(({ raw }) => Buffer.from(raw).toString());

export function arrived(intake: FakeIntake, count: number): Promise<void> {
  const all = (): void => {
    if (intake.arrivals.length < count) throw new Error(`${intake.arrivals.length} of ${count} have arrived`);
  };
  return vi.waitFor(all);
}

export function isReading({ context }: ReturnType<typeof reading>): Promise<void> {
  const now = (): void => {
    if (context.reported.at(-1)?.state !== 'reading') throw new Error('it does not read yet');
  };
  return vi.waitFor(now);
}
