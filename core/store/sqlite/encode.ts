import type { ErrorRecord } from '../../errors.ts';
import type { Meta } from '../../format.ts';
import { detach } from '../attachments.ts';
import type { NewMessage, Part, Settlement } from '../message-store.ts';
import { metaToColumns } from '../meta-columns.ts';
import { type PlacedContent, packContents } from '../packed-contents.ts';
import { contentLevels, partStatus, shapeWord } from '../shape.ts';
import { has } from './append.ts';
import type { Names } from './names.ts';
import type { SlabWriter } from './slab.ts';

/** Writes an append into the slab, in the order in which `Append.run` reads it. */
export function encodeAppend(
  slab: SlabWriter,
  names: Names,
  channel: string,
  batch: readonly NewMessage[],
  attachmentBytes: number,
): void {
  slab.u32(names.id(channel));
  slab.u32(batch.length);
  let bytes = 0;
  for (const message of batch) bytes += message.raw.length;
  slab.number(bytes);
  for (const message of batch) encodeMessage(slab, names, message, attachmentBytes);
}

function encodeMessage(slab: SlabWriter, names: Names, message: NewMessage, attachmentBytes: number): void {
  const { id, raw, receivedAt, dedupe, key, replayOf, only, fault } = message;
  const detached = message.large?.length ? detach(raw, message.large, attachmentBytes) : undefined;
  const attachments = detached?.attachments.length ? detached.attachments : undefined;
  slab.uuid(id);
  slab.number(receivedAt);
  slab.u32(
    (dedupe ? has.dedupe : 0) |
      (key !== undefined ? has.key : 0) |
      (replayOf !== undefined ? has.replayOf : 0) |
      (only ? has.only : 0) |
      (fault ? has.fault : 0) |
      (attachments ? has.attachments : 0),
  );
  encodeMeta(slab, names, message.meta);
  slab.u32(raw.length);
  if (detached) slab.pieces(detached.rest);
  else slab.bytes(raw);
  if (key !== undefined) slab.text(key);
  if (replayOf !== undefined) slab.uuid(replayOf);
  if (only) slab.text(JSON.stringify(only));
  if (fault) slab.text(encodeError(fault));
  if (attachments) {
    slab.u32(attachments.length);
    for (const { start, bytes } of attachments) {
      slab.u32(start);
      slab.bytes(bytes);
    }
  }
  if (dedupe) {
    slab.text(dedupe.key);
    slab.text(dedupe.contentHash);
  }
}

/** Writes settlements into the slab, in the order in which `Settle.run` reads them. */
export function encodeSettle(slab: SlabWriter, names: Names, channel: string, batch: readonly Settlement[]): void {
  slab.u32(names.id(channel));
  slab.u32(batch.length);
  for (const settlement of batch) encodeSettlement(slab, names, settlement);
}

function encodeSettlement(slab: SlabWriter, names: Names, settlement: Settlement): void {
  const { seq, version, content, type, error, parts } = settlement;
  let shape = '';
  let sentAt = -1;
  let times: number[] | undefined;
  let contents: PlacedContent[] | undefined;
  let details = 0;
  let queued = 0;
  for (let place = 0; place < parts.length; place++) {
    const part = parts[place]!;
    const plain = isPlain(part);
    const word = shapeWord(names.id(part.destination), part.n, plain ? part.status : 'detailed');
    shape = place === 0 ? word : `${shape} ${word}`;
    if (!plain) details++;
    if (part.status === 'queued') queued++;
    if (!plain || part.status !== 'sent') continue;
    if (sentAt < 0) sentAt = part.sentAt;
    else if (part.sentAt !== sentAt || times) times ??= [];
    if (content === 'full' && (part.bytes || part.reply)) (contents ??= []).push({ place, ...contentOf(part) });
  }
  if (times) for (const part of parts) if (part.status === 'sent' && isPlain(part)) times.push(part.sentAt);
  slab.number(seq);
  slab.u32(names.id(version));
  slab.u32(contentLevels.indexOf(content));
  slab.text(type);
  slab.text(error && encodeError(error));
  encodeMeta(slab, names, settlement.meta);
  const shapeId = names.idIfRoom(shape);
  slab.u32(shapeId);
  if (shapeId === 0) slab.text(shape);
  slab.number(sentAt);
  slab.text(times && JSON.stringify(times));
  slab.u32(details);
  slab.u32(queued);
  if (details > 0) for (const part of parts) if (!isPlain(part)) encodeDetails(slab, names, part);
  if (contents) slab.pieces(packContents(contents));
  else slab.bytes(undefined);
}

/** What the shape of a settlement says by itself. */
function isPlain(part: Part): part is Extract<Part, { readonly status: 'filtered' | 'sent' }> {
  return part.status === 'filtered' || (part.status === 'sent' && part.attempts === 1);
}

function encodeDetails(slab: SlabWriter, names: Names, part: Exclude<Part, { readonly status: 'filtered' }>): void {
  slab.u32(names.id(part.destination));
  slab.u32(part.n);
  slab.u32(part.status === 'queued' ? partStatus[part.queued] : partStatus[part.status]);
  slab.u32(part.attempts);
  slab.number(part.status === 'sent' ? part.sentAt : part.status === 'queued' ? (part.retryAt ?? -1) : -1);
  slab.text(part.status === 'sent' ? undefined : JSON.stringify(part.keys));
  slab.text(part.status !== 'sent' && part.error ? encodeError(part.error) : undefined);
  slab.bytes(part.bytes);
  slab.bytes(part.status === 'queued' ? undefined : part.reply);
}

function contentOf({ bytes, reply }: { readonly bytes?: Uint8Array; readonly reply?: Uint8Array }) {
  return { ...(bytes ? { bytes } : {}), ...(reply ? { reply } : {}) };
}

/** The id of the field names, 0 where the values are JSON, and the values, none where there is no meta. */
function encodeMeta(slab: SlabWriter, names: Names, meta: Meta | undefined): void {
  const columns = meta && metaToColumns(meta);
  const fields = columns?.fields === undefined ? 0 : names.idIfRoom(columns.fields);
  slab.u32(fields);
  slab.text(columns && (fields === 0 ? JSON.stringify(meta) : columns.values));
}

function encodeError({ code, kind, scope, message }: ErrorRecord): string {
  return JSON.stringify({ code, kind, scope, message });
}
