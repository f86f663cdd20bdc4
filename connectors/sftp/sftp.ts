import { defineConnector } from '../../core/define.ts';
import { config } from './config.ts';
import { SftpDestination } from './sftp-destination.ts';

/**
 * Uploads each message to a file of its own: under a temporary name (`.<effect id>.tmp`), synced where the server can, then
 * renamed, so that readers see it whole or not at all. A retry begins the temporary file anew and has the same name, so that it
 * changes nothing. A server that is full, away or does not let us in or write is a `destination` error: the message waits.
 */
export const sftp = defineConnector({
  type: 'sftp',
  summary: 'Uploads each message to a file of its own on an SFTP server.',
  accepts: 'any',
  batching: 'prefix',
  effect: 'atLeastOnce',
  maxBatch: 100,
  config,
  examples: [
    {
      title: 'One file for each message, in a directory that is made',
      config: { endpoint: 'registry', directory: '/incoming/adt', createDirectories: true, name: '${seq}.hl7' },
    },
    {
      title: 'A receiver that waits for x.done, and takes corrections of a file',
      config: { endpoint: 'billing', name: '${meta.file.name}', exists: 'replace', marker: '.done' },
    },
  ],
  create: (settings, context) => new SftpDestination(settings, context),
});
