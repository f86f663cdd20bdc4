import { onTestFinished, vi } from 'vitest';
import { Analyzer } from '../../../clients/astm-link/testing/analyzer.ts';
import { type FakeContextOptions, fakeSourceContext } from '../../../core/testing/contexts.ts';
import type { FakeIntake } from '../../../core/testing/fake-intake.ts';
import { loopbackListener } from '../../../core/testing/loopback-listener.ts';
import { astm } from '../astm.ts';

export type SourceConfig = Parameters<typeof astm>[0];

/** Times that a test can wait for. */
export const hasty = { replyMs: 1_500, frameMs: 600, busyMs: 150, contentionMs: 400, quietMs: 100 };

/** A source that runs until the test ends, on a port of its own unless told otherwise. */
export async function receiving(
  intake: FakeIntake,
  config: Omit<SourceConfig, 'endpoint'> & { readonly endpoint?: string } = {},
  options: FakeContextOptions = {},
) {
  const listener = await loopbackListener();
  const isElsewhere = config.connect !== undefined || config.port !== undefined;
  const context = fakeSourceContext({
    ...options,
    endpoints: { in: { kind: 'tcp-listen', listen: listener.port }, ...options.endpoints },
    listeners: { in: listener },
  });
  const link = { ...hasty, ...config.link };
  const drain = new AbortController();
  const halt = new AbortController();
  const source = astm({ ...(!isElsewhere && { endpoint: 'in' }), ...config, link }).create(context);
  const ended = source.run(intake, { drain: drain.signal, halt: halt.signal });
  const stop = async () => {
    drain.abort();
    halt.abort();
    await ended;
  };
  const analyzers: Analyzer[] = [];
  onTestFinished(async () => {
    await stop();
    for (const analyzer of analyzers) analyzer.close();
    await listener[Symbol.asyncDispose]();
  });
  const connect = async () => {
    const analyzer = await Analyzer.connect(listener.port);
    analyzers.push(analyzer);
    return analyzer;
  };
  return { context, connect, stop };
}

export const texts = (intake: FakeIntake): readonly string[] =>
  intake.arrivals.map(({ raw, fault }) => `${fault ? `${fault.code}: ` : ''}${Buffer.from(raw).toString('latin1')}`);

export function arrived(intake: FakeIntake, count: number): Promise<void> {
  const all = (): void => {
    if (intake.arrivals.length !== count) throw new Error(`${intake.arrivals.length} of ${count} have arrived`);
  };
  return vi.waitFor(all, { interval: 5 });
}
