import type { Format, Meta } from './format.ts';

/** A file that was embedded in a message. */
export class Document {
  readonly bytes: Uint8Array;
  /** As a file would be called; it holds no separators. */
  readonly name: string;
  readonly contentType: string;

  constructor(bytes: Uint8Array, name: string, contentType: string) {
    this.bytes = bytes;
    this.name = name;
    this.contentType = contentType;
  }

  /** What travels with it: connectors write files as `${meta.document.name}`. */
  get meta(): Meta {
    return { 'document.name': this.name, 'document.type': this.contentType };
  }
}

/** Documents split off messages: their bytes are the file's own, name and type are in the meta. */
export const document: Format<Document> = {
  id: 'document',
  contentType: 'application/octet-stream',
  decode: (raw, meta) =>
    new Document(raw, meta['document.name'] ?? 'document', meta['document.type'] ?? 'application/octet-stream'),
  encode: ({ bytes }) => bytes,
};
