import { dotted } from '../../core/config/yaml-file.ts';
import { build } from '../../protocols/hl7v2/build.ts';
import { charsetNamed } from '../../protocols/hl7v2/charset.ts';
import type { FieldInput } from '../../protocols/hl7v2/input.ts';
import type { Hl7Message } from '../../protocols/hl7v2/message.ts';
import { type MapContext, withKnownKeys } from './context.ts';
import { compileExpression } from './expression.ts';
import { mapFile } from './map-schema.ts';
import type { Run } from './run.ts';
import { asText, faultyValue } from './value.ts';

/** MSH-12 of a message that is built, where the map says nothing of it. */
export const BUILT_VERSION = '2.5.1';

const texts = [
  'type',
  'version',
  'processingId',
  'controlId',
  'sendingApplication',
  'sendingFacility',
  'receivingApplication',
  'receivingFacility',
] as const;

/**
 * Compiles `message:`, the header of a message that is built. What is wrong is noted in the file.
 * @param version what the map says elsewhere of the version, for a header that says none
 */
export function compileHeader(
  context: MapContext,
  given: Readonly<Record<string, unknown>>,
  version: string | undefined,
): (run: Run) => Hl7Message {
  const { file, source } = context;
  const keys = withKnownKeys(file, ['message'], given, Object.keys(mapFile.shape.message.unwrap().shape)) as Readonly<
    Record<string, unknown>
  >;
  const type = keys.type ?? (source.kind === 'hl7v2' ? { from: '/MSH-9' } : undefined);
  if (type === undefined) file.problem(['message'], 'key-missing', 'message.type is missing: ADT^A01^ADT_A01');
  const { charset } = keys;
  if (charset !== undefined && (typeof charset !== 'string' || !charsetNamed(charset)))
    file.problem(['message', 'charset'], 'value-invalid', `${dotted(['message', 'charset'])}: no known character set`);
  const reads = new Map(
    texts.flatMap((key) => {
      const value = key === 'type' ? type : keys[key];
      return value === undefined
        ? []
        : [[key, compileExpression(context, ['message', key], value, [], 0).read] as const];
    }),
  );
  const read = (run: Run, key: (typeof texts)[number]) => asText(reads.get(key)?.(run)) ?? '';
  return (run) => {
    const { receivedAt, id } = run.message;
    const { zone } = run;
    const [code = '', event, structure] = read(run, 'type').split('^');
    if (code === '') throw faultyValue('the message to build has no type');
    const field = (key: (typeof texts)[number]): FieldInput => read(run, key).split('^');
    return build({
      type: [code, event ?? '', structure ?? ''],
      controlId: read(run, 'controlId') || controlIdOf(id, run.output),
      now: receivedAt,
      ...(zone && { offsetMinutes: zone.offsetAt(receivedAt) }),
      version: (reads.has('version') && read(run, 'version')) || version || BUILT_VERSION,
      ...(reads.has('processingId') && { processingId: read(run, 'processingId') }),
      ...(typeof charset === 'string' && { charset }),
      sendingApplication: field('sendingApplication'),
      sendingFacility: field('sendingFacility'),
      receivingApplication: field('receivingApplication'),
      receivingFacility: field('receivingFacility'),
      segments: [],
    });
  };
}

/**
 * MSH-10 has 20 characters (HL7 2.5.1 §2.15.9.10), an id 32: its time, and what of its randomness has room, to which the number of the
 * output is added. The same message always gives the same one.
 */
export function controlIdOf(id: string, output: number): string {
  const digits = id.replaceAll(/[^0-9a-f]/gi, '');
  if (digits.length < 20) return `${id.slice(0, 20)}${output > 0 ? output : ''}`.slice(-20);
  const random = (Number.parseInt(digits.slice(-8), 16) + output) % 2 ** 32;
  return (digits.slice(0, 12) + random.toString(16).padStart(8, '0')).toUpperCase();
}
