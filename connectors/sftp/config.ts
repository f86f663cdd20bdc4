import { z } from 'zod';
import { endpointName } from '../../core/endpoint-name.ts';
import { isNameTemplate } from '../../core/files/name-template.ts';

/** What a channel says of an SFTP destination. */
export const config = z.strictObject({
  endpoint: endpointName('sftp').describe('Name of the sftp endpoint in the environment file.'),
  directory: z
    .string()
    .min(1)
    .default('.')
    .describe('Directory that is written to; a relative one starts where the user lands.'),
  createDirectories: z
    .boolean()
    .default(false)
    .describe('Makes the directory, and those above it, when it is missing; else messages wait until it is there.'),
  name: z
    .string()
    .min(1)
    .refine(isNameTemplate, 'a name like ${receivedAt:yyyyMMdd}-${messageId}-${n}.hl7')
    .default('${messageId}-${destination}-${n}.msg')
    .describe(
      'Name of the file, with places that are filled in: messageId, n, destination, effectId, channel, seq, key, receivedAt:yyyyMMdd, meta.<name>.',
    ),
  exists: z
    .enum(['refuse', 'replace'])
    .default('refuse')
    .describe('When the name is taken: `refuse` makes the message an error unless the bytes are the same.'),
  marker: z
    .string()
    .regex(/^[^/\\]+$/)
    .optional()
    .describe('Ending of an empty file that follows each file: with .done, x.hl7.done says that x.hl7 is complete.'),
  permissions: z
    .string()
    .regex(/^0?[0-7]{3}$/)
    .optional()
    .describe('Permissions of new files in octal, like 640; the server’s own if absent.'),
  connectTimeoutMs: z.int().positive().default(20_000).describe('Time for a connection, and again for the login.'),
  replyTimeoutMs: z
    .int()
    .positive()
    .default(60_000)
    .describe('Time for each answer of the server; then the connection is made anew and the message sent again.'),
  keepAliveMs: z
    .int()
    .min(0)
    .default(15_000)
    .describe('How often an idle server is asked whether it is still there; three silences end it. 0 never asks.'),
});

export type SftpDestinationConfig = z.output<typeof config>;
