import { isAbsolute, normalize } from 'node:path';
import { z } from 'zod';
import { byteSize, defineAdapter } from '../../core/define.ts';
import { endpointName } from '../../core/endpoint-name.ts';
import { globTest } from '../../core/files/glob.ts';
import { bytes } from '../../core/format.ts';
import { fileSource } from './source.ts';

const below = z
  .string()
  .min(1)
  .refine(
    (path) => !isAbsolute(path) && !/^\.\.?(?:[\\/]|$)/.test(normalize(path)),
    'a path below the directory, like done',
  );

const config = z.strictObject({
  endpoint: endpointName('directory').describe(
    'Name of the directory endpoint whose files are read; its subdirectories are not.',
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
  pollMs: z.int().positive().default(1_000).describe('How often the directory is looked at, in milliseconds.'),
  settleMs: z
    .int()
    .min(0)
    .default(2_000)
    .describe('How long size and time of a file must have stood still before it is read; 0 reads it at first sight.'),
  split: z
    .enum(['none', 'hl7'])
    .default('none')
    .describe(
      '`hl7` makes a message of each HL7 message in the file, with or without FHS and BHS; `none` one of the file.',
    ),
  after: z
    .union([
      z.literal('delete'),
      z.strictObject({ move: below.describe('Directory below the endpoint’s that takes the file.') }),
    ])
    .default('delete')
    .describe('What happens to a file once all its messages are answered positively.'),
  errorDirectory: below
    .default('error')
    .describe('Directory below the endpoint’s for files that are refused, empty, too long, or wrong as a batch.'),
  maxBytes: byteSize()
    .default(64 * 1024 ** 2)
    .describe('A longer file is not read but moved to errorDirectory.'),
});

/**
 * Reads the files of a directory in order, and deletes or moves each when all its messages have reached the channel's `ackAfter`. Where the hub ends between the two, the file is read again at the next start (at least once); the name, time
 * and size of a file are its messages' dedupe key, so that `duplicates: detect` drops the second reading. Half-written files are
 * left alone: by their name (`.x`, `x.tmp`, `x.part`), and while they still change.
 */
export const file = defineAdapter({
  type: 'file',
  summary: 'Reads files from a directory and deletes or moves each once its messages are acknowledged.',
  produces: bytes,
  acknowledges: 'confirm',
  config,
  examples: [
    { title: 'Files of a laboratory, one message each', config: { endpoint: 'lab-drop', pattern: '*.hl7' } },
    {
      title: 'Nightly batches, kept after they were read',
      config: {
        endpoint: 'billing-drop',
        pattern: '*.{hl7,dat}',
        split: 'hl7',
        order: 'modified',
        after: { move: 'done' },
      },
    },
  ],
  resources: ({ endpoint }) => [`endpoint:${endpoint}`],
  create: (settings, context) => fileSource(settings, context),
});

function isGlob(pattern: string): boolean {
  try {
    globTest(pattern);
    return true;
  } catch {
    return false;
  }
}
