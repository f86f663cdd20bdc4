import type { ProfiledDevice } from '../../../contracts/device-profile/device-profile.ts';
import type { ContentOf } from '../../../contracts/device-profile/keys.ts';
import type { EndpointOf } from '../../../core/endpoint.ts';
import type { PlayedFault } from './fault-plan.ts';
import type { Episode, PlayedValues } from './played-values.ts';
import type { Way } from './way.ts';

export interface SimulateOptions {
  readonly devices: readonly ProfiledDevice[];
  readonly way?: Way | undefined;
  readonly broker?: EndpointOf<'mqtt'> | undefined;
  readonly episodes: readonly Episode[];
  readonly faults: readonly PlayedFault[];
  /** Milliseconds from one frame, publication or message to the next; as the kind of device has it if absent. */
  readonly everyMs?: number | undefined;
  /** Told once where the device is. */
  ready(where: string, port: number | undefined): void;
  /** Told of what went out or was answered: frames, requests, publications. */
  sent(count: number): void;
  readonly signal: AbortSignal;
}

/** What a played device shows, and what is wrong with it, at the moment. */
export interface Playing {
  readonly device: ProfiledDevice;
  values(): ReturnType<PlayedValues['at']>;
  isFaulty(kind: PlayedFault['kind']): boolean;
}

export type Of<K extends ProfiledDevice['content']['kind']> = Playing & {
  readonly device: ProfiledDevice & { readonly content: ContentOf<K> };
};
