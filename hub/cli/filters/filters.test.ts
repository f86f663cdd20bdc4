import { describe, expect, it } from 'vitest';
import { YamlFile } from '../../../core/config/yaml-file.ts';
import { parse } from '../../../protocols/hl7v2/message.ts';
import { hl7v2Language } from '../../hl7v2-language.ts';
import { decide } from './filter-reasons.ts';
import { type FilterTree, readFilter } from './filter-tree.ts';
import { impossible, type Truth, truthOf } from './filter-truth.ts';
import { filterWords } from './filter-words.ts';

function tree(yaml: string): FilterTree {
  const file = new YamlFile('x.yaml', yaml);
  const read = readFilter(file, [], file.value);
  if (!read) throw new Error('it is no filter');
  return read;
}

describe('a filter in words', () => {
  it.for([
    ['MSH-9.1: ADT', 'MSH-9.1 is ADT'],
    ['MSH-9.2: [A01, A02, A03]', 'MSH-9.2 is A01, A02 or A03'],
    ['{ MSH-9.1: ADT, PV1-2: { not: [P, R] } }', 'MSH-9.1 is ADT and PV1-2 is not P or R'],
    ['PID-19: { exists: true }', 'PID-19 is there'],
    ['PID-19: { not: { exists: true } }', 'PID-19 is absent'],
    ['any: [{ PID-8: F }, { PID-8: M }]', 'PID-8 is F or PID-8 is M'],
    ['{ MSH-9.1: ADT, any: [{ PID-8: F }, { PID-8: M }] }', 'MSH-9.1 is ADT and (PID-8 is F or PID-8 is M)'],
    ['not: { PID-8: F }', 'not (PID-8 is F)'],
    ['PV1-3.4: 007', 'PV1-3.4 is 007'],
    ['PV1-3.4: { table: ris-sites }', 'PV1-3.4 is in the table ris-sites'],
    ['PV1-3.4: { not: { table: ris-sites } }', 'PV1-3.4 is not in the table ris-sites'],
    ['PID-3.5: { some: { not: MR } }', 'PID-3.5 has a value that is not MR'],
  ])('%s', ([yaml, words]) => {
    expect(filterWords(tree(yaml!))).toBe(words);
  });
});

describe('what a filter says of a type', () => {
  const facts = new Map([
    ['MSH-9.1', 'ADT'],
    ['MSH-9.2', 'A08'],
  ]);
  it.for<[string, Truth]>([
    ['MSH-9.1: ADT', 'yes'],
    ['MSH-9.1: ORU', 'no'],
    ['{ MSH-9.1: ADT, PV1-2: I }', 'depends'],
    ['{ MSH-9.1: ORU, PV1-2: I }', 'no'],
    ['any: [{ MSH-9.2: A08 }, { PV1-2: I }]', 'yes'],
    ['any: [{ MSH-9.2: A01 }, { PV1-2: I }]', 'depends'],
    ['not: { MSH-9.2: [A01, A08] }', 'no'],
    ['MSH-9.2: { not: A40 }', 'yes'],
  ])('%s: %s', ([yaml, truth]) => {
    expect(truthOf(tree(yaml), facts)).toBe(truth);
  });

  it('names only the conditions that are open', () => {
    const open: FilterTree[] = [];
    truthOf(tree('{ MSH-9.1: ADT, PV1-2: I }'), facts, open);
    expect(open.map((each) => filterWords(each))).toEqual(['PV1-2 is I']);
  });
});

describe('filters that leave nothing', () => {
  const together = (...yamls: readonly string[]) => impossible(yamls.map(tree));

  it('are found on fields of MSH', () => {
    expect(together('MSH-9.1: ADT', 'MSH-9.1: ORU')).toBe('MSH-9.1');
    expect(together('MSH-9.1: [ADT, ORU]', '{ not: { MSH-9.1: [ADT, ORU] } }')).toBe('MSH-9.1');
    expect(together('any: [{ MSH-9.2: A01 }, { MSH-9.2: A02 }]', 'MSH-9.2: { not: [A01, A02] }')).toBe('MSH-9.2');
  });

  it('are not seen where there may be several values, or where one is left', () => {
    expect(together('PID-3.5: MR', 'PID-3.5: SS')).toBeUndefined();
    expect(together('MSH-9.1: [ADT, ORU]', 'MSH-9.1: ORU')).toBeUndefined();
    expect(together('any: [{ MSH-9.1: ADT }, { PV1-2: I }]', 'MSH-9.1: ORU')).toBeUndefined();
    expect(together('MSH-9.1: { not: ADT }', 'MSH-9.2: A01')).toBeUndefined();
  });
});

describe('why a filter decided as it did', () => {
  const message = parse(Buffer.from('MSH|^~\\&|||||||ADT^A05|1|P|2.5.1\rPV1|1|P\r'));

  it('tells the condition that kept the message out, with what was there', () => {
    expect(decide(tree('{ MSH-9.1: ADT, MSH-9.2: [A01, A02] }'), message, hl7v2Language, new Map(), 0)).toEqual({
      passes: false,
      because: ['MSH-9.2 is A01 or A02: no, it is "A05"'],
    });
  });

  it('tells all that it met', () => {
    expect(decide(tree('{ MSH-9.1: ADT, PV1-3: { exists: false } }'), message, hl7v2Language, new Map(), 0)).toEqual({
      passes: true,
      because: ['MSH-9.1 is ADT: yes, it is "ADT"', 'PV1-3 is absent: yes, it is empty'],
    });
  });
});
