import { z } from 'zod';
import { defineEnvelope } from '../../core/collect.ts';

const line = (what: string) =>
  z
    .string()
    .optional()
    .describe(`${what}; \`{count}\`, \`{sequence}\`, \`{date}\` and \`{time}\` (UTC) stand for themselves.`);

const config = z.strictObject({
  header: line('The first line'),
  footer: line('The last line'),
  skipLines: z
    .int()
    .min(0)
    .default(0)
    .describe('Lines that every message but the first loses, e.g. 1 for the column names of delimited text.'),
  ending: z.enum(['lf', 'crlf', 'cr']).default('lf').describe('The end of each line that is added.'),
});

const endings = { lf: '\n', crlf: '\r\n', cr: '\r' } as const;
const lf = 0x0a;
const cr = 0x0d;

/** One message after the other, each ending its line. Bytes of messages are not changed. */
export const lines = defineEnvelope({
  type: 'lines',
  summary: 'One message after the other, each on lines of its own, between a header and a footer line.',
  contentType: 'text/plain',
  config,
  examples: [
    { title: 'Rows of one file, the column names once', config: { skipLines: 1 } },
    { title: 'A footer that counts', config: { footer: 'TRL|{count}|{sequence}', ending: 'crlf' } },
  ],
  wrap: ({ header, footer, skipLines, ending }, parts, { sequence, at }) => {
    const end = Buffer.from(endings[ending]);
    const time = new Date(at).toISOString();
    const words: Readonly<Record<string, string>> = {
      count: String(parts.length),
      sequence: String(sequence),
      date: time.slice(0, 10).replaceAll('-', ''),
      time: time.slice(11, 19).replaceAll(':', ''),
    };
    const written = (text: string) =>
      Buffer.from(text.replace(/\{(\w+)\}/g, (whole, name: string) => words[name] ?? whole));
    const pieces: Uint8Array[] = [];
    if (header !== undefined) pieces.push(written(header), end);
    for (const [index, part] of parts.entries()) {
      const rest = index === 0 ? part : withoutLines(part, skipLines);
      const last = rest.at(-1);
      pieces.push(rest);
      if (rest.length > 0 && last !== lf && last !== cr) pieces.push(end);
    }
    if (footer !== undefined) pieces.push(written(footer), end);
    return Buffer.concat(pieces);
  },
});

function withoutLines(part: Uint8Array, count: number): Uint8Array {
  let at = 0;
  for (let left = count; left > 0 && at < part.length; left--) {
    while (at < part.length && part[at] !== lf && part[at] !== cr) at++;
    at += part[at] === cr && part[at + 1] === lf ? 2 : 1;
  }
  return part.subarray(at);
}
