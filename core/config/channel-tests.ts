import { z } from 'zod';
import { type ErrorCode, errorCodes } from '../errors.ts';

const path = (what: string) =>
  z
    .string()
    .min(1)
    .describe(`${what}: the path of a file, from the folder of the channel file, or the message itself.`);

const codes = Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]];

/** What one message becomes at a destination: `filtered`, the path of a file, the text itself, or an error. */
const outcome = z.union([
  z.string().min(1).describe('`filtered`, or the path of a file with the bytes that are sent.'),
  z.strictObject({ text: z.string().describe('The text that is sent, in UTF-8.') }),
  z.strictObject({ error: z.enum(codes).describe('The code of the error that it becomes.') }),
]);

const expectation = z.union([outcome, z.array(outcome)], {
  error: '`filtered`, the path of a file, { text: … }, { error: code }, or a list of them',
});

const response = z
  .string()
  .min(1)
  .describe(
    'An acknowledgement code (AA, AE, AR, CA, CE, CR), of `http` and `fhir` destinations a status like 503, `none` where nothing comes back, `timeout` where it comes too late, or the path of a file with the answer.',
  );

/** One test of a channel. What is no key of its own is the name of a destination. */
export interface ChannelTest {
  readonly name?: string | undefined;
  readonly given?: string | undefined;
  readonly sequence?: readonly string[] | undefined;
  readonly responses?: Readonly<Record<string, string | readonly string[]>> | undefined;
  readonly reply?: string | undefined;
  readonly [destination: string]:
    | ExpectedOutcome
    | readonly ExpectedOutcome[]
    | Readonly<Record<string, string | readonly string[]>>
    | undefined;
}

export const channelTest: z.ZodType<ChannelTest, ChannelTest> = z
  .object({
    name: z.string().optional().describe('What the test shows, for whoever reads its result.'),
    given: path('The message that comes in').optional(),
    sequence: z
      .array(path('One of the messages'))
      .min(1)
      .optional()
      .describe('Messages that come in one after the other, instead of `given`.'),
    responses: z
      .record(z.string(), z.union([response, z.array(response).min(1)]))
      .optional()
      .describe('What far ends answer, by destination, one after the other; AA where nothing is said.'),
    reply: z
      .string()
      .min(1)
      .optional()
      .describe('What the sender is answered: an acknowledgement code, `none`, or the path of a file.'),
  })
  .catchall(expectation)
  .superRefine((test, context) => {
    if ((test.given === undefined) === (test.sequence === undefined))
      context.addIssue({ code: 'custom', message: 'either given or sequence' });
  });

/** `tests:` of a channel file. */
export const channelTests = z.array(channelTest);

/** What one message becomes at a destination. */
export type ExpectedOutcome = z.output<typeof outcome>;

/** Names in a test that are no destinations. */
export const testKeys: ReadonlySet<string> = new Set(['name', 'given', 'sequence', 'responses', 'reply']);

/** The messages of a test, in order, as paths from the folder of the channel file. */
export function givenOf({ given, sequence }: ChannelTest): readonly string[] {
  return sequence ?? (given === undefined ? [] : [given]);
}

/**
 * What a test expects at each destination that it names: one outcome for each output in order, over all its messages. A destination
 * that it does not name is not looked at; an empty list says that nothing comes there.
 */
export function expectedOf(test: ChannelTest): ReadonlyMap<string, readonly ExpectedOutcome[]> {
  const expected = new Map<string, readonly ExpectedOutcome[]>();
  for (const [name, each] of Object.entries(test)) {
    if (testKeys.has(name) || each === undefined) continue;
    const outcomes = each as ExpectedOutcome | readonly ExpectedOutcome[];
    expected.set(
      name,
      Array.isArray(outcomes) ? (outcomes as readonly ExpectedOutcome[]) : [outcomes as ExpectedOutcome],
    );
  }
  return expected;
}

/** What far ends answer in a test, by destination, in order. */
export function responsesOf({ responses = {} }: ChannelTest): ReadonlyMap<string, readonly string[]> {
  return new Map(Object.entries(responses).map(([name, each]) => [name, typeof each === 'string' ? [each] : each]));
}

/** Words of a response that are no paths. */
export const responseWords: ReadonlySet<string> = new Set(['AA', 'AE', 'AR', 'CA', 'CE', 'CR', 'none', 'timeout']);

/** The HTTP status that a response is; undefined where it is another word, or a path. */
export function statusIn(response: string): number | undefined {
  return /^[2-5]\d\d$/.test(response) ? Number(response) : undefined;
}

/** A message that stands in the test itself, instead of the path of a file. */
export function isInline(given: string): boolean {
  return given.includes('\n') || /^(?:MSH|FHS|BHS)\W/.test(given) || /^\s*[{[]/.test(given);
}

/** The files that a test cannot run without: its messages and answers. What it expects may be written by its first run. */
export function filesOf(test: ChannelTest): readonly string[] {
  const answers = [...responsesOf(test).values()].flat();
  return [...givenOf(test).filter((each) => !isInline(each)), ...answers.filter(isPath)];
}

function isPath(response: string): boolean {
  return !responseWords.has(response) && statusIn(response) === undefined;
}

/** The files with what a test expects. */
export function expectedFilesOf(test: ChannelTest): readonly string[] {
  const outcomes = [...expectedOf(test).values()].flat();
  return [
    ...outcomes.filter((each): each is string => typeof each === 'string' && each !== 'filtered'),
    ...(test.reply === undefined || responseWords.has(test.reply) ? [] : [test.reply]),
  ];
}
