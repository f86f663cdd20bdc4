import { z } from 'zod';
import { byteSize } from '../../core/define.ts';
import { endpointName } from '../../core/endpoint-name.ts';
import type { LinkOptions } from '../../protocols/astm/link-options.ts';

const time = (defaultMs: number) => z.int().min(10).max(3_600_000).default(defaultMs);

/** How the analyzer keeps the rules of the link; defaults are LIS01-A2. */
export const linkKeys = z
  .strictObject({
    checksum: z
      .enum(['verify', 'ignore'])
      .default('verify')
      .describe('`ignore` takes frames with any checksum: for analyzers that have it switched off.'),
    numbers: z
      .enum(['verify', 'ignore'])
      .default('verify')
      .describe('`ignore` takes frames with any number: for analyzers that miscount.'),
    messageEnd: z
      .enum(['terminator', 'frame'])
      .default('terminator')
      .describe('`frame` takes each text up to an ETX for a message: for analyzers that send no L record.'),
    maxMessageBytes: byteSize()
      .default(1_048_576)
      .describe('A longer message is refused frame by frame; its beginning is kept as a fault.'),
    sendTextBytes: z
      .int()
      .min(1)
      .max(63_993)
      .default(240)
      .describe('Text in a frame that is sent: 240 is taken by every analyzer, 63,993 by those of LIS01-A2.'),
    packing: z
      .enum(['record', 'message'])
      .default('record')
      .describe('`record` begins a frame with each record, as older analyzers need it; `message` fills frames.'),
    replyMs: time(15_000).describe('How long an answer to ENQ or to a frame is waited for; then EOT is sent.'),
    frameMs: time(30_000).describe('How long the next frame is waited for; then what came is incomplete.'),
    busyMs: time(10_000).describe('How long is waited after a NAK to ENQ.'),
    contentionMs: time(20_000).describe('How long the analyzer has for its ENQ when both wanted the line at once.'),
    quietMs: time(1_000).describe('After so much silence a frame without its end is over.'),
  })
  .prefault({})
  .describe('How this analyzer keeps the rules of the link, as far as it differs from LIS01-A2.');

export type LinkKeys = z.output<typeof linkKeys>;

/** Where the analyzer is: one of three. */
export const whereKeys = {
  endpoint: endpointName('tcp-listen')
    .optional()
    .describe('Name of the listening endpoint in the environment file, for analyzers that connect to the hub.'),
  connect: endpointName('tcp-connect')
    .optional()
    .describe('Name of the endpoint to connect to instead: an analyzer, or a device server with its serial line.'),
  port: endpointName('serial').optional().describe('Name of the serial endpoint instead: an analyzer on a cable.'),
} as const;

export interface Where {
  readonly endpoint?: string | undefined;
  readonly connect?: string | undefined;
  readonly port?: string | undefined;
}

export function linkOptions(keys: LinkKeys): LinkOptions {
  const { replyMs, frameMs, busyMs, contentionMs, quietMs, ...rest } = keys;
  return { role: 'host', ...rest, times: { replyMs, frameMs, busyMs, quietMs, hostContentionMs: contentionMs } };
}
