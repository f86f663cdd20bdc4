import { z } from 'zod';
import { charsetNamed } from '../../protocols/hl7v2/charset.ts';
import { ISSUE_CODES } from '../../protocols/hl7v2/schema/issue.ts';

const field = z.strictObject({
  name: z.string().optional().describe('What the field is called, for people.'),
  type: z.string().optional().describe('Its data type.'),
  required: z.boolean().optional().describe('Whether it has to be there.'),
  max: z.int().min(0).optional().describe('How often it may repeat; 0 for any number.'),
  length: z.int().min(0).optional().describe('The longest value.'),
  table: z.string().optional().describe('The table of its codes, by its four digits.'),
});

const conformance = z
  .strictObject({
    version: z
      .string()
      .regex(/^2\.\d(?:\.\d)?$/, 'a version like 2.5.1')
      .optional()
      .describe('The version by which messages are looked at, whatever MSH-12 says; that of MSH-12 if absent.'),
    segments: z
      .record(
        z.string(),
        z.strictObject({
          title: z.string().optional().describe('What the segment is called, for people.'),
          fields: z.record(z.string(), field).optional().describe('Its fields by number.'),
        }),
      )
      .optional()
      .describe('Segments of the site’s own (Z) with their fields, and what differs in the standard’s.'),
    tables: z
      .record(z.string(), z.array(z.string()).min(1))
      .optional()
      .describe('The codes of a table instead of the standard’s, by its four digits: what is not listed is an error.'),
    required: z
      .record(z.string(), z.array(z.string()))
      .optional()
      .describe('Segments that have to be there, by message structure (`ADT_A01`), or for `*` in every message.'),
    ignore: z
      .array(
        z.strictObject({
          code: z.enum(ISSUE_CODES).optional().describe('What kind of thing is passed over.'),
          path: z.string().optional().describe('Where, with all that is in it: `PID`, `PID-8`, `PID-3.4`.'),
        }),
      )
      .optional()
      .describe('What is not told.'),
  })
  .optional()
  .describe('What was agreed on beyond the standard: what `validation` of a channel looks for.');

const names = z.record(z.string().min(1), z.string().min(1)).optional();

/** What may differ from site to site of one sender. */
export const siteKeys = z.strictObject({
  zone: z
    .string()
    .refine(isZone, 'a time zone like Europe/Berlin')
    .optional()
    .describe('The IANA zone of times that say none; maps of the channel take it where they name no zone themselves.'),
  charset: z
    .string()
    .refine(
      (name) => charsetNamed(name) !== undefined,
      'a character set as HL7 table 0211 names it: 8859/1, UNICODE UTF-8',
    )
    .optional()
    .describe('The character set that the bytes are really in, as HL7 table 0211 names it; MSH-18 then says so.'),
  lineEnds: z
    .enum(['as-received', 'cr', 'join'])
    .optional()
    .describe(
      '`cr` makes CR of LF and CRLF; `join` also puts a line that begins with no segment’s name to the one before it, with `\\.br\\` between; `as-received` if absent.',
    ),
  aliases: z
    .strictObject({
      application: names.describe('Names in MSH-3.1, each with the one that takes its place.'),
      facility: names.describe('Names in MSH-4.1, each with the one that takes its place.'),
    })
    .optional()
    .describe('Names that the sender gives itself, and what channels know it by.'),
  conformance,
});

/** The keys of a sender profile of HL7 v2 messages. */
export const profileKeys = siteKeys.extend({
  sites: z
    .record(z.string().min(1), siteKeys)
    .optional()
    .describe('What is otherwise at one site, by MSH-4.1 as its alias has it.'),
});

export type SiteContent = z.output<typeof siteKeys>;
export type ProfileContent = z.output<typeof profileKeys>;

function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
