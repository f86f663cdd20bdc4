import { z } from 'zod';
import { defineEnvelope } from '../../core/collect.ts';
import { joinBatch } from '../../protocols/hl7v2/join-batch.ts';
import { hl7v2 } from '../hl7v2.ts';

const party = (field: string) => z.string().optional().describe(`${field}; empty if absent.`);

const config = z.strictObject({
  file: z.boolean().default(true).describe('Put the batch into a file envelope (FHS, FTS) too.'),
  sendingApplication: party('BHS-3 and FHS-3'),
  sendingFacility: party('BHS-4 and FHS-4'),
  receivingApplication: party('BHS-5 and FHS-5'),
  receivingFacility: party('BHS-6 and FHS-6'),
  name: party('BHS-9 and FHS-9, the batch’s name or type'),
});

/** BHS and BTS around the messages, FHS and FTS around those, with their counts (HL7 2.5.1 §2.10.3). BHS-11 is the sequence. */
export const hl7Batch = defineEnvelope({
  type: 'hl7-batch',
  summary: 'HL7 batch: BHS and BTS around the messages, FHS and FTS around the batch, with right counts.',
  accepts: hl7v2 as never,
  contentType: 'application/hl7-v2',
  config,
  examples: [
    { title: 'A nightly batch of charges', config: { sendingApplication: 'HIS', receivingApplication: 'BILLING' } },
  ],
  wrap: (settings, parts, { sequence, at }) => {
    const fields = {
      3: settings.sendingApplication,
      4: settings.sendingFacility,
      5: settings.receivingApplication,
      6: settings.receivingFacility,
      9: settings.name,
    };
    const header = Object.fromEntries(
      Object.entries(fields).filter((each): each is [string, string] => each[1] !== undefined),
    );
    return joinBatch(parts, {
      now: at,
      controlId: String(sequence),
      header,
      ...(settings.file && { fileHeader: header }),
    });
  },
});
