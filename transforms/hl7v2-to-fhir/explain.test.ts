import { describe, expect, it } from 'vitest';
import { parse } from '../../protocols/hl7v2/message.ts';
import { explain } from './explain.ts';

const message = parse(
  Buffer.from(
    'MSH|^~\\&|EHR|HOSP|||20260302081500+0100||ADT^A01^ADT_A01|C1|P|2.5.1\rPID|1||4711^^^HOSP^MR||Berger^Anna||||||||||||||||||||||||||||||||\rPV1|1|I|||||1001^Keller\rZZZ|a\r',
  ),
);
const { leaves, elements, bundle } = explain(message);
const leaf = (path: string) => leaves.find((each) => each.path === path);

describe('explaining a message', () => {
  it('tells of each leaf where it went, and by which rows', () => {
    const [patient] = (bundle.entry ?? []).flatMap(({ resource }) =>
      resource?.resourceType === 'Patient' ? resource : [],
    );
    expect(leaf('PID[1]-5[1].1.1')).toEqual({
      path: 'PID[1]-5[1].1.1',
      status: 'mapped',
      to: [
        {
          resource: `Patient/${patient?.id}`,
          element: 'Patient.name.family',
          rows: ['PID[Patient] 7', 'FN[HumanName] 3'],
        },
      ],
    });
    expect(leaf('PID[1]-3[1].4.1')?.to[0]?.element).toBe('Patient.identifier.assigner(Organization).identifier.value');
    expect(leaf('PV1[1]-7[1].2.1')?.to[0]?.element).toBe('Encounter.participant.individual(Practitioner).name.family');
  });

  it('tells of a header’s facility the organization that it is, of units the value that has them', () => {
    const result = explain(
      parse(
        Buffer.from(
          'MSH|^~\\&|LAB|HOSP|EHR|CLINIC|20260302081500+0100||ORU^R01^ORU_R01|C2|P|2.5.1\rPID|1||4711\rOBR|1|||718-7^Hb^LN\rOBX|1|NM|718-7^Hb^LN||13.2|g/dL|||||F\r',
        ),
      ),
    );
    const to = (path: string) => result.leaves.find((each) => each.path === path)?.to[0];
    expect(to('OBX[1]-6[1].1.1')?.element).toBe('Observation.valueQuantity.code');
    for (const path of ['MSH[1]-4[1].1.1', 'MSH[1]-6[1].1.1'])
      expect(to(path)?.resource).toMatch(/^Organization\/[\da-f-]{36}$/);
    expect(to('MSH[1]-4[1].1.1')?.resource).not.toBe(to('MSH[1]-6[1].1.1')?.resource);
    expect(to('MSH[1]-5[1].1.1')).toMatchObject({ element: expect.stringMatching(/^Device\./) });
  });

  it('tells what is kept, and what is left out for which reason', () => {
    expect(leaf('ZZZ[1]-1[1].1.1')).toMatchObject({
      status: 'kept',
      to: [{ element: 'Basic.extension(urn:weir:hl7v2:ZZZ-1)' }],
    });
    expect(leaf('PID[1]-1[1].1.1')).toEqual({
      path: 'PID[1]-1[1].1.1',
      status: 'ignored',
      to: [],
      reason: 'a sequence number within the message',
    });
  });

  it('accounts for every leaf', () => {
    expect(leaves.filter(({ status }) => status === 'unmapped')).toEqual([]);
    expect(leaves.length).toBeGreaterThan(15);
  });

  it('tells of an element what it was made of', () => {
    const made = elements.find(({ element }) => element === 'Encounter.class.code');
    expect(made?.from).toEqual(['PV1[1]-2[1].1.1']);
  });
});
