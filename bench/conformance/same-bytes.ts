/**
 * Reads paths from its input, one a line, and prints the digest of the bundle that each message becomes: the other process
 * whose bytes must be the same. A file that gives none gives an empty line.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parse } from '../../protocols/hl7v2/message.ts';
import { converted } from './converted.ts';
import { digest } from './digest.ts';

for await (const path of createInterface({ input: process.stdin })) console.log(digestOf(path));

function digestOf(path: string): string {
  try {
    return digest(converted(parse(readFileSync(path))));
  } catch {
    return '';
  }
}
