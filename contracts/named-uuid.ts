import { hash } from 'node:crypto';

/** A UUID of a kind of its own (version 8, RFC 9562 §5.8) from a text: the same text, the same one. */
export function namedUuid(text: string): string {
  const hex = hash('sha1', text, 'hex');
  const digit = hex.charCodeAt(16);
  const variant = '89ab'[(digit < 0x60 ? digit : digit - 0x57) & 3]!;
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
