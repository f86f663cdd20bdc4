import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HubError } from '../../core/errors.ts';
import { hasErrors, validate } from '../../protocols/hl7v2/schema/validate.ts';
import { type ReturnOptions, toHl7v2 } from './to-hl7v2.ts';

const fixtures = new URL('../../test-fixtures/fhir-to-hl7v2/', import.meta.url);
const systems = { HOSP: 'urn:oid:2.16.840.1.113883.19.7.1' };
const bundleIn = (name: string): unknown => JSON.parse(readFileSync(new URL(name, fixtures), 'utf8'));
const names = readdirSync(fixtures).filter((name) => name.endsWith('.json'));

function made(name: string, options: ReturnOptions = {}) {
  const { message, issues } = toHl7v2(bundleIn(name), { systems, ...options });
  const segments = message
    .text()
    .split('\r')
    .filter((line) => line !== '');
  return { message, issues, names: segments.map((line) => line.slice(0, 3)), segments };
}

function bundle(...resources: readonly object[]): object {
  return { resourceType: 'Bundle', type: 'collection', entry: resources.map((resource) => ({ resource })) };
}

describe('a bundle that no v2 message was', () => {
  it.for(names)('is a valid message: %s', (name) => {
    const { message } = made(name);
    expect(hasErrors(validate(message))).toBe(false);
    for (const version of ['2.4', '2.5', '2.6', '2.8']) {
      const other = made(name, { version }).message;
      expect(other.version).toBe(version);
      // Older versions have no name for UTF-8, and the bytes are nothing else.
      const wrong = validate(other).filter(
        ({ severity, path }) => severity === 'error' && !path.startsWith('MSH[1]-18'),
      );
      expect(wrong).toEqual([]);
    }
  });

  it.for(names)('gives the same bytes each time: %s', (name) => {
    expect(Buffer.from(made(name).message.raw).equals(Buffer.from(made(name).message.raw))).toBe(true);
  });

  it('is an admission where it is about a visit', () => {
    const { message, names } = made('patient-encounter.json');
    expect(names).toEqual(['MSH', 'EVN', 'PID', 'NK1', 'PV1']);
    expect(message.type).toBe('ADT^A01');
    expect(message.structure).toBe('ADT_A01');
    expect(message.controlId).toBe('M-1001');
    expect(message.get('MSH-7')).toBe('20260302081500+0100');
    expect(message.get('PID-3')).toBe('4719001^^^HOSP^MR');
    expect(message.get('PID-5')).toBe('Möller^Tea^Anna^^Dr.^^L');
    expect(message.get('PID-19')).toBe('755-01-9109');
    expect(message.get('PV1-2')).toBe('I');
    expect(message.get('PV1-3')).toBe('3W^^A');
    expect(message.get('PV1-7')).toBe('1101^Kellner^Ruta^^^Dr.^^^HOSP');
    expect(message.get('PV1-19')).toBe('V9001^^^&2.16.840.1.113883.19.7.2&ISO');
  });

  it('is an update of a person where it is about nothing else, with a PV1 of no visit', () => {
    const { message } = made('patient.json');
    expect(message.type).toBe('ADT^A31');
    expect(message.get('PV1-2')).toBe('N');
  });

  it('is results, with their order, their panels in parts and their notes', () => {
    const { message, names } = made('report.json');
    expect(names.join(' ')).toBe('MSH PID NK1 ORC OBR OBX NTE OBX OBX OBX OBX SPM');
    expect(message.all('OBX-2')).toEqual(['NM', 'SN', 'CWE', 'NM', 'NM']);
    expect(message.all('OBX-3.1')).toEqual(['2160-0', '2823-3', '882-1', '8480-6', '8462-4']);
    expect(message.get('OBX[2]-5')).toBe('<^3');
    expect(message.get('OBX-7')).toBe('45-84');
    expect(message.get('NTE-3')).toBe('Fasting.\nSecond line.');
    expect(message.get('OBR-2.1')).toBe('ORD-55');
    expect(message.get('OBR-3.1')).toBe('L-7701');
    expect(message.get('SPM-17')).toBe('20260302072500+0100');
  });

  it('has an OBR for an observation that no report holds', () => {
    const { message } = made('observation.json');
    expect(message.type).toBe('ORU^R01');
    expect(message.get('OBR-4')).toBe('8867-4^Heart rate^LN');
  });

  it('is an order, an appointment or a vaccination', () => {
    expect(made('order.json').names.join(' ')).toBe('MSH PID NK1 ORC TQ1 OBR NTE SPM');
    expect(made('order.json').message.get('ORC-1')).toBe('NW');
    const appointment = made('appointment.json').message;
    expect(appointment.type).toBe('SIU^S12');
    expect(appointment.get('SCH-11')).toBe('^^^20260305100000+0100^20260305103000+0100');
    expect(appointment.get('AIP-3.2')).toBe('Kellner');
    const vaccination = made('immunization.json').message;
    expect(vaccination.type).toBe('VXU^V04');
    expect(vaccination.get('RXA-5')).toBe('207^COVID-19, mRNA, LNP-S^CVX');
    expect(vaccination.get('RXA-17')).toBe('PFR^Pfizer, Inc^MVX');
    expect(vaccination.get('RXR-1.1')).toBe('IM');
  });

  it('is of the type, the names and the zone that are configured', () => {
    const { message } = made('patient-encounter.json', {
      type: 'ADT^A08',
      sendingApplication: 'WEIR',
      receivingFacility: 'SEEBURG',
      zone: 'America/New_York',
    });
    expect(message.type).toBe('ADT^A08');
    expect(message.get('MSH-3')).toBe('WEIR');
    expect(message.get('MSH-6')).toBe('SEEBURG');
    expect(message.get('PV1-44')).toBe('20260302020000-0500');
  });

  it('says what does not land, and what the standard requires besides', () => {
    const { issues } = made('patient-encounter.json');
    const told = issues.map(({ code, path }) => `${code} ${path}`);
    expect(told).toContain('not-landed Patient.photo.url');
    expect(told).not.toContain('not-landed Patient.birthDate');
    expect(JSON.stringify(issues)).not.toContain('fhir.example');
  });

  it('escapes what a message would take for delimiters', () => {
    const { message } = toHl7v2(bundle({ resourceType: 'Patient', name: [{ family: 'A|B^C~D\\E&F' }] }));
    expect(message.text()).toContain('A\\F\\B\\S\\C\\R\\D\\E\\E\\T\\F');
    expect(message.get('PID-5.1.1')).toBe('A|B^C~D\\E&F');
  });

  it('has MSH-7 of when it came, where it says no time', () => {
    const { message } = toHl7v2(bundle({ resourceType: 'Patient' }), { receivedAt: Date.UTC(2026, 2, 2, 8) });
    expect(message.get('MSH-7')).toBe('20260302080000+0000');
  });
});

describe('what is no message', () => {
  it.for([undefined, null, 7, 'Bundle', [], {}, { resourceType: 'Patient' }])('is refused: %j', (value) => {
    expect(() => toHl7v2(value)).toThrow(HubError);
    expect(() => toHl7v2(value)).toThrow('writing a bundle as HL7 v2: it is no Bundle');
  });

  it('is refused where nothing says what it is about', () => {
    expect(() => toHl7v2(bundle())).toThrow('it holds nothing that a message is about');
    expect(() => toHl7v2(bundle({ resourceType: 'Medication' }))).toThrow(HubError);
    const header = { resourceType: 'MessageHeader', eventCoding: { code: 'P03', display: 'DFT^P03^DFT_P03' } };
    expect(() => toHl7v2(bundle(header))).toThrow('there is no way back to messages DFT');
  });
});

describe('odd bundles', () => {
  const types = [
    'Patient',
    'Encounter',
    'Observation',
    'DiagnosticReport',
    'ServiceRequest',
    'Appointment',
    'Immunization',
  ];
  const others = [
    'MessageHeader',
    'Provenance',
    'Practitioner',
    'Organization',
    'Location',
    'Specimen',
    'Basic',
    'Account',
  ];
  const keys = [
    ...[
      'identifier',
      'name',
      'telecom',
      'address',
      'contact',
      'extension',
      'code',
      'coding',
      'system',
      'value',
      'type',
    ],
    ...[
      'subject',
      'patient',
      'reference',
      'result',
      'basedOn',
      'note',
      'text',
      'status',
      'period',
      'start',
      'end',
      'url',
    ],
    ...[
      'valueQuantity',
      'valueString',
      'valueCode',
      'participant',
      'actor',
      'individual',
      'performer',
      'component',
      'link',
    ],
    ...[
      'line',
      'given',
      'family',
      'birthDate',
      '_birthDate',
      'assigner',
      'partOf',
      'location',
      'target',
      'activity',
      'display',
    ],
  ];
  const texts = fc.oneof(
    fc.string(),
    fc.constantFrom(
      'urn:weir:hl7v2:from',
      'urn:weir:hl7v2:PID-5.1',
      'PID-2',
      '2026-03-02T08:00:00Z',
      'Patient/0',
      'Location/1',
    ),
  );
  const { junk } = fc.letrec((tie) => ({
    junk: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      texts,
      fc.double(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('junk'), { maxLength: 4 }),
      fc.dictionary(fc.constantFrom(...keys), tie('junk'), { maxKeys: 6 }),
    ),
  }));
  const resource = fc
    .tuple(
      fc.constantFrom(...types, ...others),
      fc.nat(3),
      fc.dictionary(fc.constantFrom(...keys), junk, { maxKeys: 10 }),
    )
    .map(([resourceType, id, elements]) => ({ ...elements, resourceType, id: String(id) }));

  it('are messages, or refused with a clear error, and nothing else', () => {
    const entries = fc.array(
      fc.oneof(
        resource.map((each) => ({ fullUrl: `${each.resourceType}/${each.id}`, resource: each })),
        junk,
      ),
      { maxLength: 8 },
    );
    const property = fc.property(entries, fc.boolean(), (entry, own) => {
      const mark = { resourceType: 'Provenance', activity: { coding: [{ code: 'v2-fhir-transformation' }] } };
      const all = own ? [...entry, { resource: mark }] : entry;
      try {
        const { message } = toHl7v2({ resourceType: 'Bundle', entry: all });
        validate(message);
      } catch (thrown) {
        if (!(thrown instanceof HubError)) throw thrown;
      }
    });
    fc.assert(property, { numRuns: 1500 });
  });

  it('may refer to themselves', () => {
    const place = { resourceType: 'Location', id: '1', name: 'W', partOf: { reference: 'Location/1' } };
    const visit = {
      resourceType: 'Encounter',
      id: '2',
      subject: { reference: 'Patient/3' },
      location: [{ location: { reference: 'Location/1' } }],
    };
    const patient = {
      resourceType: 'Patient',
      id: '3',
      link: [{ type: 'replaced-by', other: { reference: 'Patient/3' } }],
    };
    const panel = { resourceType: 'Observation', id: '4', hasMember: [{ reference: 'Observation/4' }] };
    expect(toHl7v2(bundle(place, visit, patient, panel)).message.type).toBe('ADT^A04');
    expect(toHl7v2(bundle(panel)).message.type).toBe('ORU^R01');
  });
});
