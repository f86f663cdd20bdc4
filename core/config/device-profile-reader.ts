import type { ReferenceSources } from './references.ts';
import type { YamlFile } from './yaml-file.ts';

/** What the loader knows of a device profile; the rest is between contracts and components. */
export interface NamedDevices {
  readonly name: string;
  readonly devices: readonly { readonly id: string }[];
}

/** Reads a device profile; undefined where it is wrong, with its problems in `file`. */
export type DeviceProfileReader = (file: YamlFile, references: ReferenceSources) => NamedDevices | undefined;
