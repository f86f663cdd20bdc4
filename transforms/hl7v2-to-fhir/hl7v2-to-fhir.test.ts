import { describe, expect, it } from 'vitest';
import { type Bundle, fhirBundle } from '../../contracts/fhir.ts';
import type { StepFiles } from '../../core/config/step-files.ts';
import { HubError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import type { TransformSpec } from '../../core/transform.ts';
import { type Hl7Message, parse } from '../../protocols/hl7v2/message.ts';
import { hl7v2ToFhir } from './hl7v2-to-fhir.ts';

const envelope = { receivedAt: Date.UTC(2026, 2, 2, 7, 15) } as Message<Hl7Message>;

function hl7(...segments: readonly string[]): Hl7Message {
  return parse(Buffer.from(segments.map((segment) => `${segment}\r`).join('')));
}

const died = (when: string) =>
  hl7('MSH|^~\\&|EHR|HOSP|||20260702081500||ADT^A08|C1|P|2.5.1', `PID|1||1^^^HOSP^MR${'|'.repeat(26)}${when}`);

async function run(spec: TransformSpec<Hl7Message, Bundle>, message: Hl7Message): Promise<Bundle> {
  return (await spec.create()(message, envelope)) as Bundle;
}

function deathIn(bundle: Bundle): string | undefined {
  const patients = (bundle.entry ?? []).flatMap(({ resource }) =>
    resource?.resourceType === 'Patient' ? resource : [],
  );
  return patients[0]?.deceasedDateTime;
}

describe('hl7v2-to-fhir', () => {
  it('makes a bundle that its format can write and read', async () => {
    const spec = hl7v2ToFhir({ zone: 'Europe/Berlin' });
    const bundle = await run(spec, died('20260702081500'));
    expect(deathIn(bundle)).toBe('2026-07-02T08:15:00+02:00');
    expect(fhirBundle.decode(fhirBundle.encode(bundle), {})).toEqual(bundle);
  });

  it('answers at once when the maps have been read', async () => {
    const step = hl7v2ToFhir({}).create();
    await step(died('2026'), envelope);
    expect(step(died('2026'), envelope)).not.toBeInstanceOf(Promise);
  });

  it('takes the zone of the sender’s profile, and of the site where they differ', async () => {
    const files = { zone: 'Europe/Berlin', zoneOf: () => undefined } as unknown as StepFiles;
    const loaded = await hl7v2ToFhir({}).load(files);
    if (!loaded.ok) throw new Error('it has no files that might be missing');
    expect(deathIn(await run(loaded.value, died('20260702081500')))).toBe('2026-07-02T08:15:00+02:00');
    const bySite = await hl7v2ToFhir({}).load({ ...files, zoneOf: () => 'Europe/Lisbon' });
    if (!bySite.ok) throw new Error('it has no files that might be missing');
    expect(deathIn(await run(bySite.value, died('20260702081500')))).toBe('2026-07-02T08:15:00+01:00');
  });

  it('refuses what cannot be said as it was meant, where that is asked for', async () => {
    const strict = run(hl7v2ToFhir({ onIssue: 'error' }), died('20240230'));
    await expect(strict).rejects.toThrow(HubError);
    await expect(strict).rejects.toThrow('converting PID[1]-29[1] to FHIR: it is no date or time');
    await expect(run(hl7v2ToFhir({ onIssue: 'error' }), died('20240229'))).resolves.toMatchObject({ type: 'message' });
  });

  it('refuses a zone that there is not', () => {
    expect(() => hl7v2ToFhir({ zone: 'Europe/Nowhere' })).toThrow('configuring hl7v2-to-fhir: zone');
  });

  describe('with rules of the site', () => {
    const rules = ['a.rules.yaml', 'b.rules.yaml'];
    const loaded = (texts: Readonly<Record<string, string>>) => {
      const text = async (path: string) => {
        const found = texts[path];
        if (found === undefined) throw new Error('no such file');
        return found;
      };
      return hl7v2ToFhir({ rules }).load({ shown: (path: string) => `fhir/${path}`, text } as unknown as StepFiles);
    };
    const first = 'layer: a\nrules:\n  - { id: sex, from: ZPI-1, to: Patient.gender, codes: { W: female } }\n';

    it('loads its layers in order, and converts and explains by them', async () => {
      const read = await loaded({
        'a.rules.yaml': first,
        'b.rules.yaml': "layer: b\nrules:\n  - { id: sex, replaces: 'a:sex', codes: { W: other } }\n",
      });
      if (!read.ok) throw new Error(read.problems[0].message);
      const message = hl7('MSH|^~\\&|EHR|HOSP|||20260702081500||ADT^A08|C1|P|2.5.1', 'PID|1||1^^^HOSP^MR', 'ZPI|W');
      const bundle = await run(read.value, message);
      expect(JSON.stringify(bundle)).toContain('"gender":"other"');
      const lineage = await read.value.lineage!(message, envelope);
      expect(lineage.leaves.find(({ path }) => path === 'ZPI[1]-1[1].1.1')?.to[0]).toMatchObject({ rows: ['b:sex'] });
    });

    it('tells every problem of its files at its line and column', async () => {
      const read = await loaded({
        'a.rules.yaml': first.replace('gender', 'gendr'),
      });
      expect(read.ok ? [] : read.problems.map(({ file, line, column, code }) => [file, line, column, code])).toEqual([
        ['fhir/a.rules.yaml', 3, 33, 'path-invalid'],
        ['fhir/b.rules.yaml', 1, 1, 'file-unreadable'],
      ]);
    });

    it('does not run without them', () => {
      expect(() => hl7v2ToFhir({ rules }).create()).toThrow('rules come with their channel file');
    });
  });
});
