import { pipeline } from 'node:stream/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Busboy, type BusboyHeaders } from '@fastify/busboy';
import { Refusal } from '../../clients/http-server/refusal.ts';

/** One part of a form that is to be a message. */
export interface Part {
  readonly name: string;
  /** The last segment of what the sender calls the file; undefined for a field. */
  readonly filename: string | undefined;
  readonly contentType: string;
  readonly raw: Buffer;
}

export interface MultipartOptions {
  readonly part?: string | undefined;
  readonly maxParts: number;
}

const EMPTY = Buffer.alloc(0);
const SLICE_BYTES = 256 * 1024;
const MAX_PART_HEADER_BYTES = 8 * 1024;
const STUCK_TURNS = 50;

/**
 * The parts of a multipart/form-data body (RFC 7578) that are to be messages, in order: those of one name, or every file.
 * Throws Refusal 400 where the body is not what its boundary says, or holds no such part, and 413 where it holds too many.
 */
export async function partsOf(raw: Buffer, contentType: string, options: MultipartOptions): Promise<readonly Part[]> {
  const parts: Part[] = [];
  const problems: Refusal[] = [];
  const { part: wanted, maxParts } = options;
  let form: Busboy;
  try {
    form = new Busboy({
      headers: { 'content-type': contentType } as BusboyHeaders,
      // Every part is read as a file: a field's text would be decoded by a character set that the channel has not chosen.
      isPartAFile: () => true,
      limits: { parts: maxParts, headerPairs: 20, headerSize: MAX_PART_HEADER_BYTES, fileSize: raw.length + 1 },
    });
  } catch {
    throw malformed();
  }
  form.on('file', (name: string | undefined, stream, filename: string | undefined, _encoding, contentType) => {
    const chunks: Buffer[] = [];
    stream.on('error', () => problems.push(malformed()));
    if (wanted === undefined ? filename === undefined : name !== wanted) return stream.resume();
    const at = parts.length;
    const part: Part = { name: name ?? '', filename, contentType, raw: EMPTY };
    parts.push(part);
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => (parts[at] = { ...part, raw: Buffer.concat(chunks) }));
    return undefined;
  });
  form.on('partsLimit', () => problems.push(new Refusal(413, 'the form has too many parts')));
  const progress = { events: 0 };
  form.on('file', (_name, stream) => {
    progress.events++;
    stream.on('data', () => progress.events++).on('end', () => progress.events++);
  });
  try {
    await unlessStuck(pipeline(slices(raw, progress), form), progress);
  } catch {
    form.destroy();
    throw malformed();
  }
  if (problems[0]) throw problems[0];
  if (parts.length === 0) throw new Refusal(400, 'the form has no such part');
  if (parts.some((part) => part.raw.length === 0)) throw new Refusal(400, 'a part of the form is empty');
  return parts;
}

function* slices(raw: Buffer, progress: { events: number }): Generator<Buffer> {
  for (let at = 0; at < raw.length; at += SLICE_BYTES) {
    progress.events++;
    yield raw.subarray(at, at + SLICE_BYTES);
  }
}

/**
 * After some broken boundaries (`--b\0`) the parser neither ends nor fails. It waits for nothing but turns of the event loop, so
 * that one which has moved nothing for many of them never will.
 */
async function unlessStuck(parsing: Promise<void>, progress: { readonly events: number }): Promise<void> {
  let over = false;
  const ended = parsing.finally(() => {
    over = true;
  });
  ended.catch(() => undefined);
  for (let before = -1, idle = 0; !over && idle < STUCK_TURNS; idle++) {
    if (before !== progress.events) idle = 0;
    before = progress.events;
    await nextTurn();
  }
  if (!over) throw malformed();
  await ended;
}

function malformed(): Refusal {
  return new Refusal(400, 'the body is not the form that its content type says');
}
