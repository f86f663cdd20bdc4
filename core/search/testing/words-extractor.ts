import { HubError } from '../../errors.ts';
import type { Extractor } from '../extractor.ts';

const textOf = (raw: Uint8Array | undefined) => (raw ? Buffer.from(raw).toString() : '');
const words = (text: string) => text.split(' ').filter((word) => word !== '');

const placed = (number: number, word: string) => `${number}=${word.trim().toLowerCase()}`;

/** For tests: every word is an identifier, the first of them the control id; its number is its path. One that contains `unreadable` throws. */
export function wordsExtractor(): Extractor {
  return {
    received: ({ raw, key, meta }) => {
      if (textOf(raw).includes('unreadable')) throw new Error('unreadable');
      return [...words(textOf(raw)), ...(key === undefined ? [] : [key]), ...(meta.control ? [meta.control] : [])];
    },
    sent: ({ bytes, reply, effectId }) => [...words(textOf(bytes)), ...words(textOf(reply)), effectId],
    origins: (meta) => (meta.origin === undefined ? [] : [meta.origin]),
    places: ({ raw }) => words(textOf(raw)).map((word, at) => placed(at + 1, word)),
    at: (path, value) => {
      if (!/^[1-9]$/.test(path)) throw new HubError('not-allowed', 'permanent', 'finding by path: it is none');
      const wanted = placed(Number(path), value);
      return {
        places: [wanted],
        text: value.trim(),
        isIdentifier: path === '1',
        has: ({ raw }) => words(textOf(raw)).some((word, at) => placed(at + 1, word) === wanted),
      };
    },
    text: ({ raw }) => textOf(raw),
    describe: ({ raw }) => ({ controlId: words(textOf(raw))[0] ?? '' }),
    describePart: ({ reply }) => (reply ? { ackCode: textOf(reply) } : {}),
  };
}
