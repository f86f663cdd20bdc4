import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ProtocolFault } from '../fault.ts';
import { acknowledge } from './ack.ts';
import { splitBatch } from './batch.ts';
import { readHeader } from './header.ts';
import { largeValues } from './large-values.ts';
import { type Hl7Message, parse } from './message.ts';
import { compilePath } from './path.ts';
import { readAck } from './read-ack.ts';
import type { Segment } from './segment.ts';

const fixtures = new URL('../../test-fixtures/hl7v2/', import.meta.url);
const corpus = new URL('../../../shared/data/hl7-corpus/', import.meta.url);
const files = [...messagesIn(fixtures), ...messagesIn(corpus)];
const notMessages = ['no-msh.hl7', 'truncated.hl7', 'batch-file.hl7', 'batch-wrong-count.hl7'];
const messages = files.filter(({ name }) => !notMessages.includes(name));

describe('every message of the fixtures and the corpus', () => {
  it.skipIf(!existsSync(corpus))(
    'is there to be read (the corpus lies beside the repository, where it lies at all)',
    () => {
      expect(files.length).toBeGreaterThan(600);
    },
  );

  it('parses and keeps its bytes', () => {
    for (const { raw } of messages) {
      const copy = Buffer.from(raw);
      const message = parse(raw);
      write(message);
      expect(message.raw).toBe(raw);
      expect(raw.equals(copy)).toBe(true);
    }
  });

  it('is the same to the byte when written again from its tree', () => {
    for (const { name, raw } of messages) {
      const message = parse(raw, { charset: '8859/1' });
      const again = Buffer.from(write(message), 'latin1');
      expect(again.equals(raw), name).toBe(true);
    }
  });

  it('has the same header for a reply as for a transform', () => {
    for (const { name, raw } of messages) {
      const message = parse(raw);
      const header = readHeader(raw)!;
      expect(
        [header.code, header.event, header.controlId, header.version, header.sendingApplication, header.acceptAckType],
        name,
      ).toEqual(['MSH-9.1', 'MSH-9.2', 'MSH-10', 'MSH-12.1', 'MSH-3', 'MSH-15'].map((path) => message.get(path) ?? ''));
    }
  });

  it('is changed by an edit in one place only', () => {
    for (const { name, raw } of messages) {
      const message = parse(raw, { charset: '8859/1' });
      const last = message.segments().length - 1;
      const control = message.get('MSH-10');
      const changed = message.set('MSH-10', 'changed|');
      expect(changed.get('MSH-10'), name).toBe('changed|');
      if (control) expect(Buffer.from(changed.set('MSH-10', control).raw).equals(raw), name).toBe(true);
      expect(changed.segments()[last]?.text, name).toBe(
        last === 0 ? changed.segments()[0]?.text : message.segments()[last]?.text,
      );
    }
  });
});

describe('mutated messages', () => {
  const random = generator(20_260_302);
  const seeds = messages.filter(({ raw }) => raw.length < 20_000);
  const paths = ['MSH-9.2', 'PID-3[5=MR].1', 'OBX[8=HH]-5', 'OBX[2]-5[2].1.2', 'ZZZ-1'].map(compilePath);

  it('throw nothing but a ProtocolFault, whatever is done with them', { timeout: 60_000 }, () => {
    let parsed = 0;
    for (let round = 0; round < 6_000; round++) {
      const raw = mutate(seeds[round % seeds.length]!.raw, random);
      const attempts = [
        () => use(parse(raw)),
        () => splitBatch(raw),
        () => readAck(raw),
        () => largeValues(raw, 1 + Math.floor(random() * 50)),
        () => readAck(acknowledge(raw, { code: 'AE', controlId: '1', now: 0, text: 'x|y' })),
      ];
      for (const attempt of attempts) {
        try {
          attempt();
          parsed++;
        } catch (fault) {
          if (!(fault instanceof ProtocolFault)) throw new Error(`round ${round}`, { cause: fault });
        }
      }
      readHeader(raw);
    }
    expect(parsed).toBeGreaterThan(10_000);
  });

  function use(message: Hl7Message): void {
    for (const path of paths) {
      message.get(path);
      message.all(path);
      message.has(path);
      message.keys(path);
    }
    write(message);
    const edits = [
      () => message.set('PID-5[2].2', 'ä|'),
      () => message.setAll('OBX-8', null),
      () => message.remove('PID-3[5=MR]'),
      () => message.remove('OBX'),
      () => message.insert({ after: 'PID' }, { name: 'NTE', fields: { 3: 'x\r' } }),
      () => message.append('PID-3', ['1', 'b']),
    ];
    for (const edit of edits) {
      try {
        edit().text();
      } catch (fault) {
        if (!(fault instanceof ProtocolFault)) throw fault;
      }
    }
  }
});

/** What stands between the segments is taken from the bytes; everything else from the leaves of the tree. */
function write(message: Hl7Message): string {
  const source = message.text();
  let written = '';
  let at = 0;
  for (const segment of message.segments()) {
    const start = source.indexOf(segment.text, at);
    written += source.slice(at, start) + writeSegment(segment, message);
    at = start + segment.text.length;
  }
  return written + source.slice(at);
}

function writeSegment(segment: Segment, { delimiters }: Hl7Message): string {
  const [bar, hat, tilde, amp] = [
    delimiters.field,
    delimiters.component,
    delimiters.repetition,
    delimiters.subcomponent,
  ].map((code) => (code < 0 ? '' : String.fromCharCode(code)));
  const fields: string[] = [];
  const first = segment.name === 'MSH' ? 2 : 1;
  for (let n = first; n <= segment.fieldCount; n++) {
    const repetitions = segment
      .field(n)
      .repetitions.map((repetition) =>
        repetition.components.map((part) => part.subcomponents.map(({ text }) => text).join(amp)).join(hat),
      );
    fields.push(repetitions.join(tilde));
  }
  const name = segment.text.split(bar!, 1)[0]!;
  return [name, ...fields].join(bar);
}

function messagesIn(folder: URL): { name: string; raw: Buffer }[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.hl7'))
    .sort()
    .map((name) => ({ name, raw: readFileSync(new URL(name.split('/').map(encodeURIComponent).join('/'), folder)) }));
}

function mutate(raw: Buffer, random: () => number): Buffer {
  const bytes = Buffer.from(raw);
  const spots = () => Math.floor(random() * bytes.length);
  const odd = '|^~\\&#\r\n"\0\x0b\x1c\xff\xc3MSHX';
  const times = 1 + Math.floor(random() * 8);
  for (let i = 0; i < times; i++) bytes[spots()] = odd.charCodeAt(Math.floor(random() * odd.length));
  if (random() < 0.3) return bytes.subarray(0, spots());
  if (random() < 0.2) return bytes.subarray(spots());
  if (random() < 0.3) return Buffer.concat([bytes.subarray(0, spots()), bytes.subarray(spots())]);
  return bytes;
}

/** The same numbers on every run (mulberry32): a failing round can be run again. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
