import { describe, expect, it } from 'vitest';
import { parse } from '../../protocols/hl7v2/message.ts';
import { convert } from './convert.ts';
import { explain } from './explain.ts';
import { MSH, made, order, PID } from './testing/made.ts';

const OBX = 'OBX|1|NM|2823-3^Potassium^LN||4.1|mmol/L^^UCUM||N|||F';

describe('coded values that have been met', () => {
  it('are elements of their own in each resource and in each message', () => {
    const once = made(order(OBX, OBX));
    const [first, second] = once.all('Observation');
    expect(first?.code).toEqual(second?.code);
    first!.code.coding![0]!.display = 'changed';
    first!.valueQuantity!.unit = 'changed';
    first!.interpretation![0]!.coding!.pop();
    expect(second?.code.coding?.[0]?.display).toBe('Potassium');
    const [again] = made(order(OBX)).all('Observation');
    expect(again).toMatchObject({
      code: { coding: [{ system: 'http://loinc.org', code: '2823-3', display: 'Potassium' }] },
      valueQuantity: { value: 4.1, unit: 'mmol/L' },
      interpretation: [{ coding: [{ code: 'N' }, { code: 'N' }] }],
    });
  });

  it('are told of and accounted for as they were the first time', () => {
    const message = [MSH, PID.replace('|F', '|Q'), 'AL1|1|DA^Drug allergy^HL70127|PEN^Penicillin^99LAB|SV'];
    const first = made(message);
    expect(first.codes).toContain('unknown-code');
    expect(made(message).issues).toEqual(first.issues);
    const lineage = () => explain(parse(Buffer.from(`${message.join('\r')}\r`))).leaves;
    const leaves = lineage();
    expect(leaves.filter(({ status }) => status === 'unmapped')).toEqual([]);
    expect(lineage()).toEqual(leaves);
  });

  it('are doctors, wards and laboratories, too: the same in each message, under the systems that its channel configures', () => {
    const message = [MSH, PID, 'PV1|1|I|3W^312^A^HOSP||||1001^Keller^Ruth^^^Dr^^^HOSP'];
    const first = made(message);
    const systems = { HOSP: 'urn:oid:1.2.3' };
    expect(made(message, { systems }).all('Practitioner')[0]?.identifier?.[0]?.system).toBe('urn:oid:1.2.3');
    const [practitioner] = first.all('Practitioner');
    expect(first.follow(practitioner?.identifier?.[0]?.assigner)).toMatchObject({ name: 'HOSP' });
    const bundle = structuredClone(first.bundle);
    practitioner!.name![0]!.family = 'changed';
    first.all('Location')[0]!.identifier!.pop();
    expect(made(message).bundle).toEqual(bundle);
  });

  it.each([
    ['other delimiters', 'MSH|*~\\&|', '2823-3*Potassium*LN', '2823-3', 'Potassium'],
    ['an escape', 'MSH|^~\\&|', '2823-3^Potas\\T\\sium^LN', '2823-3', 'Potas&sium'],
    ['letters beyond ASCII', 'MSH|^~\\&|', '2823-3^Kalium für Ä^LN', '2823-3', 'Kalium für Ä'],
  ])('are read anew with %s', (_, start, concept, code, display) => {
    made(order(OBX));
    const [msh = '', ...rest] = order(`OBX|1|ST|${concept}||a||||||F`);
    const hat = start[4]!;
    const lines = [msh.replace('MSH|^~\\&|', start).replace('ORU^R01^ORU_R01', `ORU${hat}R01${hat}ORU_R01`), ...rest];
    const { bundle } = convert(parse(Buffer.from(`${lines.join('\r')}\r`)));
    const observation = bundle.entry?.find(({ resource }) => resource?.resourceType === 'Observation')?.resource;
    expect(observation).toMatchObject({ code: { coding: [{ code, display }] } });
  });
});
