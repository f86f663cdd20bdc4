import type { Extractor } from '../extractor.ts';

const textOf = (raw: Uint8Array | undefined) => (raw ? Buffer.from(raw).toString() : '');
const words = (text: string) => text.split(' ').filter((word) => word !== '');

/** For tests: every word is an identifier, the first of them the control id. One that contains `unreadable` throws. */
export function wordsExtractor(): Extractor {
  return {
    received: ({ raw, key, meta }) => {
      if (textOf(raw).includes('unreadable')) throw new Error('unreadable');
      return [...words(textOf(raw)), ...(key === undefined ? [] : [key]), ...(meta.control ? [meta.control] : [])];
    },
    sent: ({ bytes, reply, effectId }) => [...words(textOf(bytes)), ...words(textOf(reply)), effectId],
    origins: (meta) => (meta.origin === undefined ? [] : [meta.origin]),
    text: ({ raw }) => textOf(raw),
    describe: ({ raw }) => ({ controlId: words(textOf(raw))[0] ?? '' }),
    describePart: ({ reply }) => (reply ? { ackCode: textOf(reply) } : {}),
  };
}
