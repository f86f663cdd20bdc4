import type { Finding } from './finding.ts';

/** Flat strings that travel with a message: `mqtt.topic`, `hl7.controlId`, `peer`, the W3C trace parent. */
export type Meta = Readonly<Record<string, string>>;

export const noMeta: Meta = Object.freeze({});

/** What a payload is, and how it becomes bytes and back. Ids decide compatibility, in YAML and TypeScript alike. */
export interface Format<T> {
  /** `hl7v2`, `fhir.r4.Bundle`, `billing.charge.v1`; `bytes` is compatible with nothing but itself. */
  readonly id: string;
  readonly contentType: string;
  /** Throws HubError `decode-failed`. May keep a view of `raw`; must not change it. */
  decode(raw: Uint8Array, meta: Meta): T;
  /** Throws HubError `encode-failed`. */
  encode(value: T): Uint8Array;
  /** What is wrong with a value by the definitions of the format. Never throws; tells places, never what stands there. */
  validate?(value: T): readonly Finding[];
  /** What bytes say they are for (`P`, `T`, `D`); undefined where they do not say it. Reads no more than it has to. Never throws. */
  processingId?(raw: Uint8Array): string | undefined;
  /** Byte ranges [start, end) of single values of at least `minBytes`, e.g. a PDF in OBX-5, that a store may keep beside the row. */
  largeValues?(raw: Uint8Array, minBytes: number): readonly (readonly [number, number])[];
}

export const bytes: Format<Uint8Array> = {
  id: 'bytes',
  contentType: 'application/octet-stream',
  decode: (raw) => raw,
  encode: (value) => value,
};
