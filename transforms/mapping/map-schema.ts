import { z } from 'zod';
import { delimitedOptions } from '../../contracts/delimited.ts';
import { fixedWidthOptions } from '../../contracts/fixed-width.ts';
import { functions } from './functions.ts';
import { hl7v2Options } from './hl7v2-options.ts';
import { unknownPolicy } from './table-function.ts';

/**
 * The keys of a map file. Reading goes level by level, so that each mistake is told once and at its own place; the JSON Schema for
 * editors is made of the same keys, nested.
 */
interface Inner {
  readonly expression: z.ZodType;
  readonly rules: z.ZodType;
  readonly steps: z.ZodType;
  readonly choice: z.ZodType;
}

/** Whatever stands there is read on its own; the title is for reference pages. */
const inner = (title: string) => z.unknown().meta({ title });

const filter = z
  .record(z.string(), z.unknown())
  .describe('Only where this holds; the words of channel filters: PATH: value, PATH: [a, b], not, any, all, exists.');
const path = z.string().min(1);
const paths = z.union([path, z.array(path).min(1)]);
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

function choiceKeys({ expression }: Inner) {
  return z.strictObject({ when: filter.optional(), use: expression.describe('The value then.') });
}

function expressionKeys({ expression, steps, choice }: Inner) {
  return {
    from: paths.optional().describe('The path of the value in the source; of several, the first that holds something.'),
    value: scalar
      .optional()
      .describe('A text; paths in it stand in curly brackets after a $. Null deletes ("" in HL7).'),
    join: z.array(expression).optional().describe('Values put together; empty ones are left out.'),
    with: z
      .union([z.string(), z.number()])
      .optional()
      .describe('What stands between the values of join; nothing if absent.'),
    choose: z
      .array(choice)
      .min(1)
      .optional()
      .describe('The first of these whose `when` holds; one without `when` always does.'),
    do: steps.optional().describe('Functions, applied one after the other.'),
    table: inner('a name, or as for the function')
      .optional()
      .describe('A code table to look the value up in, after `do`.'),
    unknown: unknownPolicy.optional(),
    date: inner('text, or as for the function')
      .optional()
      .describe('How the date is to be written: hl7, iso, a pattern, or from, to, zone, in, precision.'),
    default: scalar.optional().describe('The value where there would be none.'),
    whenEmpty: z
      .enum(['clear', 'keep', 'error'])
      .default('clear')
      .describe(
        'What becomes of the place when there is no value: it is emptied, stays as it is, or the message is an error.',
      ),
  };
}

function ruleKeys({ expression, rules }: Inner) {
  const fields = z.record(z.string(), expression).optional().describe('Its values, by path.');
  const when = { when: filter.optional() };
  return {
    set: z.strictObject({
      ...when,
      set: z.record(z.string(), expression).describe('Values, by the path in the result that they go to.'),
    }),
    copy: z.strictObject({
      ...when,
      copy: paths.describe('What is copied as it is: whole segments or fields of HL7, or a part of JSON.'),
      to: path.optional().describe('Where in the result it goes; the same place if absent.'),
    }),
    delete: z.strictObject({
      ...when,
      delete: paths.describe('What is taken out of the result: segments, fields, components, keys.'),
    }),
    insert: z.strictObject({
      ...when,
      insert: path.describe(
        'What is added: a segment (ZPI), a repetition (PID-3), an item of a list (orders), or a record.',
      ),
      after: paths
        .optional()
        .describe('The segment after which it goes: of several names the first that is there; the end if absent.'),
      before: paths.optional().describe('The segment before which it goes.'),
      fields,
    }),
    each: z.strictObject({
      ...when,
      each: path.describe(
        'What is gone through: segments (OBX), groups (ORDER_OBSERVATION), repetitions (PID-3), a list, or records.',
      ),
      with: z.array(path).optional().describe('Segments that belong to an item beside the one that begins it.'),
      as: z
        .string()
        .regex(/^[a-zA-Z]\w*$/)
        .optional()
        .describe('The name of the item in paths into JSON; `item` if absent.'),
      rules: rules.describe('The rules for each item.'),
    }),
    rules: z.strictObject({
      ...when,
      rules: rules.describe('The rules where `when` holds.'),
      else: rules.optional().describe('The rules where it does not.'),
    }),
    let: z.strictObject({
      ...when,
      let: z
        .record(z.string(), expression)
        .describe(
          'Values with names of your own, for later: $name. Each stays until it is set again, also from one item of a loop to the next.',
        ),
    }),
    script: z.strictObject({
      ...when,
      script: z
        .string()
        .describe(
          'A function of a TypeScript file beside the map: ./names.ts#tidy. It gets the result so far and gives the new one.',
        ),
      accepts: z.string().describe('The id of the format that it takes: that of the result.'),
      produces: z.string().describe('The id of the format that it gives: that of the result.'),
    }),
    fail: z.strictObject({
      ...when,
      fail: z.string().min(1).describe('Makes the message an error, with this reason. It can hold no paths.'),
    }),
  };
}

const formatKeys = z
  .union([
    z.string(),
    z.strictObject({ hl7v2: hl7v2Options.describe('HL7 v2 of which more is known.') }),
    z.strictObject({ delimited: delimitedOptions.describe('Delimited text.') }),
    z.strictObject({ fixedWidth: fixedWidthOptions.describe('Text of columns at fixed positions.') }),
  ])
  .describe('hl7v2, json, the id of a contract, or how a delimited or fixed-width file is written.');

function mapKeys({ expression, rules }: Inner) {
  const header = (what: string) => expression.optional().describe(what);
  return z.strictObject({
    map: z
      .string()
      .regex(/^[a-z0-9]+(?:[-.][a-z0-9]+)*$/, 'a name like adt-to-lab')
      .describe('The name of the map.'),
    description: z.string().optional().describe('What it is for.'),
    from: formatKeys,
    to: formatKeys,
    mode: z
      .enum(['edit', 'build'])
      .optional()
      .describe('HL7 to HL7: `edit` (the default) changes a copy of the source; `build` begins with MSH alone.'),
    zone: z.string().optional().describe('The IANA zone of times that say none; the sender profile’s if absent.'),
    twice: z
      .enum(['first', 'second', 'error'])
      .default('first')
      .describe(
        'What the hour means that the clock shows twice, when summer time ends: its first time (summer time), its second, or an error.',
      ),
    never: z
      .enum(['later', 'error'])
      .default('later')
      .describe(
        'What a time means that the clock never shows, when summer time begins: so much later (02:30 is 03:30), or an error.',
      ),
    substitute: z
      .string()
      .max(3)
      .optional()
      .describe('What is written for a character that the message’s character set does not have; an error if absent.'),
    message: z
      .strictObject({
        type: header('MSH-9: ADT^A01^ADT_A01; that of the source if absent.'),
        version: header('MSH-12; 2.5.1 if absent.'),
        processingId: header('MSH-11; P if absent.'),
        controlId: header('MSH-10; made of the message’s id if absent.'),
        charset: z.string().optional().describe('MSH-18, and what the message is encoded in; UNICODE UTF-8 if absent.'),
        sendingApplication: header('MSH-3.'),
        sendingFacility: header('MSH-4.'),
        receivingApplication: header('MSH-5.'),
        receivingFacility: header('MSH-6.'),
      })
      .optional()
      .describe('The header of a message that is built. MSH-7 is when the source was received.'),
    split: z
      .strictObject({
        each: path.describe('What becomes a result each, as in a rule: row, OBX, ORDER_OBSERVATION, orders.'),
        with: z.array(path).optional().describe('Segments that belong to an item beside the one that begins it.'),
        as: z.string().optional().describe('The name of the item in paths into JSON; `item` if absent.'),
        when: filter.optional(),
      })
      .optional()
      .describe('Makes a result of every item instead of one of the message. None: the message is filtered.'),
    rules: rules.describe('What is done, from top to bottom. Paths into the source always mean it as it came.'),
  });
}

const shallow: Inner = {
  expression: inner('a value'),
  rules: z.array(inner('rules')),
  steps: z.array(inner('functions')),
  choice: inner('choices'),
};

/** The keys at the top of a map, for reference pages. */
export const mapTop = mapKeys(shallow);

/** One level each; what is deeper is read on its own. */
export const mapFile = mapTop.extend({ from: z.string(), to: z.string() });
export const ruleSchemas = ruleKeys(shallow);
export const expressionSchema = z.strictObject(expressionKeys(shallow));
export const choiceSchema = choiceKeys(shallow);
export type Verb = keyof typeof ruleSchemas;

/** The JSON Schema of a `*.map.yaml` for editors. */
export function mapJsonSchema(): z.core.JSONSchema.JSONSchema {
  const named = [...functions.values()].map(({ name, arguments: given, bare, summary }) =>
    bare ? z.literal(name).describe(summary) : z.strictObject({ [name]: given }),
  );
  // Made once each: a new one at every turn would never come to an end.
  let ofExpression: z.ZodType | undefined;
  let ofRules: z.ZodType | undefined;
  let ofChoice: z.ZodType | undefined;
  const expression: z.ZodType = z.lazy(
    () => (ofExpression ??= z.union([scalar, z.strictObject(expressionKeys(deep))])),
  );
  const rules: z.ZodType = z.lazy(() => (ofRules ??= z.array(z.union(Object.values(ruleKeys(deep))))));
  const steps = z.array(z.union(named));
  const choice: z.ZodType = z.lazy(() => (ofChoice ??= choiceKeys(deep)));
  const deep: Inner = { expression, rules, steps, choice };
  return z.toJSONSchema(mapKeys(deep), { io: 'input', unrepresentable: 'any' });
}
