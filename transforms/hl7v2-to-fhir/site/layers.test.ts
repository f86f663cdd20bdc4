import { describe, expect, it } from 'vitest';
import { YamlFile } from '../../../core/config/yaml-file.ts';
import { Layers } from './layers.ts';

/** What is wrong with the one entry of a layer: its place in the line, code and message. */
function wrong(entry: string): string | undefined {
  const file = new YamlFile('hospital.rules.yaml', `layer: hospital\nrules:\n  - { id: a, ${entry} }\n`);
  new Layers().add(file);
  const [first, second] = file.problems;
  expect(second).toBeUndefined();
  if (first) expect(first.line).toBe(3);
  return first && `${first.column} ${first.code} ${first.message}`;
}

describe('a rule of a site', () => {
  it.each([
    "from: ZPI-3, to: Patient.extension.valueBoolean, url: 'urn:hospital:vip'",
    "from: PID-10.2, to: Patient.extension.valueString, url: 'https://hospital.example/fhir/race'",
    "from: ZPI-4, to: 'Patient.generalPractitioner(Practitioner)'",
    'from: ZPI-4, to: \'Patient.contact[x].name\', when: PID-8 EQUALS "F" AND ZPI-5 VALUED',
    "from: ZPI, to: Patient.active, value: 'true'",
    "replaces: 'PID[Patient] 26', codes: { W: { code: W, system: 'urn:hospital:marital', display: widowed } }",
    "replaces: 'PID[Patient] 13', vocabulary: AdministrativeSex",
    "drops: 'PID[Patient] 28', reason: the portal shows no religion, ignore: true",
  ])('may say %s', (entry) => {
    expect(wrong(entry)).toBeUndefined();
  });

  it.each([
    ['to: Patient.gender', '5 value-invalid rules.0: it adds a rule (from), replaces one or drops one'],
    [
      "from: PID-8, drops: 'PID[Patient] 13'",
      '5 value-invalid rules.0: it adds a rule (from), replaces one or drops one',
    ],
    ["drops: 'PID[Patient] 13'", '21 key-missing rules.0.drops: a reason is needed'],
    ['from: PID-8, to: Patient.gender, reason: x', '55 key-unknown rules.0.reason: goes with drops, not with from'],
    [
      'from: PID-8x, to: Patient.gender',
      '20 path-invalid rules.0.from: PID-8x is no field or component: ZPI-3, PID-10.4',
    ],
    ['from: PID-99, to: Patient.gender', '20 path-invalid rules.0.from: PID has 40 fields'],
    [
      'from: PIF-1, to: Patient.gender',
      '20 path-invalid rules.0.from: no version has a segment PIF; those of sites begin with Z',
    ],
    [
      'from: ZPI, to: Patient.gender',
      '20 key-missing rules.0.from: of a segment as such a value is needed: the key value',
    ],
    [
      'from: PID-8, to: Patient.gendr',
      '31 path-invalid rules.0.to: Patient has no element gendr – did you mean gender?',
    ],
    [
      'from: PID-8, to: Patint.gender',
      '31 path-invalid rules.0.to: no rule makes a Patint of a message – did you mean Patient?',
    ],
    ['from: PID-8, to: Patient.id', '31 path-invalid rules.0.to: id is no place for a value of a message'],
    [
      'from: PID-8, to: Patient.contact',
      '31 value-invalid rules.0.to: the element is BackboneElement, which no value of a message is made into as a whole',
    ],
    [
      'from: PID-8, to: Patient.name',
      '31 value-invalid rules.0.to: the field is CWE, of which no HumanName is made: via can name another map for it',
    ],
    [
      "from: PID-5, to: Patient.name, via: 'CX[Identifier]'",
      '50 value-invalid rules.0.via: CX[Identifier] makes Identifier, and the element is HumanName',
    ],
    [
      "from: PID-5, to: Patient.name, via: 'XPM[HumanName]'",
      '50 value-invalid rules.0.via: there is no data type map XPM[HumanName] – did you mean XPN[HumanName]?',
    ],
    [
      'from: PID-8, to: Patient.generalPractitioner',
      '31 path-invalid rules.0.to: it refers to a resource: say which, as in generalPractitioner(Practitioner)',
    ],
    [
      "from: PID-8, to: 'Patient.generalPractitioner(Location)'",
      '31 path-invalid rules.0.to: generalPractitioner refers to Organization, Practitioner, PractitionerRole, not to Location',
    ],
    [
      'from: PID-8, to: Patient.gender, vocabulary: AdministrativSex',
      '59 table-unknown rules.0.vocabulary: there is no vocabulary AdministrativSex – did you mean AdministrativeSex?',
    ],
    [
      'from: PID-8, to: Patient.gender, codes: { M: man }',
      '54 value-invalid rules.0.codes: man is none of the codes of the element',
    ],
    [
      'from: PID-7, to: Patient.birthDate, codes: { M: man }',
      '57 value-invalid rules.0.codes: the element is date, which has no code',
    ],
    [
      'from: ZPI-1, to: Patient.gender, value: man',
      '54 value-invalid rules.0.value: man is none of the codes of the element',
    ],
    [
      'from: ZPI-1, to: Patient.extension.valueString',
      '31 key-missing rules.0.to: an extension says what it is: the key url is missing',
    ],
    [
      "from: ZPI-1, to: Patient.extension, url: 'urn:x'",
      '31 value-invalid rules.0.to: the element is Extension, which no value of a message is made into as a whole',
    ],
    [
      "from: ZPI-1, to: Patient.extension.valueString, url: 'http://hl7.org/fhir/StructureDefinition/patient-religion'",
      '67 value-invalid rules.0.url: what HL7 defines has rules of its own: an extension of a site has a URL of the site',
    ],
    [
      'from: ZPI-1, to: Patient.gender, when: PID-8 EQUALZ "x"',
      '53 value-invalid rules.0.when: "EQUALZ" in "PID-8 EQUALZ "x""',
    ],
    [
      "replaces: 'PID[Patient] 1000', to: Patient.gender",
      '24 value-invalid rules.0.replaces: there is no row PID[Patient] 1000 – did you mean PID[Patient] 10?',
    ],
    [
      "replaces: 'PIF[Patient] 12', to: Patient.gender",
      '24 value-invalid rules.0.replaces: there is no row PIF[Patient] 12 – did you mean PID[Patient]?',
    ],
    [
      "replaces: 'PID[Patient] 13', to: Encounter.class",
      '47 path-invalid rules.0.to: the row is about Patient, not Encounter',
    ],
    [
      "drops: 'MSH[MessageHeader] 6', reason: x",
      "21 value-invalid rules.0.drops: MSH[MessageHeader] 6 is no rule of its own: Weir's code carries it out, or leaves it out for a reason",
    ],
    [
      "drops: 'PID[Patient] 27', reason: x",
      '21 value-invalid rules.0.drops: PID[Patient] 27 is the URL of an extension, which goes with its value: name the row of that',
    ],
  ])('may not say %s', (entry, said) => {
    expect(wrong(entry)).toBe(said);
  });
});

describe('layers', () => {
  const added = (layers: Layers, text: string) => {
    const file = new YamlFile('x.rules.yaml', text);
    layers.add(file);
    return file.problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
  };

  it('may change what a layer before them says, and nothing that is not there any more', () => {
    const layers = new Layers();
    expect(
      added(
        layers,
        "layer: one\nrules:\n  - { id: a, from: ZPI-1, to: Patient.gender }\n  - { id: b, drops: 'PID[Patient] 13', reason: x }\n",
      ),
    ).toEqual([]);
    expect(added(layers, "layer: two\nrules:\n  - { id: a, replaces: 'one:a', when: ZPI-2 VALUED }\n")).toEqual([]);
    expect(
      added(
        layers,
        "layer: three\nrules:\n  - { id: a, drops: 'one:a', reason: x }\n  - { id: b, replaces: 'PID[Patient] 13', to: Patient.gender }\n",
      ),
    ).toEqual([
      '3:21 rules.0.drops: there is no row one:a',
      '4:24 rules.1.replaces: PID[Patient] 13 is dropped or replaced by a rule before this',
    ]);
  });

  it('have names and ids of their own', () => {
    const layers = new Layers();
    expect(
      added(
        layers,
        'layer: one\nrules:\n  - { id: a, from: ZPI-1, to: Patient.gender }\n  - { id: a, from: ZPI-2, to: Patient.gender }\n',
      ),
    ).toEqual(['4:11 rules.1.id: a is the id of a rule before this']);
    expect(added(layers, 'layer: one\nrules:\n  - { id: c, from: ZPI-1, to: Patient.gender }\n')).toEqual([
      '1:8 layer: one is a layer before this',
    ]);
  });

  it('tell of keys that there are not', () => {
    expect(added(new Layers(), 'layer: one\nrules:\n  - { id: a, form: ZPI-1 }\n')).toEqual([
      '3:14 rules.0.form: no such key – did you mean from?',
    ]);
  });
});
