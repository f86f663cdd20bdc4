import { posix } from 'node:path';
import { z } from 'zod';
import { byteSize, defineAdapter } from '../../core/define.ts';
import { endpointName } from '../../core/endpoint-name.ts';
import { globTest } from '../../core/files/glob.ts';
import { bytes } from '../../core/format.ts';
import { sftpSource } from './source.ts';

const below = z
  .string()
  .min(1)
  .refine(
    (path) => !path.includes('\\') && !posix.isAbsolute(path) && !/^\.\.?(?:\/|$)/.test(posix.normalize(path)),
    'a path below the directory, like done',
  );

const config = z.strictObject({
  endpoint: endpointName('sftp').describe('Name of the sftp endpoint in the environment file.'),
  directory: z
    .string()
    .min(1)
    .default('.')
    .describe(
      'Directory whose files are read, its subdirectories are not; a relative one starts where the user lands.',
    ),
  pattern: z
    .string()
    .default('*')
    .refine(isGlob, 'a pattern like *.hl7 or *.{hl7,txt}')
    .describe('Which file names are read: `*`, `?`, `[a-z]`, `{hl7,txt}`; letters count as they are written.'),
  order: z
    .enum(['name', 'modified'])
    .default('name')
    .describe('Which of several files comes first: the one first by name, or the one changed longest ago.'),
  pollMs: z.int().positive().default(10_000).describe('How often the directory is looked at, in milliseconds.'),
  ready: z
    .union([
      z.literal('still'),
      z.strictObject({
        marker: z
          .string()
          .regex(/^[^/\\]+$/)
          .describe('Ending of the file that says so: with .done, x.hl7 is read once x.hl7.done is there.'),
      }),
    ])
    .default('still')
    .describe(
      'When a file is complete: size and time are the same at two polls, `pollMs` apart, or a marker file is beside it.',
    ),
  after: z
    .union([
      z.literal('delete'),
      z.strictObject({ move: below.describe('Directory below `directory` that takes the file; made when missing.') }),
    ])
    .default('delete')
    .describe('What happens to a file once it is answered positively; its marker file is deleted.'),
  errorDirectory: below
    .default('error')
    .describe('Directory below `directory` for files that are refused, empty or too long; made when missing.'),
  maxMessageBytes: byteSize()
    .default(64 * 1024 ** 2)
    .describe('A longer file is not read but moved to errorDirectory.'),
  connectTimeoutMs: z
    .int()
    .positive()
    .default(20_000)
    .describe('Time for a connection, and again for the login; then it is tried anew.'),
  replyTimeoutMs: z
    .int()
    .positive()
    .default(60_000)
    .describe('Time for each answer of the server; then the connection is made anew.'),
  keepAliveMs: z
    .int()
    .min(0)
    .default(15_000)
    .describe('How often an idle server is asked whether it is still there; three silences end it. 0 never asks.'),
});

/**
 * Reads the files of a directory on an SSH server in order, one message each, and deletes or moves each when it has reached the
 * channel's `ackAfter`. Where connection or hub end between the two, the move is made up for, or the file is read again at the
 * next start (at least once); name, size and time of a file are its dedupe key, so that `duplicates: detect` drops the second
 * reading. Half-written files are left alone: by their name (`.x`, `x.tmp`, `x.part`), and by `ready`.
 */
export const sftp = defineAdapter({
  type: 'sftp',
  summary: 'Reads files from a directory of an SFTP server and deletes or moves each once it is acknowledged.',
  produces: bytes,
  acknowledges: 'confirm',
  config,
  examples: [
    {
      title: 'Results of a laboratory, one message each',
      config: { endpoint: 'lab-sftp', directory: '/outgoing', pattern: '*.hl7' },
    },
    {
      title: 'A sender that says with x.done that x is complete, its files kept after they were read',
      config: { endpoint: 'billing-sftp', order: 'modified', ready: { marker: '.done' }, after: { move: 'read' } },
    },
  ],
  resources: ({ endpoint, directory }) => [`sftp:${endpoint}:${posix.join(directory, '.').replace(/(?<=.)\/$/, '')}`],
  create: (settings, context) => sftpSource(settings, context),
});

function isGlob(pattern: string): boolean {
  try {
    globTest(pattern);
    return true;
  } catch {
    return false;
  }
}
