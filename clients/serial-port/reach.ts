import type { Clock } from '../../core/component.ts';
import { openLine } from './open-line.ts';
import type { PortSettings } from './port-settings.ts';

/** Opens the line and closes it again; resolves with what is there, in words. Rejects with HubError that says what is wrong. */
export async function reachPort(settings: PortSettings, clock: Clock, timeoutMs: number): Promise<string> {
  const line = await openLine(settings, { clock, timeoutMs, signal: new AbortController().signal });
  await line.close();
  return `${settings.path} can be opened`;
}
