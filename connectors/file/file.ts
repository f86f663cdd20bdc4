import { z } from 'zod';
import { defineConnector } from '../../core/define.ts';
import type { Destination, DestinationContext, WriteContext } from '../../core/destination.ts';
import { endpointName } from '../../core/endpoint-name.ts';
import { isNameTemplate, nameTemplate } from '../../core/files/name-template.ts';
import { appendFiles } from './appending.ts';
import { writeFiles } from './one-file-each.ts';

const config = z.strictObject({
  endpoint: endpointName('directory').describe(
    'Name of the directory endpoint that is written to. The directory is never made: it may be a mount.',
  ),
  name: z
    .string()
    .min(1)
    .refine(isNameTemplate, 'a name like ${receivedAt:yyyyMMdd}-${messageId}-${n}.hl7')
    .default('${messageId}-${destination}-${n}.msg')
    .describe(
      'Name of the file, with places that are filled in: messageId, n, destination, effectId, channel, seq, key, receivedAt:yyyyMMdd, meta.<name>.',
    ),
  mode: z
    .enum(['file', 'append'])
    .default('file')
    .describe('`file` makes one file for each message, `append` adds messages to the file of that name.'),
  exists: z
    .enum(['refuse', 'replace'])
    .default('refuse')
    .describe(
      'In mode file, when the name is taken: `refuse` makes the message an error unless the bytes are the same.',
    ),
  terminator: z.string().default('\n').describe('In mode append, what is written after each message.'),
  permissions: z
    .string()
    .regex(/^0?[0-7]{3}$/)
    .default('640')
    .describe('Permissions of new files in octal; the umask of the hub still applies.'),
});

/**
 * Writes messages to files: each to one of its own, which appears whole or not at all, or appended to a growing one. `sent` means
 * synced to disk. A retry has the same bytes and the same default name, so that it changes nothing; appending is at least once.
 * A directory that is full, read-only or away is a `destination` error: the message waits until it is back.
 */
export const file = defineConnector({
  type: 'file',
  summary: 'Writes each message to a file of its own, or appends messages to one.',
  accepts: 'any',
  batching: 'prefix',
  effect: 'atLeastOnce',
  maxBatch: 100,
  config,
  examples: [
    {
      title: 'One file for each message',
      config: { endpoint: 'archive', name: '${receivedAt:yyyyMMdd-HHmmss}-${messageId}-${n}.hl7' },
    },
    {
      title: 'One file for each day',
      config: { endpoint: 'archive', mode: 'append', name: '${channel}-${receivedAt:yyyyMMdd}.ndjson' },
    },
  ],
  create: fileDestination,
});

function fileDestination(settings: z.output<typeof config>, context: DestinationContext): Destination<unknown> {
  const { endpoint, exists, mode } = settings;
  const directory = context.endpoint('directory', endpoint).path;
  const nameOf = nameTemplate(settings.name);
  const permissions = Number.parseInt(settings.permissions, 8);
  const terminator = Buffer.from(settings.terminator);
  const mayBegin = ({ signal, notAfter }: WriteContext): boolean => !signal.aborted && performance.now() <= notAfter;
  return {
    write: (batch, write) =>
      mode === 'append'
        ? appendFiles(batch, write, { directory, endpoint, nameOf, terminator, permissions }, mayBegin)
        : writeFiles(batch, write, { directory, endpoint, nameOf, exists, permissions }, mayBegin),
    [Symbol.asyncDispose]: async () => {},
  };
}
