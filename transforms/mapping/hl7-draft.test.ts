import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtocolFault } from '../../protocols/fault.ts';
import { type Hl7Message, parse } from '../../protocols/hl7v2/message.ts';
import { compilePath } from '../../protocols/hl7v2/path.ts';
import { Hl7Draft } from './hl7-draft.ts';
import { Hl7View } from './hl7-view.ts';
import { hl7, MSH } from './testing/maps.ts';

const folder = new URL('../../test-fixtures/hl7v2/', import.meta.url);
const fixtures = readdirSync(folder).flatMap((name) => {
  const raw = readFileSync(new URL(name, folder));
  try {
    return name.endsWith('.hl7') ? [{ name, message: parse(raw) }] : [];
  } catch {
    return [];
  }
});

const draftOf = (message: Hl7Message) => new Hl7Draft(new Hl7View(message), undefined, false);

/** As `set` does with a path: the first segment that matches, or a new one at the end. */
function drafted(message: Hl7Message, edits: readonly (readonly [string, string])[]): Buffer | string {
  const draft = draftOf(message);
  try {
    for (const [text, value] of edits) {
      const path = compilePath(text);
      const raw = draft.written(value === '' ? undefined : value);
      let line = draft.lineFor(path);
      if (!line && path.segments.where.length === 0 && path.segments.index === 0 && raw !== '')
        line = draft.add(path.segment);
      if (!line && raw !== '') return 'hl7v2.no-target';
      if (line) draft.set(line, path, raw);
    }
    return Buffer.from(draft.finish().raw);
  } catch (fault) {
    if (fault instanceof ProtocolFault) return fault.code;
    throw fault;
  }
}

/** The same by way of the message's own edits, which the draft must agree with to the byte. */
function edited(message: Hl7Message, edits: readonly (readonly [string, string])[]): Buffer | string {
  let result = message;
  try {
    for (const [text, value] of edits) {
      // Emptying what is not there is nothing to do, here and in a map.
      if (value === '' && !result.has(text.slice(0, text.lastIndexOf('-')))) continue;
      result = result.set(text, value === '' ? undefined : value);
    }
    return Buffer.from(result.raw);
  } catch (fault) {
    if (fault instanceof ProtocolFault) return fault.code;
    throw fault;
  }
}

const shown = (result: Buffer | string) => (typeof result === 'string' ? result : result.toString('latin1'));

const segment = fc.constantFrom('PID', 'PV1', 'OBX', 'OBX[2]', 'MSH', 'ZZZ', 'NK1', 'OBX[3.1=2823-3]');
const path = fc
  .tuple(
    segment,
    fc.integer({ min: 3, max: 24 }),
    fc.constantFrom('', '[1]', '[2]'),
    fc.constantFrom('', '.1', '.3', '.2.2', '.4.1'),
  )
  // MSH-18 means more than text, see below.
  .filter(([name, field]) => !(name === 'MSH' && field === 18))
  .map(([name, field, repetition, place]) => `${name}-${field}${repetition}${place}`);
const value = fc.oneof(fc.constantFrom('', 'X', 'a^b', 'c|d&e~f\\g', '""', 'two\nlines'), fc.string({ maxLength: 12 }));

describe('a message that is being written', () => {
  it.for(fixtures)('is the same to the byte when nothing is written: $name', ({ message }) => {
    expect(Buffer.from(draftOf(message).finish().raw).equals(message.raw)).toBe(true);
  });

  it('has after any edits the bytes that edits of the message itself give', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...fixtures),
        fc.array(fc.tuple(path, value), { maxLength: 8 }),
        ({ message }, edits) => {
          const [ours, theirs] = [drafted(message, edits), edited(message, edits)];
          expect(shown(ours)).toBe(shown(theirs));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('never changes the message that it began with', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...fixtures),
        fc.array(fc.tuple(path, value), { maxLength: 5 }),
        ({ message }, edits) => {
          const before = Buffer.from(message.raw);
          drafted(message, edits);
          expect(before.equals(message.raw)).toBe(true);
        },
      ),
    );
  });

  it('chooses among repetitions and segments by what they hold, also by what was written just before', () => {
    const draft = draftOf(hl7(MSH, 'PID|||1^^^A^MR~2^^^B^SS', 'OBX|1||K', 'OBX|2||N'));
    const set = (text: string, raw: string) => draft.set(draft.line(compilePath(text))!, compilePath(text), raw);
    set('PID-3[5=SS].1', '22');
    set('OBX[3=N]-5', 'low');
    set('PID-3[2].5', 'PI');
    set('PID-3[5=PI].4', 'C');
    expect(draft.finish().text().split('\r').slice(1, 4)).toEqual([
      'PID|||1^^^A^MR~22^^^C^PI',
      'OBX|1||K',
      'OBX|2||N||low',
    ]);
    expect(() => set('PID-3[5=XX].1', '3')).toThrow('no repetition matches');
  });

  it('is written in the character set that it names in the end', () => {
    const draft = draftOf(parse(Buffer.from(`${MSH}||||||8859/1\rPID|||||M\xfcller\r`, 'latin1')));
    draft.set(draft.line(compilePath('MSH-18'))!, compilePath('MSH-18'), 'UNICODE UTF-8');
    const message = draft.finish();
    expect([message.charset, message.get('PID-5'), Buffer.from(message.raw).includes('Müller')]).toEqual([
      'utf-8',
      'Müller',
      true,
    ]);
  });
});
