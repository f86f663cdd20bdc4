import { describe, expect, it } from 'vitest';
import type { ConvertOptions } from './convert.ts';
import { MSH, made, order, PID } from './testing/made.ts';

describe('an admission', () => {
  it('is a message with its header first, its patient and his visit', () => {
    const { bundle, all, follow } = made([
      MSH,
      PID,
      'PV1|1|I|3W^312^A^HOSP||||1001^Keller^Ruth^^^Dr^^^HOSP||||||||||||V1^^^HOSP^VN',
    ]);
    expect(bundle).toMatchObject({
      type: 'message',
      timestamp: '2026-03-02T08:15:00+01:00',
      identifier: { value: 'C1' },
    });
    expect(bundle.entry?.[0]?.resource?.resourceType).toBe('MessageHeader');
    const [patient] = all('Patient');
    expect(patient).toMatchObject({
      identifier: [{ system: 'urn:weir:hl7v2:namespace:HOSP', value: '4711001', type: { coding: [{ code: 'MR' }] } }],
      name: [{ use: 'official', family: 'Berger', given: ['Anna', 'Maria'] }],
      birthDate: '1958-04-17',
      gender: 'female',
    });
    const [encounter] = all('Encounter');
    expect(encounter).toMatchObject({ status: 'in-progress', class: { code: 'IMP' }, identifier: [{ value: 'V1' }] });
    expect(follow(encounter?.subject)).toBe(patient);
    expect(follow(encounter?.participant?.[0]?.individual)).toMatchObject({
      resourceType: 'Practitioner',
      name: [{ family: 'Keller', given: ['Ruth'], prefix: ['Dr'] }],
    });
    const bed = follow(encounter?.location?.[0]?.location) as { partOf?: { reference?: string } };
    expect(bed).toMatchObject({ resourceType: 'Location', identifier: [{ value: 'A' }] });
    expect(follow(bed.partOf)).toMatchObject({ identifier: [{ value: '312' }] });
  });

  it('has one organization for an authority that is named often', () => {
    const { all } = made([MSH, `${PID}~`, 'PV1|1|I|||||1^A^^^^^^^HOSP|2^B^^^^^^^HOSP|3^C^^^^^^^HOSP']);
    expect(all('Organization').filter(({ name }) => name === 'HOSP')).toHaveLength(1);
  });

  it('has the address of a laboratory once, whatever number of results say it, and keeps the rest of each with its result', () => {
    const lab1 = 'Lab One^^^^^ISO^XX^^^L1|1 Mole St^^Seeburg^^10115^^O';
    const result = (n: number) => `OBX|${n}|NM|${n}^Analyte^LN||1||||||F||||||||||||${lab1}`;
    const { all } = made(order(result(1), result(2), result(3)));
    const [lab, ...others] = all('Organization').filter(({ name }) => name === 'Lab One');
    expect(others).toEqual([]);
    expect(lab?.address).toHaveLength(1);
    expect(JSON.stringify(all('Observation')[2])).toContain('OBX-24.7');
  });

  it('takes a value of thousands of repetitions, components and subcomponents whole', () => {
    const lines = Array.from({ length: 3_000 }, (_, n) => `line ${n}`);
    const { all } = made(
      order(`OBX|1|TX|1^Text^LN||${lines.join('~')}||||||F`, `OBX|2|ST|2^Text^LN||${lines.join('^')}&x||||||F`),
    );
    expect(all('Observation').map(({ valueString }) => valueString)).toEqual([
      lines.join('\n'),
      `${lines.join('^')}&x`,
    ]);
  });

  it('takes the systems of authorities from the configuration', () => {
    const { all } = made([MSH, PID], { systems: { HOSP: 'urn:oid:1.2.276.0.76' } });
    expect(all('Patient')[0]?.identifier?.[0]?.system).toBe('urn:oid:1.2.276.0.76');
  });

  it('can be a transaction that puts every resource under its id', () => {
    const { bundle } = made([MSH, PID], { bundle: 'transaction' });
    for (const { request, resource } of bundle.entry ?? []) {
      expect(request).toEqual({ method: 'PUT', url: `${resource?.resourceType}/${resource?.id}` });
    }
  });

  it('is the same to the byte when it is converted again, and the patient has the same id in another message', () => {
    const once = made([MSH, PID]);
    expect(JSON.stringify(made([MSH, PID]).bundle)).toBe(JSON.stringify(once.bundle));
    const later = made([MSH.replace('C1', 'C2'), PID.replace('Anna', 'Anne')]);
    expect(later.all('Patient')[0]?.id).toBe(once.all('Patient')[0]?.id);
    expect(later.bundle.id).not.toBe(once.bundle.id);
  });
});

describe('times', () => {
  const deathAt = (text: string, options: ConvertOptions = {}, msh = MSH) => {
    const { all, codes } = made([msh, `${PID}${'|'.repeat(21)}${text}`], options);
    return [all('Patient')[0]?.deceasedDateTime, codes.filter((code) => code !== 'absent-segment')] as const;
  };
  const bare = MSH.replace('+0100', '');

  it.each([
    ['2026', '2026'],
    ['202603', '2026-03'],
    ['20260302', '2026-03-02'],
    ['2026030208', '2026-03-02T08:00:00+01:00'],
    ['202603020815', '2026-03-02T08:15:00+01:00'],
    ['20260302081530.25-0500', '2026-03-02T08:15:30.25-05:00'],
  ])('%s are as precise as they were sent', (text, expected) => {
    expect(deathAt(text)[0]).toBe(expected);
  });

  it('without a zone are in the configured one, else in that of MSH-7, else in UTC, which is told', () => {
    expect(deathAt('20260702081500', { zone: 'Europe/Berlin' })[0]).toBe('2026-07-02T08:15:00+02:00');
    expect(deathAt('20260702081500')[0]).toBe('2026-07-02T08:15:00+01:00');
    expect(deathAt('20260702081500', {}, bare)).toEqual(['2026-07-02T08:15:00Z', ['zone-assumed']]);
  });

  it.each([
    '20240230',
    '20261301',
    '2026-03-02',
    '202603022500',
    'soon',
    '0000',
  ])('%s is no time: it is told, and kept', (text) => {
    const { all, codes } = made([MSH, `${PID}${'|'.repeat(21)}${text}`]);
    expect(codes).toContain('bad-date');
    expect(all('Patient')[0]?.deceasedDateTime).toBeUndefined();
    expect(all('Patient')[0]?.extension).toContainEqual({ url: 'urn:weir:hl7v2:PID-29', valueString: text });
  });
});

describe('what no map places', () => {
  it('is kept under its v2 path, typed where it is whole', () => {
    const { all } = made([MSH, 'PID|1||1^^^HOSP^MR|||||||2106-3^White^HL70005']);
    expect(all('Patient')[0]?.extension).toEqual([
      {
        url: 'urn:weir:hl7v2:PID-10',
        valueCodeableConcept: {
          coding: [
            {
              system: 'http://terminology.hl7.org/CodeSystem/v2-0005',
              code: '2106-3',
              display: 'White',
              // What the table says all the same was sent: so the way back knows.
              extension: [{ url: 'urn:weir:hl7v2:at', valueString: '2 3' }],
            },
          ],
        },
      },
    ]);
  });

  it('is beside the element that the rest of its value went into', () => {
    const { all } = made([MSH, 'PID|1||1^^^HOSP^MR^FAC']);
    expect(all('Patient')[0]?.identifier?.[0]?.extension).toEqual([
      { url: 'urn:weir:hl7v2:PID-3.6', valueString: 'FAC' },
    ]);
  });

  it('is a resource of its own for a segment of the site', () => {
    const { all, codes, follow } = made([MSH, PID, 'ZPI|a^b|c']);
    const [basic] = all('Basic');
    expect(basic?.code.coding).toEqual([{ system: 'urn:weir:hl7v2:segment', code: 'ZPI' }]);
    expect(basic?.extension?.map(({ valueString }) => valueString)).toEqual(['a', 'b', 'c']);
    expect(follow(basic?.subject)?.resourceType).toBe('Patient');
    expect(codes).toContain('unmapped-segment');
  });

  it('is told as to be deleted where the sender wrote ""', () => {
    const { all, bundle, codes } = made([MSH, `${PID}||""|""^^X`]);
    expect(all('Patient')[0]?.extension).toContainEqual({ url: 'urn:weir:hl7v2:delete', valueString: 'PID-10' });
    expect(JSON.stringify(bundle)).not.toContain('\\"\\"');
    expect(codes).toContain('delete');
  });

  it('is not lost where a message tells of the same one twice and otherwise: those are two', () => {
    const visit = (type: string, ward: string) => `PV1|1|${type}|${ward}||||||||||||||||V1^^^HOSP&1.2.3&ISO^VN`;
    const { all, follow } = made([MSH, PID, visit('I', '3W'), visit('O', '4E')]);
    expect(all('Encounter').map((each) => each.class?.code)).toEqual(['IMP', 'AMB']);
    const places = all('Encounter').map((each) => follow(each.location?.[0]?.location));
    expect(places.map((each) => (each?.resourceType === 'Location' ? each.identifier?.[0]?.value : ''))).toEqual([
      '3W',
      '4E',
    ]);
    const same = made([MSH, PID, visit('I', '3W'), visit('I', '4E')]);
    expect(same.all('Encounter')).toHaveLength(1);
    expect(same.all('Encounter')[0]?.location).toHaveLength(2);
  });

  it('names the part that is to be deleted', () => {
    const { all } = made([MSH, PID, 'NK1|1|Roe^""']);
    expect(all('RelatedPerson')[0]?.extension).toContainEqual({ url: 'urn:weir:hl7v2:delete', valueString: 'NK1-2.2' });
  });

  it('is a date that stands where only the first subcomponent would be one', () => {
    const { all } = made([MSH, PID.replace('HOSP^MR', 'HOSP^MR^^&20260101^&20270101')]);
    expect(JSON.stringify(all('Patient')[0])).toMatch(/PID-3\.7\.2","valueString":"20260101".*PID-3\.8\.2/);
  });

  it('says which repetition it was where that does not show', () => {
    const { all } = made([MSH, PID, 'PV1|1|I|3W^312~4E^401~5N']);
    const kept = all('Encounter')[0]?.extension?.filter(({ url }) => url === 'urn:weir:hl7v2:PV1-3');
    const places = kept?.map(({ valueReference }) => valueReference?.extension?.[0]);
    expect(places).toEqual([2, 3].map((n) => ({ url: 'urn:weir:hl7v2:place', valueString: `repetition=${n}` })));
  });

  it('says which segment it was of several that one resource keeps values of', () => {
    const { all } = made([MSH, PID, 'PV1|1|I', 'ARV|1|A', 'ARV|2|D']);
    const kept = all('Encounter')[0]?.extension?.filter(({ url }) => url === 'urn:weir:hl7v2:ARV-2');
    expect(kept?.map((each) => each.valueCodeableConcept?.extension)).toEqual([
      undefined,
      [{ url: 'urn:weir:hl7v2:place', valueString: 'segment=2' }],
    ]);
  });

  it('is a code that its element does not take, and a code that leads back to another one', () => {
    const strange = made([MSH, PID.replace('|F', '|Q')]);
    expect(strange.all('Patient')[0]?.gender).toBeUndefined();
    expect(strange.all('Patient')[0]?.extension).toContainEqual(
      expect.objectContaining({ url: 'urn:weir:hl7v2:PID-8' }),
    );
    expect(strange.codes).toContain('unknown-code');
    const ambiguous = made([MSH, PID.replace('|F', '|A')]).all('Patient')[0];
    expect(ambiguous).toMatchObject({ gender: 'other' });
    expect(ambiguous?.extension).toContainEqual(expect.objectContaining({ url: 'urn:weir:hl7v2:PID-8' }));
  });
});

describe('a result', () => {
  it('is a report on a request, with its observations', () => {
    const { all, follow } = made(
      order('OBX|1|NM|2823-3^Potassium^LN||6.90|mmol/L^^UCUM|3.5-5.1|HH|||F', 'NTE|1||repeated'),
    );
    const [report] = all('DiagnosticReport');
    expect(report).toMatchObject({
      status: 'final',
      code: { coding: [{ system: 'http://loinc.org', code: '24323-8' }] },
    });
    expect(follow(report?.basedOn?.[0])).toMatchObject({ resourceType: 'ServiceRequest', intent: 'order' });
    const [observation] = all('Observation');
    expect(follow(report?.result?.[0])).toBe(observation);
    expect(observation).toMatchObject({
      status: 'final',
      valueQuantity: { value: 6.9, unit: 'mmol/L', system: 'http://unitsofmeasure.org', code: 'mmol/L' },
      referenceRange: [{ text: '3.5-5.1' }],
      note: [{ text: 'repeated' }],
    });
    expect(JSON.stringify(observation)).toContain('{"url":"urn:weir:hl7v2:as-sent","valueString":"6.90"}');
  });

  it.each([
    ['ST', 'a & b', { valueString: 'a & b' }],
    ['TX', 'one~two', { valueString: 'one\ntwo' }],
    ['FT', 'one\\.br\\two', { valueString: 'one\ntwo' }],
    ['CWE', 'P^Positive^L', { valueCodeableConcept: { coding: [{ code: 'P', display: 'Positive' }] } }],
    ['SN', '>^100', { valueQuantity: { comparator: '>', value: 100 } }],
    ['SN', '^1^:^128', { valueRatio: { numerator: { value: 1 }, denominator: { value: 128 } } }],
    ['SN', '^10^-^20', { valueRange: { low: { value: 10 }, high: { value: 20 } } }],
    ['SN', '^10^-^2', { valueString: '10 - 2' }],
    ['DT', '20260302', { valueDateTime: '2026-03-02' }],
    ['TM', '0815', { valueTime: '08:15:00' }],
    ['NM', 'much', { valueString: 'much' }],
    ['XX', 'a^b', { valueString: 'a^b' }],
    ['', 'text', { valueString: 'text' }],
  ])('has the value of type %s', (type, value, expected) => {
    const [observation] = made(order(`OBX|1|${type}|1^X^LN||${value}||||||F`)).all('Observation');
    expect(observation).toMatchObject(expected);
    expect(Object.keys(observation ?? {}).filter((key) => key.startsWith('value'))).toHaveLength(1);
  });

  it('has a component for each of several values', () => {
    const [observation] = made(order('OBX|1|CWE|1^X^LN||A^a^L~B^b^L||||||F')).all('Observation');
    expect(observation?.component?.map(({ valueCodeableConcept }) => valueCodeableConcept?.coding?.[0]?.code)).toEqual([
      'A',
      'B',
    ]);
  });

  it.each([
    ['ED', '^Application^PDF^Base64^JVBERi0=', { contentType: 'application/pdf', data: 'JVBERi0=' }],
    ['ED', '^TEXT^^A^hello', { contentType: 'text/plain', data: 'aGVsbG8=' }],
    ['ED', '^TEXT^^Hex^68690a', { contentType: 'text/plain', data: 'aGkK' }],
    ['RP', 'https://pacs.example/1^PACS^Image^JPEG', { contentType: 'image/jpeg', url: 'https://pacs.example/1' }],
  ])('keeps a document of type %s as one', (type, value, attachment) => {
    const { all, follow } = made(order(`OBX|1|${type}|1^X^LN||${value}||||||F`));
    expect(follow(all('Observation')[0]?.derivedFrom?.[0])).toMatchObject({ content: [{ attachment }] });
  });

  it('tells data that are none, and keeps them as text', () => {
    const { all, codes } = made(order('OBX|1|ED|1^X^LN||^Application^PDF^Base64^%%%||||||F'));
    expect(codes).toContain('bad-data');
    expect(all('DocumentReference')).toEqual([]);
    expect(all('Observation')[0]?.valueString).toContain('%%%');
  });

  it('is about its specimen, and what stands under the specimen is about that', () => {
    const { all, follow } = made(
      order('OBX|1|ST|1^X^LN||a||||||F', 'SPM|1|S1&LAB||BLD^Blood^HL70487', 'OBX|2|ST|2^Y^LN||b||||||F'),
    );
    const [specimen] = all('Specimen');
    expect(specimen?.type?.coding?.map(({ code }) => code)).toContain('BLD');
    expect(follow(all('DiagnosticReport')[0]?.specimen?.[0])).toBe(specimen);
    expect(follow(all('Observation')[1]?.focus?.[0])).toBe(specimen);
    expect(all('DiagnosticReport')[0]?.result).toHaveLength(1);
  });
});
