import { describe, expect, it } from 'vitest';
import { describeFormat } from '../core/testing/format-suite.ts';
import { fhirBundle, fhirResource } from './fhir.ts';

// Written with blanks, a decimal with a zero at its end, and an element out of order: what is not changed stays as it came.
const observation = Buffer.from(
  '{ "status": "final", "resourceType":"Observation",\r\n "code": {"text":"Kalium"}, "valueQuantity":{"value":4.10,"unit":"mmol/l"}}',
);
const bundle = Buffer.from(
  `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":${observation},"request":{"method":"POST","url":"Observation"}}]}`,
);

describeFormat({ format: fhirResource, samples: [observation, bundle] });
describeFormat({ format: fhirBundle, samples: [bundle] });

describe('the FHIR formats', () => {
  it('give values that no step can change behind the back of another', () => {
    const value = fhirResource.decode(observation, {});
    expect(() => Object.assign(value, { id: 'x' })).toThrow(TypeError);
    if (value.resourceType !== 'Observation') throw new Error(value.resourceType);
    expect(() => Object.assign(value.code!, { text: 'x' })).toThrow(TypeError);
    const { valueQuantity } = value;
    const changed = fhirResource.encode({ ...value, id: 'x' });
    expect(JSON.parse(Buffer.from(changed).toString())).toMatchObject({ id: 'x', valueQuantity });
  });

  it('take a byte order mark, and do not write it', () => {
    const marked = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), observation]);
    expect(Buffer.from(fhirResource.encode(fhirResource.decode(marked, {})))).toEqual(observation);
  });

  it.for([
    ['{"resourceType":"Patient",\n "name": Berger}', 'not JSON: expected a value at line 2, column 10'],
    ['{"resourceType":"Berger"}', 'the body has a resourceType that R4 does not have'],
    ['{"name":"Berger"}', 'the body has no resourceType'],
    ['["Berger"]', 'the body is no JSON object'],
    ['{"resourceType":"Bundle","entry":{"a":"Berger"}}', 'entry is no list'],
    [
      '{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Berger"}}]}',
      'entry[0].resource has a resourceType that R4 does not have',
    ],
    ['{"resourceType":"Bundle","entry":[{"request":{"url":7}}]}', 'entry[0].request.url is no text'],
    [`{"resourceType":"Basic","a":${'['.repeat(300)}${']'.repeat(300)}}`, 'nested deeper than 200'],
  ] as const)('say what is wrong with %s without quoting it', ([text, said]) => {
    expect(() => fhirResource.decode(Buffer.from(text), {})).toThrow(
      expect.objectContaining({ code: 'decode-failed' }),
    );
    expect(() => fhirResource.decode(Buffer.from(text), {})).toThrow(said);
    expect(() => fhirResource.decode(Buffer.from(text), {})).not.toThrow('Berger');
  });

  it('know a bundle from another resource', () => {
    expect(() => fhirBundle.decode(observation, {})).toThrow('decoding fhir.r4.Bundle: it is no bundle');
  });

  it('refuse to write what JSON cannot hold', () => {
    const cycle: Record<string, unknown> = { resourceType: 'Basic' };
    cycle.self = cycle;
    expect(() => fhirResource.encode(cycle as never)).toThrow('encoding fhir.r4: not a JSON value');
  });

  it('find the file in an attachment', () => {
    const data = 'QUJD'.repeat(500);
    const raw = Buffer.from(`{"resourceType":"Binary","contentType":"text/\\"plain\\\\","data":"${data}"}`);
    const [range] = fhirResource.largeValues!(raw, 1_000);
    expect(raw.subarray(...range!).toString()).toBe(data);
  });
});
