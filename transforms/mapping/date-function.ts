import { z } from 'zod';
import { type Zone, zoneNamed } from '../../core/time/zone.ts';
import { type Apply, defineFunction, type FunctionContext, invalid, textual } from './function.ts';
import { DatePattern, type Moment, precisions, readHl7, readIso, writeHl7, writeIso } from './moment.ts';
import { faultyValue } from './value.ts';

const way = z.string().min(1);

const dateArguments = z.strictObject({
  from: way
    .optional()
    .describe('How it is written: hl7, iso, or a pattern like dd.MM.yyyy; as the source’s format has it if absent.'),
  to: way
    .optional()
    .describe('How it is to be written: hl7, iso, or a pattern; as the result’s format has it if absent.'),
  zone: z.string().optional().describe('The IANA zone of times that say none; the map’s if absent.'),
  in: z.string().optional().describe('The IANA zone to write times in; the one that they have if absent.'),
  precision: z
    .enum(precisions)
    .optional()
    .describe('Leaves out what is finer; nothing is made up for what is coarser.'),
  offset: z.boolean().default(true).describe('Whether the zone is written, where it is known.'),
  twice: z
    .enum(['first', 'second', 'error'])
    .optional()
    .describe('What the hour means that the clock shows twice, when summer time ends; the map’s rule if absent.'),
  never: z
    .enum(['later', 'error'])
    .optional()
    .describe('What a time means that the clock never shows, when summer time begins; the map’s rule if absent.'),
  invalid: z.enum(['error', 'empty']).default('error').describe('What becomes of a text that is no date.'),
});

/** A date and time written in another way. A day stays a day in every zone: only times are converted. */
export const dateFunction = defineFunction(
  'date',
  'A date or time in another way of writing, or another zone.',
  z.union([way, dateArguments]),
  (given, context) => compileDate(typeof given === 'string' ? dateArguments.parse({ to: given }) : given, context),
);

const MINUTE_MS = 60_000;
const HOUR = precisions.indexOf('hour');

function compileDate(given: z.output<typeof dateArguments>, context: FunctionContext): Apply {
  const read = reader(given.from ?? context.dates.from);
  const write = writer(given.to ?? context.dates.to);
  const own = given.zone === undefined ? undefined : known(given.zone);
  const target = given.in === undefined ? undefined : known(given.in);
  const twice = given.twice ?? context.twice;
  const never = given.never ?? context.never;
  const finest = given.precision === undefined ? precisions.length : precisions.indexOf(given.precision);
  return textual((text, run) => {
    const zone = own ?? run.zone;
    let moment = read(text);
    if (!moment) {
      if (given.invalid === 'empty') return undefined;
      throw faultyValue('it is no date that is written so');
    }
    if (moment.precision >= HOUR) {
      if (moment.offset === undefined && zone) {
        const found = zone.offsetOf(moment.local, twice, never);
        if (!found) throw faultyValue(`the clock of ${zone.name} shows this time twice or never`);
        moment = moment.at(moment.local + found.later * MINUTE_MS, found.offset);
      }
      if (target) moment = inZone(moment, target);
      if (!given.offset) moment = moment.withoutOffset();
    }
    if (moment.precision > finest) moment = moment.cut(finest);
    return write(moment);
  });
}

function inZone(moment: Moment, zone: Zone): Moment {
  if (moment.offset === undefined) throw faultyValue('the time says no zone, and the map names none');
  const instant = moment.local - moment.offset * MINUTE_MS;
  const offset = zone.offsetAt(instant);
  return moment.at(instant + offset * MINUTE_MS, offset);
}

function reader(written: string): (text: string) => Moment | undefined {
  if (written === 'hl7') return readHl7;
  if (written === 'iso') return readIso;
  const pattern = patternOf(written);
  return (text) => pattern.read(text);
}

function writer(written: string): (moment: Moment) => string {
  if (written === 'hl7') return writeHl7;
  if (written === 'iso') return writeIso;
  const pattern = patternOf(written);
  return (moment) => {
    const text = pattern.write(moment);
    if (text === undefined) throw faultyValue('it is less precise than the pattern to write it in');
    return text;
  };
}

function patternOf(written: string): DatePattern {
  try {
    return new DatePattern(written);
  } catch (thrown) {
    throw invalid(`hl7, iso or a pattern is needed: ${(thrown as Error).message}`);
  }
}

function known(name: string): Zone {
  const zone = zoneNamed(name);
  if (!zone) throw invalid(`there is no time zone ${name}: a name like Europe/Berlin is needed`);
  return zone;
}
