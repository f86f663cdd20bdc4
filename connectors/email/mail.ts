import { createHash } from 'node:crypto';
import MailComposer from 'nodemailer/lib/mail-composer';
import { HubError } from '../../core/errors.ts';
import type { Meta } from '../../core/format.ts';
import type { Outgoing } from '../../core/message.ts';
import { isAddress } from './address.ts';
import type { EmailConfig } from './config.ts';
import { type MetaTemplate, metaTemplate } from './meta-template.ts';

/** A mail as it goes over the wire, and to whom. */
export interface Mail {
  readonly from: string;
  readonly recipients: readonly string[];
  readonly bytes: Buffer;
}

/** Writes mails. Throws HubError `encode-failed`, permanent, where a message makes none: no address, or no text. */
export type Writer = (message: Outgoing<unknown>) => Promise<Mail>;

const longestSubject = 500;

/** The same message gives the same mail, byte for byte, whatever the attempt. */
export function mailWriter(config: EmailConfig): Writer {
  const { from, body, contentType } = config;
  const to = addressList(config.to, 'to');
  const cc = addressList(config.cc, 'cc');
  const subject = metaTemplate(config.subject);
  const text = metaTemplate(config.text);
  const attachmentName = metaTemplate(config.attachmentName);
  return async (message) => {
    const { meta, effectId, receivedAt } = message;
    const toAddresses = to(meta);
    const ccAddresses = cc(meta);
    const payload = Buffer.from(message.bytes.buffer, message.bytes.byteOffset, message.bytes.byteLength);
    const composer = new MailComposer({
      from: { name: '', address: from },
      to: toAddresses.map(bare),
      cc: ccAddresses.map(bare),
      subject: oneLine(subject(meta)).slice(0, longestSubject),
      date: new Date(receivedAt),
      messageId: messageIdOf(effectId, from),
      // RFC 3834 §5: nobody's absence note answers it.
      headers: { 'Auto-Submitted': 'auto-generated' },
      text: asItIs(body === 'text' ? textOf(payload) : text(meta)),
      ...(body === 'attachment' && {
        attachments: [{ content: payload, contentType, filename: fileName(attachmentName(meta)) }],
      }),
      baseBoundary: createHash('sha256').update(effectId).digest('hex').slice(0, 32),
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    return {
      from,
      recipients: [...new Set([...toAddresses, ...ccAddresses])],
      bytes: await composer.compile().build(),
    };
  };
}

/** By the effect id a retry is known to be the same, and a replay to be another (rule 22). */
export function messageIdOf(effectId: string, from: string): string {
  return `<${effectId.replaceAll(/[^\w/-]/g, '_').replaceAll('/', '.')}@${from.slice(from.indexOf('@') + 1)}>`;
}

function addressList(templates: readonly string[], field: 'to' | 'cc'): (meta: Meta) => readonly string[] {
  const filled: readonly MetaTemplate[] = templates.map(metaTemplate);
  return (meta) =>
    filled.map((template) => {
      const address = template(meta).trim();
      if (isAddress(address)) return address;
      throw new HubError('encode-failed', 'permanent', `filling in ${field}: what meta gives is not one address`);
    });
}

/** Any other encoding would change the line breaks: those of HL7 are bare carriage returns. */
function asItIs(text: string): string | { content: string; contentTransferEncoding: string } {
  return text === '' ? '' : { content: text, contentTransferEncoding: 'base64' };
}

function bare(address: string): { name: string; address: string } {
  return { name: '', address };
}

function textOf(payload: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(payload);
  } catch (thrown) {
    throw new HubError('encode-failed', 'permanent', 'writing the text: the payload is not UTF-8', { cause: thrown });
  }
}

function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
}

function fileName(name: string): string {
  const safe = name.replaceAll(/[^\p{L}\p{N} ._-]/gu, '_');
  return safe === '' || safe.startsWith('.') ? `_${safe}` : safe;
}
