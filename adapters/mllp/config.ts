import { z } from 'zod';
import { byteSize } from '../../core/define.ts';
import { endpointName } from '../../core/endpoint-name.ts';

const acknowledgement = z.strictObject({
  mode: z
    .enum(['header', 'original', 'none'])
    .default('header')
    .describe(
      '`header` answers as MSH-15 and MSH-16 ask; `original` once with AA, AE or AR whatever they say; `none` never.',
    ),
  application: z.string().optional().describe('MSH-3 of the acknowledgements, instead of the MSH-5 of the message.'),
  facility: z.string().optional().describe('MSH-4 of the acknowledgements, instead of the MSH-6 of the message.'),
});

/** What a channel says of an MLLP source. */
export const config = z
  .strictObject({
    endpoint: endpointName('tcp-listen').optional().describe('Name of the listening endpoint in the environment file.'),
    connect: endpointName('tcp-connect')
      .optional()
      .describe('Name of the endpoint to dial out to, for senders that wait to be called; instead of `endpoint`.'),
    maxConnections: z
      .int()
      .positive()
      .default(200)
      .describe(
        "Connections kept open; beyond it the same peer's oldest one is closed, or the new one where it has none.",
      ),
    maxMessageBytes: byteSize()
      .default(64 * 1024 ** 2)
      .describe('A longer message is answered with AR and its beginning kept as a fault.'),
    maxPipelined: z
      .int()
      .positive()
      .default(256)
      .describe('Unanswered messages of one connection; at so many nothing more is read from it.'),
    idleTimeoutMs: z
      .int()
      .positive()
      .optional()
      .describe('Closes a connection from which nothing has come for so long; never if absent.'),
    keepAliveMs: z
      .int()
      .min(0)
      .default(60_000)
      .describe('Silence after which TCP keep-alive asks whether the peer is still there; 0 never asks.'),
    faultsPerMinute: z
      .int()
      .min(0)
      .default(60)
      .describe('Framing faults and frames without MSH that are kept; a connection that brings more is closed.'),
    storeRefusal: z
      .enum(['close', 'AE', 'AR'])
      .default('close')
      .describe('What a sender gets while the store takes nothing: a negative code only if it resends on one.'),
    acknowledgement: acknowledgement.prefault({}).describe('What this sender expects of its acknowledgements.'),
  })
  .refine((value) => (value.endpoint === undefined) !== (value.connect === undefined), {
    error: 'either endpoint or connect',
  });

export type MllpSourceConfig = z.output<typeof config>;
