import type { Gate } from './gates.ts';

/** A part of `npm run bench:devices`. */
export interface DevicesPart {
  readonly name: string;
  readonly title: string;
  measure(): Promise<readonly Gate[]>;
}
