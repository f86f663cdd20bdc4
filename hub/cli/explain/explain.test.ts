import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { weir as command, type Workplace, workplace } from '../../testing/hub-process.ts';

let place: Workplace;
beforeAll(async () => {
  place = await workplace({
    'env/demo.yaml': `endpoints:
  in: { kind: tcp-listen, listen: 2575 }
  lab: { kind: tcp-connect, host: lab.example, port: 2580 }
`,
    'maps/adt.map.yaml': `map: adt
from: hl7v2
to: hl7v2
rules:
  - set:
      MSH-3: WEIR
      PID-5.1: { from: [PID-5.1, PID-9.1], do: [upper], default: UNKNOWN }
      PID-5.2: '\${PID-5.2} \${PID-5.3}'
  - when: { MSH-9.2: A03 }
    delete: [NK1]
  - each: OBX
    when: { OBX-11: { not: X } }
    rules: [{ set: { OBX-3.3: L } }]
`,
    'adt.channel.yaml': `channel: adt
source: { mllp: { endpoint: in } }
filter: { MSH-9.1: ADT }
key: ['PID-3[5=MR]', 'MRG-1[5=MR]']
ackAfter: settled
ackOn: [lab]
unmatched: { reply: AR, as: error }
steps: [mapping: { file: maps/adt.map.yaml }]
destinations:
  lab:
    filter: { MSH-9.2: [A01, A08], PV1-2: { not: P } }
    to: { mllp: { endpoint: lab } }
    response: { AR: retry, AE: dead-letter, ERR-3.1=207: retry }
    retry: { maxAttempts: 5 }
    order: strict
    afterDeadLetter: hold-key
  raw: { input: source, to: { discard: {} } }
`,
    'code.channel.ts': `import { adapters, connectors, defineChannel, type Hl7Message, when } from 'weir';
const isAdt = (message: Hl7Message) => message.type.startsWith('ADT^');
const isInpatient = (message: Hl7Message) => message.get('PV1-2') === 'I';
export default defineChannel('code').from(adapters.mllp({ endpoint: 'in' })).filter(isAdt)
  .to('in', when(isInpatient, connectors.discard({})));
`,
    'a01.hl7': 'MSH|^~\\&|EHR|HOSP|||20260302||ADT^A01|M1|P|2.5.1\rPID|1||4711^^^HOSP^MR||Berger^Anna^M\rPV1|1|I\r',
    'a05.hl7': 'MSH|^~\\&|EHR|HOSP|||20260302||ADT^A05|M1|P|2.5.1\rPID|1||4711^^^HOSP^MR||Berger^Anna^M\rPV1|1|P\r',
  });
});
afterAll(() => place[Symbol.asyncDispose]());

const weir = async (...args: readonly string[]) => {
  // In a process of its own: within Vitest's an import of `weir` from outside the repository is not always found.
  const { code, out, err } = await command([...args, '--channels', place.directory, '--env', 'demo']);
  return { code, out: out.replaceAll(`${place.directory}/`, ''), err };
};

describe('weir explain', () => {
  it('says in words what a channel does', async () => {
    const { code, out } = await weir('explain', 'adt');
    expect(code).toBe(0);
    for (const sentence of [
      'mllp: in (listens on 127.0.0.1:2575)',
      'Only where MSH-9.1 is ADT; any other is kept as filtered',
      'Messages with the same PID-3[5=MR], MRG-1[5=MR] stay in order',
      'answered positively once lab has it, and negatively where that failed',
      'One that no destination takes is answered AR and counts as an error.',
      'MSH-3 ← "WEIR"',
      'PID-5.1 ← the first filled of PID-5.1, PID-9.1, upper, else "UNKNOWN"',
      'PID-5.2 ← ${PID-5.2} ${PID-5.3}',
      'deletes NK1 where MSH-9.2 is A03',
      'for each OBX where OBX-11 is not X:',
      'To mllp: lab (lab.example:2580), as hl7v2.',
      'Only where MSH-9.2 is A01 or A08 and PV1-2 is not P.',
      'until it becomes a dead letter after 5 attempts',
      'On AE, CE: it becomes a dead letter.',
      'ERR-3.1=207: it is tried again.',
      'All messages are sent one at a time, in order.',
      'After a dead letter the messages of its key wait until somebody resolves it.',
      'Starts from the message as it was received',
    ])
      expect(out).toContain(sentence);
  });

  it('says who takes messages of a type, and why not', async () => {
    const { out } = await weir('explain', 'adt', '--type', 'ADT^A08');
    expect(out).toMatch(/^the channel +yes$/m);
    expect(out).toMatch(/^lab +it depends +where PV1-2 is not P$/m);
    expect(out).toMatch(/^raw +yes$/m);
    const other = await weir('explain', 'adt', '--type', 'ORU^R01');
    expect(other.out).toMatch(/^the channel +no +only where MSH-9\.1 is ADT$/m);
    expect(await weir('explain', 'adt', '--type', 'adt')).toMatchObject({ code: 2 });
  });

  it('asks filters in TypeScript, and says what they look at', async () => {
    const { out, err } = await weir('explain', 'code', '--type', 'ADT^A08');
    expect(err).toBe('');
    expect(out).toMatch(/^the channel +yes$/m);
    expect(out).toMatch(/^in +it depends +where isInpatient \(in TypeScript\) says so; it looks at PV1-2$/m);
  });

  it('knows what it does not know', async () => {
    expect(await weir('explain', 'nosuch')).toMatchObject({
      code: 4,
      err: 'weir: there is no channel nosuch; known: adt, code\n',
    });
  });
});

describe('weir try', () => {
  it('shows what each step changes, and who would get what', async () => {
    const { code, out } = await weir('try', 'adt', join(place.directory, 'a01.hl7'));
    expect(code).toBe(0);
    expect(out).toContain('key: 4711^HOSP');
    expect(out).toMatch(
      /the map adt:\n +MSH-3: before "EHR", after "WEIR"\n +PID-5\.1: before "Berger", after "BERGER"/,
    );
    expect(out).toMatch(/→ lab \(mllp\): gets it\n[\s\S]*PID\|1\|\|4711\^\^\^HOSP\^MR\|\|BERGER\^Anna M/);
    expect(out).toMatch(/→ raw \(discard\): gets it\n +MSH\|\^~\\&\|EHR/);
  });

  it('says why somebody does not get it', async () => {
    const { out } = await weir('try', 'adt', join(place.directory, 'a05.hl7'), '--destination', 'lab');
    expect(out).toMatch(
      /→ lab \(mllp\): does not get it\n +filter: does not pass\n +MSH-9\.2 is A01 or A08: no, it is "A05"\n +PV1-2 is not P: no, it is "P"/,
    );
    expect(out).not.toContain('raw');
  });

  it('names the map, line and rule of an error', async () => {
    await place.write({
      'bad.map.yaml': 'map: bad\nfrom: hl7v2\nto: hl7v2\nrules:\n  - set: { PID-7: { from: PID-5.1, date: hl7 } }\n',
      'bad.channel.yaml': `channel: bad
source: { mllp: { endpoint: in } }
steps: [mapping: { file: bad.map.yaml }]
destinations: { raw: { to: { discard: {} } } }
`,
    });
    const { code, out } = await weir('try', 'bad', join(place.directory, 'a01.hl7'));
    expect(code).toBe(1);
    expect(out).toMatch(/the map bad: error step-failed: mapping with bad, bad\.map\.yaml:5:12, set PID-7: /);
    expect(out).toContain('it becomes an error, and goes nowhere');
  });

  it('says the same as JSON', async () => {
    const { out } = await weir('try', 'adt', join(place.directory, 'a01.hl7'), '--json');
    const [trace] = JSON.parse(out);
    expect(trace.steps[0].outputs[0].changes[0]).toEqual({ at: 'MSH-3', before: 'EHR', after: 'WEIR' });
    expect(
      trace.destinations.map(({ destination, result }: { destination: string; result: string }) => [
        destination,
        result,
      ]),
    ).toEqual([
      ['lab', 'gets'],
      ['raw', 'gets'],
    ]);
  });
});
