import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineChannel, original, via, when } from '../builder.ts';
import { type ChannelDefinition, channelOptions, destinationOptions } from '../channel.ts';
import { defineAdapter, defineConnector, defineTransform } from '../define.ts';
import { bytes, type Format } from '../format.ts';
import { noTables } from '../tables/table-set.ts';
import { UnknownCodes } from '../tables/unknown-codes.ts';
import { readChannelYaml } from './channel-yaml.ts';
import { describeProblem } from './problem.ts';
import { createRegistry } from './registry.ts';
import type { StepFiles } from './step-files.ts';
import { YamlFile } from './yaml-file.ts';

const words: Format<string> = {
  id: 'words',
  contentType: 'text/plain',
  decode: (raw) => Buffer.from(raw).toString(),
  encode: (value) => Buffer.from(value),
};
const numbers: Format<number> = { ...(words as unknown as Format<number>), id: 'numbers' };

const line = defineAdapter({
  type: 'line',
  summary: 'Lines.',
  produces: words,
  acknowledges: 'reply',
  config: z.strictObject({ endpoint: z.string(), maxBytes: z.int().positive().default(10) }),
  examples: [{ title: 'Lines', config: { endpoint: 'in' } }],
  resources: (config) => [`endpoint:${config.endpoint}`],
  create: () => ({ run: async () => undefined }),
});
const blob = defineAdapter({
  ...{ type: 'blob', summary: 'Bytes.', acknowledges: 'confirm', config: z.strictObject({}), produces: bytes },
  ackPoints: ['stored'],
  examples: [{ title: 'Bytes', config: {} }],
  create: () => ({ run: async () => undefined }),
});
const far = defineConnector({
  ...{ type: 'far', summary: 'Far.', batching: 'independent', effect: 'atLeastOnce', maxBatch: 1, accepts: words },
  config: z.strictObject({
    endpoint: z.string(),
    response: z.record(z.string(), z.enum(['retry', 'dead-letter'])).optional(),
  }),
  examples: [{ title: 'Far', config: { endpoint: 'far' } }],
  create: () => ({ write: async () => undefined, [Symbol.asyncDispose]: async () => undefined }),
});
const count = defineTransform({
  type: 'count',
  summary: 'Counts.',
  accepts: words,
  produces: numbers,
  config: z.strictObject({ from: z.int().default(0) }),
  examples: [{ title: 'Count', config: {} }],
  create: () => (text) => text.length,
});
const registry = createRegistry({
  ...{ adapters: [line, blob], connectors: [far], transforms: [count], formats: [words, bytes] },
  languages: [
    {
      format: 'words',
      path: (text) => ({
        values: (payload: string) => (payload.includes(text) ? [text] : []),
        exists: (payload: string) => payload.includes(text),
      }),
      key: (paths) => (payload: string) => paths.filter((path) => payload.includes(path)),
    },
  ],
});

const noFiles: StepFiles = {
  shown: (path) => path,
  text: () => Promise.reject(new Error('there is no such file')),
  script: async () => ({}),
  note: () => undefined,
  ...{ tables: noTables, unknown: new UnknownCodes(), formats: registry.formats },
  references: { environment: {}, readFile: () => undefined },
  profile: () => undefined,
  now: () => 0,
};

function read(text: string, script: () => Promise<Record<string, unknown>> = async () => ({})) {
  const files = { ...noFiles, script };
  return readChannelYaml({ file: new YamlFile('c.yaml', text), registry, endpoints: new Set(['in', 'far']), files });
}

async function problems(text: string, script?: () => Promise<Record<string, unknown>>): Promise<readonly string[]> {
  const result = await read(text, script);
  return result.ok ? [] : result.problems.map(describeProblem);
}

async function definition(text: string, script?: () => Promise<Record<string, unknown>>): Promise<ChannelDefinition> {
  const result = await read(text, script);
  if (!result.ok) throw new Error(result.problems.map(describeProblem).join('\n'));
  return result.value;
}

/** What of a definition can be compared: functions by their place only. */
function shape(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, each) => (typeof each === 'function' ? 'function' : key === 'name' ? undefined : each)),
  );
}

describe('a channel file in YAML', () => {
  it('yields the same frozen definition as the builder', async () => {
    const yaml = await definition(`
channel: one
ackAfter: settled
labels: { group: test }
source: { line: { endpoint: in } }
key: [a, b]
filter: { a: a }
steps:
  - filter: { b: { exists: true } }
destinations:
  first:
    filter: { a: a }
    to: { far: { endpoint: far } }
    response: { AE: retry }
    order: strict
  second: { input: source, to: { far: { endpoint: far } } }
`);
    const pass = () => true;
    const { definition: built } = defineChannel('one', { ackAfter: 'settled', labels: { group: 'test' } })
      .from(line({ endpoint: 'in' }))
      .filter(pass)
      .keyBy(() => [])
      .filter(pass)
      .to('first', when(pass, far({ endpoint: 'far', response: { AE: 'retry' } })), { order: 'strict' })
      .to('second', original(far({ endpoint: 'far' })));
    expect(shape(yaml)).toEqual(shape(built));
    expect(Object.isFrozen(yaml)).toBe(true);
    expect(yaml.key?.('ab', {} as never)).toEqual(['a', 'b']);
  });

  it('takes every option of channels and destinations as TypeScript does', async () => {
    const channel: Required<z.input<typeof channelOptions>> = {
      ...{ ackAfter: 'settled', ackOn: ['first'], ackTimeoutMs: 5_000, onUnsettled: 'accept' },
      unmatched: { reply: 'AR', as: 'error' },
      ...{
        validation: 'report',
        mode: 'query',
        replyFrom: 'first',
        duplicates: 'off',
        content: 'raw',
        placement: 'one',
      },
      retention: { contentDays: 1, messageDays: 2 },
      limits: {
        maxInFlight: 1,
        maxInFlightBytes: '2MB',
        maxBacklogBytes: 3,
        whenFull: 'reject',
        maxHeldKeys: 4,
        stepTimeoutMs: 0,
        drainMs: 0,
      },
      labels: { group: 'ris', owner: 'radiology' },
      tests: [
        { given: 'a.txt', first: 'expected/a.txt', reply: 'AA' },
        {
          name: 'two',
          sequence: ['a.txt', 'b.txt'],
          first: ['filtered', { error: 'step-failed' }, { text: 'x' }],
          responses: { first: ['AA', 'timeout'] },
        },
      ],
    };
    const destination: Required<z.input<typeof destinationOptions>> = {
      ...{ order: 'strict', afterDeadLetter: 'hold-key', placement: 'every', writeTimeoutMs: 7 },
      retry: { initialMs: 1, maxMs: 2, maxAttempts: 3, maxAgeMs: 4 },
      rate: { perSecond: 0.5, burst: 3, shared: 'far-api' },
    };
    expect(Object.keys(channel).toSorted()).toEqual(Object.keys(channelOptions.shape).toSorted());
    expect(Object.keys(destination).toSorted()).toEqual(Object.keys(destinationOptions.shape).toSorted());
    const to = { far: { endpoint: 'far' } };
    const file = {
      channel: 'one',
      source: { line: { endpoint: 'in' } },
      ...channel,
      destinations: { first: { ...destination, to } },
    };
    const validating = { ...line, produces: { ...words, validate: () => [] } };
    const built = defineChannel('one', channel)
      .from({ ...line({ endpoint: 'in' }), format: validating.produces })
      .to('first', far({ endpoint: 'far' }), destination);
    const lines = { ...registry, adapters: new Map([['line', defineAdapter(validating)]]) };
    const read = await readChannelYaml({
      file: new YamlFile('c.yaml', JSON.stringify(file)),
      registry: lines as never,
      files: noFiles,
    });
    expect(read.ok ? shape(read.value) : read.problems).toEqual(shape(built.definition));
  });

  it('names every mistake with file, line, column and code, all in one go', async () => {
    expect(
      await problems(`channel: one
ackafter: stored
source: { line: { endpoint: elsewhere, maxBytes: -1 } }
ackOn: [third]
destinations:
  first:
    to: { near: {} }
  second:
    to: { far: { endpoint: far } }
    response: { AE: nothing }
    order: sometimes
`),
    ).toEqual([
      'c.yaml:2:1 key-unknown ackafter: no such key – did you mean ackAfter?',
      'c.yaml:3:29 endpoint-unknown source.line.endpoint: the environment has no endpoint elsewhere; known: far, in',
      expect.stringMatching(/^c\.yaml:3:50 value-invalid source\.line\.maxBytes: /),
      'c.yaml:4:9 destination-unknown ackOn.0: no destination third; known: first, second',
      'c.yaml:7:11 component-unknown destinations.first.to.near: no such destination; known: far',
      expect.stringMatching(/^c\.yaml:10:21 value-invalid destinations\.second\.response\.AE: /),
      expect.stringMatching(/^c\.yaml:11:12 value-invalid destinations\.second\.order: /),
    ]);
  });

  it('says where the file stops being YAML, and no more', async () => {
    const lines = await problems('channel: one\nsource: [a\nfilter: {}\n');
    expect(lines.map((each) => each.split(' ')[1])).toEqual(lines.map(() => 'yaml-syntax'));
    expect(lines[0]).toMatch(/^c\.yaml:[23]:\d+ /);
  });

  it('says what is missing of an empty file', async () => {
    expect(await problems('')).toEqual(['c.yaml:1:1 key-missing the file is empty']);
    expect((await problems('channel: one')).map((each) => each.split(' ')[1])).toContain('key-missing');
  });

  it('notices formats that do not fit, at the step or destination', async () => {
    const counted =
      'channel: one\nsource: { line: { endpoint: in } }\nsteps:\n  - count: {}\n  - count: {}\ndestinations:\n  first: { to: { far: { endpoint: far } } }\n';
    expect(await problems(counted)).toEqual([
      expect.stringMatching(/^c\.yaml:5:5 wiring-invalid .*count takes words, but gets numbers/),
    ]);
    const direct = counted.replace('  - count: {}\n', '');
    expect(await problems(direct)).toEqual([
      expect.stringMatching(/^c\.yaml:6:10 wiring-invalid .*first \(far\) takes words, but gets numbers/),
    ]);
  });

  it('notices a source that cannot honour the acknowledgement point', async () => {
    const text =
      'channel: one\nsource: { blob: {} }\nformat: words\nackAfter: settled\ndestinations:\n  first: { to: { far: { endpoint: far } } }\n';
    expect(await problems(text)).toEqual([expect.stringMatching(/wiring-invalid .*cannot acknowledge after settled/)]);
    expect((await definition(text.replace('ackAfter: settled\n', ''))).format).toBe(words);
  });

  it('runs a script as a step, with the formats that it exports', async () => {
    const text =
      'channel: one\nsource: { line: { endpoint: in } }\ndestinations:\n  first: { steps: [script: ./upper.ts], to: { far: { endpoint: far } } }\n';
    const upper = (payload: string) => payload.toUpperCase();
    const [destination] = (await definition(text, async () => ({ default: upper }))).destinations;
    const [step] = destination!.steps;
    expect(step).toMatchObject({ kind: 'transform', name: 'upper.ts', produces: words });
    expect(await problems(text, async () => ({ default: upper, accepts: numbers, produces: words }))).toEqual([
      expect.stringMatching(/wiring-invalid .*upper\.ts takes numbers, but gets words/),
    ]);
    expect(await problems(text, async () => Promise.reject(new Error('no such file')))).toEqual([
      'c.yaml:4:28 code-failed ./upper.ts: no such file',
    ]);
    expect(await problems(text, async () => ({}))).toEqual([
      'c.yaml:4:28 value-invalid ./upper.ts: its default export is no function',
    ]);
  });

  it('gives a destination its own transforms, in their order', async () => {
    const yaml = await definition(
      'channel: one\nsource: { line: { endpoint: in } }\ndestinations:\n  first: { steps: [{ filter: { a: a } }, { script: ./x.ts }], to: { far: { endpoint: far } } }\n',
      async () => ({ default: (payload: string) => payload }),
    );
    const step = (payload: string) => payload;
    const { definition: built } = defineChannel('one')
      .from(line({ endpoint: 'in' }))
      .to(
        'first',
        when(() => true, via(step, far({ endpoint: 'far' }))),
      );
    expect(shape(yaml.destinations)).toEqual(shape(built.destinations));
  });
});
