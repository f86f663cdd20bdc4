import { defineConnector } from '../../core/define.ts';
import { config } from './config.ts';
import { EmailDestination } from './email-destination.ts';

/**
 * Sends each message as a mail. It is sent when the server has taken it (250 after DATA); a recipient or a mail that it refuses
 * with 5xx is the message's error, with 4xx it goes again. Without an answer after DATA nobody knows: the same mail goes again,
 * with the Message-ID made from the effect id, by which mailboxes drop the second one. Of a mail, subject and addresses are
 * seen by every server on its way: their places are filled in from meta only.
 */
export const email = defineConnector({
  type: 'email',
  summary: 'Sends each message as a mail, its payload as text or as an attachment (RFC 5321, RFC 5322).',
  accepts: 'any',
  batching: 'prefix',
  effect: 'atLeastOnce',
  maxBatch: 20,
  config,
  examples: [
    {
      title: 'A note to those on call',
      config: {
        endpoint: 'mail',
        from: 'weir@hospital.example',
        to: ['integration@hospital.example'],
        subject: 'Interface stopped: ${meta.alert.channel}',
      },
    },
    {
      title: 'A report to the practice that asked for it',
      config: {
        endpoint: 'mail',
        from: 'reports@hospital.example',
        to: ['${meta.practice.mail}'],
        cc: ['archive@hospital.example'],
        subject: 'Report',
        body: 'attachment',
        text: 'Please find the report attached.',
        attachmentName: 'report.pdf',
        contentType: 'application/pdf',
      },
    },
  ],
  create: (settings, context) => new EmailDestination(settings, context),
});
