import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { weirHere } from '../../testing/command-line.ts';
import { type Workplace, workplace } from '../../testing/hub-process.ts';

let place: Workplace;
beforeEach(async () => {
  place = await workplace({
    'env/demo.yaml': 'endpoints: {}\n',
    'adt.map.yaml': 'map: adt\nfrom: hl7v2\nto: hl7v2\nrules: [{ set: { PID-5.1: { from: PID-5.1, do: [upper] } } }]\n',
    'a01.hl7': adt,
    'a05.hl7': adt.replace('ADT^A01', 'ADT^A05'),
  });
});
afterEach(() => place[Symbol.asyncDispose]());

const adt = 'MSH|^~\\&|EHR|HOSP|WEIR|HOSP|20260302||ADT^A01|M1|P|2.5.1\nPID|1||4711^^^HOSP^MR||Berger^Anna\nPV1|1|I\n';

const channel = (tests: string, more = '') => `channel: adt
source: { mllp: { endpoint: in } }
filter: { MSH-9.2: [A01, A02] }
key: PID-3[5=MR]
${more}
destinations:
  lab:
    steps: [mapping: { file: adt.map.yaml }]
    to: { mllp: { endpoint: lab } }
    response: { AR: retry, AE: dead-letter, none: retry }
  raw: { input: source, to: { discard: {} } }
tests:
${tests}`;

async function run(tests: string, more = '', ...options: readonly string[]) {
  await place.write({
    'env/demo.yaml':
      'endpoints: { in: { kind: tcp-listen, listen: 1 }, lab: { kind: tcp-connect, host: h, port: 1 } }\n',
    'adt.channel.yaml': channel(tests, more),
  });
  const { code, out } = await weirHere('test', place.directory, '--env', 'demo', ...options);
  return { code, out };
}

describe('weir test', () => {
  it('passes where what is sent is as expected', async () => {
    await place.write({ 'lab.hl7': adt.replace('Berger', 'BERGER') });
    const { code, out } = await run(
      '  - { name: an admission, given: a01.hl7, lab: lab.hl7, raw: a01.hl7, reply: AA }\n',
    );
    expect(out).toBe('adt\n  ok      an admission\n1 test passed\n');
    expect(code).toBe(0);
  });

  it.each([
    ['P', 'T', false],
    ['P', 'P', true],
    ['T', 'T', true],
    [undefined, 'T', true],
  ])('takes in an environment of %s a message of %s as its hub does: %s', async (hub, message, taken) => {
    await place.write({
      'env/demo.yaml': `${hub ? `processing: ${hub}\n` : ''}endpoints: { in: { kind: tcp-listen, listen: 1 }, lab: { kind: tcp-connect, host: h, port: 1 } }\n`,
      'adt.channel.yaml': channel('  - { name: a test message, given: of.hl7, raw: of.hl7 }\n'),
      'of.hl7': adt.replace('|M1|P|', `|M1|${message}|`),
    });
    const { code, out } = await weirHere('test', place.directory, '--env', 'demo');
    expect(code).toBe(taken ? 0 : 1);
    if (!taken) expect(out).toMatch(/processing-refused|processing T/);
  });

  it('tells the field that is otherwise', async () => {
    const { code, out } = await run('  - { name: an admission, given: a01.hl7, lab: a01.hl7 }\n');
    expect(code).toBe(1);
    expect(out).toMatch(
      /FAILED {2}an admission {2}\(.*adt\.channel\.yaml:\d+:5\)\n +lab: PID-5\.1: expected "Berger", actual "BERGER"\n1 of 1 test failed/,
    );
  });

  it('knows what was filtered, and what was not', async () => {
    const { out } = await run(
      '  - { given: a05.hl7, lab: filtered, raw: filtered }\n  - { given: a01.hl7, raw: filtered }\n',
    );
    expect(out).toMatch(/ok {6}test 1\n {2}FAILED {2}test 2/);
    expect(out).toContain('expected it to be filtered, and it was sent');
  });

  it('answers for far ends: a refusal is a dead letter, a busy one gets the message again, silence too', async () => {
    const { out } = await run(
      `  - { name: refused, given: a01.hl7, responses: { lab: AE }, lab: { error: reply-negative }, raw: a01.hl7 }
  - { name: busy, given: a01.hl7, responses: { lab: [AR, none, timeout, AA] }, raw: a01.hl7 }
`,
    );
    expect(out).toMatch(/ok {6}refused\n {2}ok {6}busy\n2 tests passed/);
  });

  it('waits with the answer where the channel does, on a clock of its own', async () => {
    const began = performance.now();
    const { out } = await run(
      `  - { name: refused, given: a01.hl7, responses: { lab: AE }, reply: AE }
  - { name: too late, given: a01.hl7, responses: { lab: [none, none, none] }, reply: AE }
  - { name: delivered, given: a01.hl7, reply: AA }
`,
      'ackAfter: settled',
    );
    expect(out).toMatch(/3 tests passed/);
    // By the clock of the machine each of them would take 20 s.
    expect(performance.now() - began).toBeLessThan(20_000);
  });

  it('takes several messages, in one file or as a sequence, and an outcome for each', async () => {
    await place.write({ 'both.hl7': adt + adt.replace('ADT^A01|M1', 'ADT^A05|M2') });
    const { out } = await run(
      `  - { name: one file, given: both.hl7, raw: [a01.hl7, filtered] }
  - { name: a sequence, sequence: [a05.hl7, a01.hl7], raw: [filtered, a01.hl7] }
  - { name: outputs only, sequence: [a05.hl7, a01.hl7], raw: [a01.hl7] }
`,
    );
    expect(out).toMatch(/3 tests passed/);
  });

  it('takes a message that stands in the test', async () => {
    const inline = adt.trimEnd().replaceAll('\n', '\n      ');
    const { out } = await run(
      `  - name: inline\n    given: |\n      ${inline}\n    raw:\n      text: |\n        ${inline.replaceAll('\n  ', '\n    ')}\n`,
    );
    expect(out).toMatch(/1 test passed/);
  });

  it('--update writes what was sent, and the test passes then', async () => {
    const tests = '  - { name: an admission, given: a01.hl7, lab: expected/lab.hl7 }\n';
    const before = await run(tests);
    expect(before.code).toBe(1);
    expect(before.out).toContain('there is no such file yet');
    const { code, out } = await run(tests, '', '--update', '--yes');
    expect(out).toMatch(/expected\/lab\.hl7: written\n[\s\S]*1 test passed/);
    expect(code).toBe(0);
    expect(await readFile(join(place.directory, 'expected/lab.hl7'), 'utf8')).toBe(adt.replace('Berger', 'BERGER'));
  });

  it('runs *.test.yaml beside channels, and names what is wrong in one', async () => {
    await place.write({
      'adt.test.yaml': 'channel: adt\ntests: [{ given: a01.hl7, raw: a01.hl7 }]\n',
      'bad.test.yaml': 'channel: atd\ntests: [{ given: a01.hl7 }]\n',
      'worse.test.yaml': 'channel: adt\ntests: [{ given: gone.hl7, labb: filtered }]\n',
    });
    const { code, out } = await run('  []\n');
    expect(code).toBe(1);
    expect(out).toMatch(/bad\.test\.yaml:1:10 value-invalid channel: there is no channel atd/);
    expect(out).toMatch(/worse\.test\.yaml:2:28 destination-unknown tests\.0\.labb: no destination labb/);
    expect(out).toMatch(/1 test passed; \d problems in files/);
  });

  it('says the same as JSON', async () => {
    const { out } = await run('  - { name: x, given: a01.hl7, reply: AE }\n', '', '--json');
    expect(JSON.parse(out)).toMatchObject({
      passed: 0,
      failed: 1,
      tests: [
        {
          channel: 'adt',
          name: 'x',
          passed: false,
          failures: [{ where: 'reply', lines: ['expected AE, and the sender got AA'] }],
        },
      ],
    });
  });
});
