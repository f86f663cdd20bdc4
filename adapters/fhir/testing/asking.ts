import type { Receipt } from '../../../core/outcome.ts';
import { fakeIntake, positive } from '../../../core/testing/fake-intake.ts';
import { type Config, runSource } from './run-source.ts';

type Options = Parameters<typeof runSource>[2];

/** A source whose arrivals all get this receipt, and a way to ask it something below its base. */
export async function running(
  open: AsyncDisposableStack,
  config: Config = {},
  receipt: Receipt | undefined = positive,
  options: Options = {},
) {
  const intake = fakeIntake(() => receipt);
  const source = open.use(await runSource(intake, config, options));
  const ask = async (method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}) => {
    const response = await fetch(`${source.url}/fhir${path}`, {
      method,
      headers: { 'content-type': 'application/fhir+json', ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: (text === '' ? undefined : JSON.parse(text)) as never,
    };
  };
  return { intake, source, ask };
}
