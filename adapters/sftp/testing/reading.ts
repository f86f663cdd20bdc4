import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { vi } from 'vitest';
import { type EndpointInput, type FakeSourceContext, fakeSourceContext } from '../../../core/testing/contexts.ts';
import type { FakeIntake } from '../../../core/testing/fake-intake.ts';
import { sftp } from '../sftp.ts';

export interface Run extends AsyncDisposable {
  readonly context: FakeSourceContext;
  /** Drains; resolves when the source has returned. */
  stop(): Promise<void>;
  halt(): Promise<void>;
}

/** A source that runs until the result is disposed of; it polls every 5 ms unless told otherwise. */
export function reading(
  intake: FakeIntake,
  endpoint: EndpointInput,
  config: Partial<Parameters<typeof sftp>[0]> = {},
): Run {
  const context = fakeSourceContext({ endpoints: { in: endpoint } });
  const drain = new AbortController();
  const halt = new AbortController();
  const source = sftp({ endpoint: 'in', pollMs: 5, ...config }).create(context);
  const running = source.run(intake, { drain: drain.signal, halt: halt.signal });
  const stop = async (): Promise<void> => {
    drain.abort();
    await running;
  };
  const stopNow = (): Promise<void> => {
    halt.abort();
    return stop();
  };
  return { context, stop, halt: stopNow, [Symbol.asyncDispose]: stopNow };
}

/** As a careful sender puts files down: whole, by a rename. */
export async function put(path: string, name: string, content: string): Promise<void> {
  await writeFile(join(path, `${name}.part`), content);
  await rename(join(path, `${name}.part`), join(path, name));
}

export function texts(intake: FakeIntake): readonly string[] {
  return intake.arrivals.map((each) => Buffer.from(each.raw).toString());
}

export async function eventually(check: () => void | Promise<void>): Promise<void> {
  await vi.waitFor(check, { interval: 5 });
}
