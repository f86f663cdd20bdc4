import { z } from 'zod';
import type { SenderProfile } from '../profile.ts';
import type { YamlFile } from './yaml-file.ts';

/** How profiles of the senders of one format are read. */
export interface ProfileFormat {
  /** The format's id: `hl7v2`. */
  readonly format: string;
  /** Its keys, beside those that every profile has. */
  readonly keys: z.ZodObject;
  /** Reads what one file says; undefined where it is wrong, with its problems in `file`. */
  read(file: YamlFile, value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> | undefined;
  /** @param content of the file, over that of the files that it extends */
  create(name: string, content: Readonly<Record<string, unknown>>, source: SenderProfile['source']): SenderProfile;
}

/** The keys of a `*.profile.yaml`, whatever its format. */
export const profileFileKeys = z.strictObject({
  profile: z.string().describe('The profile’s name: that of the file.'),
  extends: z.string().optional().describe('A profile that holds where this one says nothing. Mappings are merged.'),
  source: z
    .record(z.string(), z.record(z.string(), z.unknown()))
    .optional()
    .describe(
      'Defaults of the source’s configuration by its type, e.g. how this sender is acknowledged; what a channel says itself comes first.',
    ),
});
