import { z } from 'zod';
import { authKeys, connectionKeys, headersKey } from '../../clients/http-client/config.ts';
import { responseActions } from '../../clients/http-client/status-table.ts';
import { byteSize } from '../../core/define.ts';
import { endpointName } from '../../core/endpoint-name.ts';
import { validationModes } from '../../core/finding.ts';

const setHere = ['accept', 'if-match', 'if-none-exist', 'prefer', 'x-request-id'];

/** What a channel says of a FHIR destination. */
export const config = z
  .strictObject({
    endpoint: endpointName('http').describe(
      'Name of the http endpoint in the environment file; its address is the base of the FHIR server.',
    ),
    interaction: z
      .enum(['auto', 'create', 'update', 'bundle'])
      .default('auto')
      .describe(
        '`create` posts each resource, `update` puts it at its id, `bundle` posts transaction and batch bundles and takes nothing else. `auto` does with each what it is for: such bundles are posted; what a `fhir` source received goes as it came, conditions included; of the rest, what has an id is put and what has none is posted.',
      ),
    identifier: z
      .string()
      .regex(/^[^\s|]+$/, 'a system like urn:oid:1.2.3')
      .optional()
      .describe(
        'System of the identifier by which the far end finds the resource: `create` is then conditional (`If-None-Exist`), `update` and `auto` are conditional updates, and neither makes a second resource when it is repeated. A resource without such an identifier is a dead letter.',
      ),
    validate: z
      .enum(validationModes)
      .default('off')
      .describe(
        'Looks for what is wrong by the definitions of R4 before anything is sent: `report` logs and counts it, `reject` also makes the message a dead letter.',
      ),
    prefer: z
      .enum(['minimal', 'representation', 'OperationOutcome'])
      .optional()
      .describe('What the far end is asked to answer with (`Prefer: return=…`); as it likes if absent.'),
    headers: headersKey(setHere).describe(
      'Headers beside those of FHIR, with places that are filled in: messageId, n, destination, effectId, channel, seq, key, receivedAt, meta.<name>. One that comes out empty is left out.',
    ),
    ...authKeys,
    ...connectionKeys,
    maxReplyBytes: byteSize()
      .default(16 * 1024 ** 2)
      .describe(
        'So much of an answer is kept; the rest is not read and the connection closed. The answer to a batch has to fit, for it says what became of each entry.',
      ),
    response: z
      .record(
        z.string().regex(/^(?:[2-5]\d\d|[2-5]xx|none)$/, 'a status like 409, a class like 4xx, or none'),
        z.enum(responseActions),
      )
      .default({})
      .describe(
        'What a status means: sent, retry, wait (for the whole destination) or dead-letter; also that of an entry of a batch. Where it does not say: 2xx sent; 408, 409, 425, 5xx and none retry; 3xx, 401, 403, 407, 429, 502, 503 and 504 wait; 501 and other 4xx dead-letter. A class stands behind every single status, those named here included.',
      ),
  })
  .refine(({ interaction, identifier }) => interaction !== 'bundle' || identifier === undefined, {
    error: 'the entries of a bundle say themselves how they are found',
    path: ['identifier'],
  });

export type FhirDestinationConfig = z.output<typeof config>;
