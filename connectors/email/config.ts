import { z } from 'zod';
import { endpointName } from '../../core/endpoint-name.ts';
import { isAddress } from './address.ts';
import { isMetaTemplate } from './meta-template.ts';

const template = () => z.string().refine(isMetaTemplate, 'text with places like ${meta.file.name}');
const addresses = () => z.array(template().min(1));

/** What a channel says of an email destination. */
export const config = z.strictObject({
  endpoint: endpointName('smtp').describe('Name of the smtp endpoint in the environment file.'),
  from: z.string().refine(isAddress, 'an address like weir@hospital.example').describe('Address that it is sent from.'),
  to: addresses()
    .min(1)
    .describe('Addresses that it is sent to; each may have places like `${meta.ward.mail}` and is one address then.'),
  cc: addresses().default([]).describe('Addresses that get a copy, which everybody sees.'),
  subject: template().describe(
    'Subject, with places like `${meta.file.name}`; it travels, and is shown, in the clear.',
  ),
  body: z
    .enum(['text', 'attachment'])
    .default('text')
    .describe('Where the payload goes: into the text, for which it has to be UTF-8, or into an attached file.'),
  text: template().default('').describe('With body: attachment, the text beside it, with places like the subject’s.'),
  attachmentName: template()
    .default('message.dat')
    .describe('Name of the attached file, with places like the subject’s; characters that no file name has become _.'),
  contentType: z
    .string()
    .regex(/^[\w.+-]+\/[\w.+-]+$/, 'a media type like application/pdf')
    .default('application/octet-stream')
    .describe('Media type of the attached file.'),
  connectTimeoutMs: z
    .int()
    .positive()
    .default(30_000)
    .describe('Time for a connection, and again for greeting, TLS and login.'),
  sendTimeoutMs: z
    .int()
    .positive()
    .default(600_000)
    .describe(
      'Time for one message. A server that is given less than ten minutes may have sent what is then sent again.',
    ),
});

export type EmailConfig = z.output<typeof config>;
