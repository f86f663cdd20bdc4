import { z } from 'zod';

/** What a map says of HL7 messages that it reads or writes, so that its paths can be checked. */
export const hl7v2Options = z.strictObject({
  version: z
    .string()
    .regex(/^2\.\d(?:\.\d)?$/, 'a version like 2.5.1')
    .optional()
    .describe('The version (MSH-12) whose definitions paths are checked against; if absent, a path may be of any.'),
  structures: z
    .array(z.string())
    .min(1)
    .optional()
    .describe('The message structures (MSH-9.3), such as ORU_R01: paths lead into segments of theirs. Any if absent.'),
});
