import type { ErrorRecord } from '../../../core/errors.ts';
import type { Meta } from '../../../core/format.ts';
import type { Part, Settlement } from '../../../core/store/message-store.ts';
import { metaToColumns } from '../../../core/store/meta-columns.ts';
import { type PlacedContent, packContents } from '../../../core/store/packed-contents.ts';
import { contentLevels, shapeWord } from '../../../core/store/shape.ts';
import type { Names } from './names.ts';

/** Meta as it is stored: `fields` is null where `values` is JSON, or there is none. */
export interface MetaValues {
  readonly fields: number | null;
  readonly values: string | null;
}

/** A settlement as its row holds it; words are numbers of `Names`. */
export interface PreparedSettlement {
  readonly settlement: Settlement;
  readonly version: number;
  readonly keep: number;
  readonly meta: MetaValues;
  /** 0 where `shapeText` is the shape. */
  readonly shape: number;
  readonly shapeText: string;
  readonly sentAt: number | null;
  /** JSON, where parts were sent at different times. */
  readonly times: string | null;
  /** Parts that have rows of their own. */
  readonly details: readonly DetailedPart[];
  readonly queued: number;
  readonly packed: readonly Uint8Array[] | undefined;
}

export type DetailedPart = Exclude<Part, { readonly status: 'filtered' }>;

const noMeta: MetaValues = { fields: null, values: null };
const noDetails: readonly DetailedPart[] = [];

export function preparedMeta(names: Names, meta: Meta | undefined): MetaValues {
  const columns = meta && metaToColumns(meta);
  if (!columns) return noMeta;
  // A text of PostgreSQL has no U+0000; in JSON it is escaped.
  const plain = columns.fields !== undefined && !columns.values.includes('\0');
  const fields = plain ? names.idIfRoom(columns.fields ?? '') : 0;
  return fields === 0 ? { fields: null, values: JSON.stringify(meta) } : { fields, values: columns.values };
}

export function preparedSettlement(names: Names, settlement: Settlement): PreparedSettlement {
  const { version, content, parts } = settlement;
  let shapeText = '';
  let sentAt = -1;
  let times: number[] | undefined;
  let contents: PlacedContent[] | undefined;
  let details: DetailedPart[] | undefined;
  let queued = 0;
  for (let place = 0; place < parts.length; place++) {
    const part = parts[place]!;
    const plain = isPlain(part);
    const word = shapeWord(names.id(part.destination), part.n, plain ? part.status : 'detailed');
    shapeText = place === 0 ? word : `${shapeText} ${word}`;
    if (!plain) (details ??= []).push(part);
    if (part.status === 'queued') queued++;
    if (!plain || part.status !== 'sent') continue;
    if (sentAt < 0) sentAt = part.sentAt;
    else if (part.sentAt !== sentAt) times ??= [];
    if (content === 'full' && (part.bytes || part.reply)) (contents ??= []).push({ place, ...contentOf(part) });
  }
  if (times) for (const part of parts) if (part.status === 'sent' && isPlain(part)) times.push(part.sentAt);
  return {
    settlement,
    version: names.id(version),
    keep: contentLevels.indexOf(content),
    meta: preparedMeta(names, settlement.meta),
    // A shape is of numbers: it is a word when all of them are known.
    shape: names.lacking ? 0 : names.idIfRoom(shapeText),
    shapeText,
    sentAt: sentAt < 0 ? null : sentAt,
    times: times ? JSON.stringify(times) : null,
    details: details ?? noDetails,
    queued,
    packed: contents && packContents(contents),
  };
}

export function errorText({ code, kind, scope, message }: ErrorRecord): string {
  return JSON.stringify({ code, kind, scope, message });
}

/** What the shape of a settlement says by itself. */
function isPlain(part: Part): part is Extract<Part, { readonly status: 'filtered' | 'sent' }> {
  return part.status === 'filtered' || (part.status === 'sent' && part.attempts === 1);
}

function contentOf({ bytes, reply }: { readonly bytes?: Uint8Array; readonly reply?: Uint8Array }) {
  return { ...(bytes ? { bytes } : {}), ...(reply ? { reply } : {}) };
}
