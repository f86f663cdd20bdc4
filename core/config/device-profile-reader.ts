import type { NamedDevices } from '../device-profile.ts';
import type { ReferenceSources } from './references.ts';
import type { YamlFile } from './yaml-file.ts';

/** Reads a device profile; undefined where it is wrong, with its problems in `file`. */
export type DeviceProfileReader = (file: YamlFile, references: ReferenceSources) => NamedDevices | undefined;
