import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from '../message.ts';
import type { GroupNode, SegmentNode } from './definition.ts';
import { group } from './group.ts';
import { Group } from './grouped.ts';
import { schemaOf } from './schema.ts';
import { structureOf } from './structure-of.ts';
import { validate } from './validate.ts';
import { VERSIONS } from './versions.ts';

const fixture = (name: string) => parse(readFileSync(new URL(`../../../test-fixtures/hl7v2/${name}`, import.meta.url)));
const of = (names: readonly string[]) => parse(Buffer.from(names.map(segmentText).join('\r')));
const segmentText = (name: string) => (name === 'MSH' ? 'MSH|^~\\&|' : `${name}|1`);

/** `ADT_A01(MSH PROCEDURE(PR1))`. */
function drawn(part: Group['children'][number]): string {
  return part instanceof Group ? `${part.name}(${part.children.map(drawn).join(' ')})` : part.name;
}

function grouped(structure: string, names: string, version = '2.5.1') {
  const found = group(of(names.split(' ')), schemaOf(version).structure(structure)!);
  return { tree: drawn(found.root), misplaced: found.misplaced };
}

describe('a message that follows its structure', () => {
  it.each([
    [
      'oru-r01.hl7',
      'ORU_R01(MSH PATIENT_RESULT(PATIENT(PID VISIT(PV1)) ORDER_OBSERVATION(ORC OBR OBSERVATION(OBX) OBSERVATION(OBX NTE))))',
    ],
    [
      'oml-o21.hl7',
      'OML_O21(MSH PATIENT(PID PATIENT_VISIT(PV1)) ORDER(ORC TIMING(TQ1) OBSERVATION_REQUEST(OBR SPECIMEN(SPM))) ORDER(ORC OBSERVATION_REQUEST(OBR)))',
    ],
    ['adt-a08-z.hl7', 'ADT_A01(MSH EVN PID ZPI PV1 ZZ1)'],
    ['ack-ae-2.3.hl7', 'ACK(MSH MSA ERR)'],
  ])('%s is grouped by it', (name, tree) => {
    const message = fixture(name);
    const { root, misplaced } = group(message, structureOf(message)!);
    expect(drawn(root)).toBe(tree);
    expect(misplaced).toEqual([]);
  });

  it('begins a group again where its first segments come again', () => {
    expect(grouped('ORU_R01', 'MSH PID OBR OBX OBX OBR OBX NTE PID ORC OBR').tree).toBe(
      'ORU_R01(MSH PATIENT_RESULT(PATIENT(PID) ORDER_OBSERVATION(OBR OBSERVATION(OBX) OBSERVATION(OBX)) ORDER_OBSERVATION(OBR OBSERVATION(OBX NTE))) PATIENT_RESULT(PATIENT(PID) ORDER_OBSERVATION(ORC OBR)))',
    );
  });

  it('has a segment that stands twice in the structure at the nearer place', () => {
    expect(grouped('ADT_A01', 'MSH EVN PID ROL PV1 ROL PR1 ROL IN1 ROL').tree).toBe(
      'ADT_A01(MSH EVN PID ROL PV1 ROL PROCEDURE(PR1 ROL) INSURANCE(IN1 ROL))',
    );
  });

  it('takes a new order for one, not for a prior result, unless what follows shows it', () => {
    expect(grouped('OML_O21', 'MSH PID ORC OBR ORC OBR OBX').tree).toBe(
      'OML_O21(MSH PATIENT(PID) ORDER(ORC OBSERVATION_REQUEST(OBR)) ORDER(ORC OBSERVATION_REQUEST(OBR OBSERVATION(OBX))))',
    );
    expect(grouped('OML_O21', 'MSH PID ORC OBR PID ORC OBR OBX').tree).toBe(
      'OML_O21(MSH PATIENT(PID) ORDER(ORC OBSERVATION_REQUEST(OBR PRIOR_RESULT(PATIENT_PRIOR(PID) ORDER_PRIOR(ORC OBR OBSERVATION_PRIOR(OBX))))))',
    );
  });

  it('is told from its start to its end: what shows late still counts', () => {
    // SPM has no place in a prior result, so that the second ORC begins an order.
    expect(grouped('OML_O21', 'MSH ORC OBR AL1 ORC OBR OBX ORC OBR SPM').tree).toContain(
      'ORDER(ORC OBSERVATION_REQUEST(OBR SPECIMEN(SPM)))',
    );
  });

  it('fills choices and wildcards', () => {
    expect(grouped('ORM_O01', 'MSH PID ORC RXO NTE ORC OBR').tree).toBe(
      'ORM_O01(MSH PATIENT(PID) ORDER(ORC ORDER_DETAIL(OBRRQDRQ1RXOODSODT_SUPPGRP(RXO) NTE)) ORDER(ORC ORDER_DETAIL(OBRRQDRQ1RXOODSODT_SUPPGRP(OBR))))',
    );
    const { tree, misplaced } = grouped('PRR_PC5', 'MSH MSA QRD PID PRB ORC RXO', '2.5');
    expect(tree).toContain('ORDER(ORC ORDER_DETAIL(CHOICE(RXO)))');
    expect(misplaced).toEqual([]);
  });

  it('has every segment at a place of its own, whatever structure of whatever version it is made from', () => {
    const structures = VERSIONS.flatMap((version) => {
      const schema = schemaOf(version);
      return schema.structureNames.map((name) => schema.structure(name)!);
    });
    let unequal = '';
    fc.assert(
      fc.property(fc.constantFrom(...structures), fc.infiniteStream(fc.nat(99)), (structure, stream) => {
        const draw = () => stream.next().value as number;
        const names = [...made(structure.root, draw)];
        if (names[0] !== 'MSH') return;
        const message = of(names);
        const grouped = group(message, structure);
        const { misplaced, root } = grouped;
        unequal = `${structure.version} ${structure.name}: ${names.join(' ')}`;
        expect(misplaced, unequal).toEqual([]);
        const missing = validate(message, schemaOf(structure.version), { grouped }).filter(
          ({ code }) => code === 'missing-segment',
        );
        expect(missing, unequal).toEqual([]);
        expect(
          [...root.everySegment()].map(({ name }) => name),
          unequal,
        ).toEqual(names);
      }),
      { numRuns: 2_000, seed: 20_260_302 },
    );
    expect(unequal).not.toBe('');
  });
});

describe('any other message', () => {
  it('keeps a segment of the site’s own where it stands, and does not report it', () => {
    expect(grouped('ORU_R01', 'MSH ZA1 PID ZPI OBR ZBR OBX ZBX OBX')).toEqual({
      tree: 'ORU_R01(MSH ZA1 PATIENT_RESULT(PATIENT(PID ZPI) ORDER_OBSERVATION(OBR ZBR OBSERVATION(OBX ZBX) OBSERVATION(OBX))))',
      misplaced: [],
    });
  });

  it('keeps a segment that its structure does not have where it stands, and reports it', () => {
    expect(grouped('ADT_A01', 'MSH EVN PID OBR PV1')).toEqual({
      tree: 'ADT_A01(MSH EVN PID OBR PV1)',
      misplaced: [{ index: 3, name: 'OBR', occurrence: 1, reason: 'not-in-structure', group: 'ADT_A01' }],
    });
  });

  it('reports a segment that repeats beyond its place in the group that has it', () => {
    expect(grouped('ADT_A01', 'MSH EVN PID PV1 PR1 PV1 ROL')).toEqual({
      tree: 'ADT_A01(MSH EVN PID PV1 PROCEDURE(PR1 ROL) PV1)',
      misplaced: [{ index: 5, name: 'PV1', occurrence: 2, reason: 'repeated', group: 'ADT_A01' }],
    });
  });

  it('reports a segment out of its order', () => {
    expect(grouped('ADT_A01', 'MSH EVN PID PV1 DG1 NK1').misplaced).toEqual([
      { index: 5, name: 'NK1', occurrence: 1, reason: 'out-of-order', group: 'ADT_A01' },
    ]);
  });

  it('goes on where required segments are missing', () => {
    expect(grouped('ORU_R01', 'MSH OBX OBX NTE')).toEqual({
      tree: 'ORU_R01(MSH PATIENT_RESULT(ORDER_OBSERVATION(OBSERVATION(OBX) OBSERVATION(OBX NTE))))',
      misplaced: [],
    });
  });

  it('does not tell what stands in a line that is no segment', () => {
    const message = parse(Buffer.from('MSH|^~\\&|\rPID|1\rBerger Anna\rPV1|1'));
    const { misplaced } = group(message, schemaOf('2.5.1').structure('ADT_A01')!);
    expect(misplaced).toEqual([{ index: 2, name: '', occurrence: 1, reason: 'not-in-structure', group: 'ADT_A01' }]);
  });

  it('has each of its segments in the tree once, and the same tree each time', () => {
    const names = [
      'MSH',
      'PID',
      'PV1',
      'ORC',
      'OBR',
      'OBX',
      'NTE',
      'SPM',
      'ROL',
      'PR1',
      'IN1',
      'ZPI',
      'DSC',
      'XXX',
      'TQ1',
      'SAC',
    ];
    const structures = ['ADT_A01', 'ORU_R01', 'OML_O21', 'ORM_O01', 'PRR_PC5', 'MFN_M01', 'ACK'].map(
      (name) => schemaOf('2.5.1').structure(name)!,
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...structures),
        fc.array(fc.constantFrom(...names), { maxLength: 40 }),
        (structure, picked) => {
          const message = of(['MSH', ...picked]);
          const first = group(message, structure);
          const found = [...first.root.everySegment()].map(({ index }) => index).sort((a, b) => a - b);
          expect(found).toEqual(Array.from({ length: picked.length + 1 }, (_, index) => index));
          expect(drawn(group(message, structure).root)).toBe(drawn(first.root));
          expect(first.misplaced.every(({ index, name }) => message.segments()[index]?.name === name)).toBe(true);
        },
      ),
      { numRuns: 1_000, seed: 20_260_303 },
    );
  });

  it('takes time in proportion to its length', () => {
    const structure = schemaOf('2.5.1').structure('OML_O21')!;
    const message = of([
      'MSH',
      ...Array.from({ length: 20_000 }, (_, n) => ['PID', 'XXX', 'ORC', 'OBX', 'AL1'][n % 5]!),
    ]);
    const started = performance.now();
    expect([...group(message, structure).root.everySegment()]).toHaveLength(20_001);
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});

describe('a group', () => {
  it('gives its segments and groups by name', () => {
    const message = fixture('oru-r01.hl7');
    const { root } = group(message, structureOf(message)!);
    const result = root.groups('PATIENT_RESULT')[0]!;
    expect(result.groups().map(({ name }) => name)).toEqual(['PATIENT', 'ORDER_OBSERVATION']);
    const order = result.groups('ORDER_OBSERVATION')[0]!;
    expect(order.segment('OBR')?.get('4.1')).toBe('58410-2');
    expect(order.segments().map(({ name }) => name)).toEqual(['ORC', 'OBR']);
    expect(order.segments('OBX')).toEqual([]);
    expect([...root.everyGroup('OBSERVATION')].map((each) => each.segments('OBX').length)).toEqual([1, 1]);
  });
});

/** The segment names of a message of a structure, its choices drawn: a wildcard becomes RXV, or a Z segment. */
function* made(node: SegmentNode | GroupNode, draw: () => number): Generator<string> {
  const least = node.required ? 1 : 0;
  const times = node.repeats ? least + (draw() % 3) : least || (draw() % 3 === 0 ? 1 : 0);
  for (let time = 0; time < times; time++) {
    if (node.kind === 'segment') yield node.name === 'any' ? 'RXV' : node.name === 'local' ? 'ZZZ' : node.name;
    else if (node.choice) yield* made(node.children[draw() % node.children.length]!, draw);
    else for (const child of node.children) yield* made(child, draw);
  }
}
