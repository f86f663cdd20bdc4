import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAddress } from './addressing.ts';
import { exceptionMeaning } from './exceptions.ts';
import type { Table } from './functions.ts';
import { type PlanLimits, planReads, type ReadPoint, readRequest, registersIn, splitBlock } from './plan.ts';
import { encodeRequest } from './request.ts';

const limits: PlanLimits = { maxGap: 2, maxRegisters: 10, maxBits: 100, never: [] };
const point = (address: number, quantity = 1, table: Table = 'holding-registers', unit = 1): ReadPoint => ({
  unit,
  table,
  address,
  quantity,
});
const shown = (points: readonly ReadPoint[], by = limits) =>
  planReads(points, by).blocks.map(({ unit, table, address, quantity }) => `${unit} ${table} ${address}+${quantity}`);

describe('a plan of reads', () => {
  it.each([
    ['points that follow each other', [point(5), point(0, 2), point(2, 3)], ['0+6']],
    ['a gap that is small enough', [point(0), point(3)], ['0+4']],
    ['a gap that is too large', [point(0), point(4)], ['0+1', '4+1']],
    ['as many registers as allowed', [point(0, 4), point(4, 6)], ['0+10']],
    ['more registers than allowed', [point(0, 5), point(5, 4), point(9, 2)], ['0+9', '9+2']],
    ['points that overlap', [point(0, 4), point(1), point(3, 2)], ['0+5']],
    ['the same point twice', [point(0), point(0)], ['0+1']],
  ])('has of %s', (_, points, blocks) => {
    expect(shown(points)).toEqual(blocks.map((block) => `1 holding-registers ${block}`));
  });

  it('never goes across tables or units', () => {
    expect(
      shown([point(1, 1, 'input-registers'), point(0), point(1, 1, 'holding-registers', 2), point(0, 1, 'coils')]),
    ).toEqual(['1 coils 0+1', '1 holding-registers 0+1', '1 input-registers 1+1', '2 holding-registers 1+1']);
  });

  it('never reads what must never be read, not even between two points', () => {
    const never = [{ table: 'holding-registers' as const, address: 1, quantity: 1, unit: 1 }];
    expect(
      shown([point(0), point(2), point(0, 1, 'holding-registers', 2), point(2, 1, 'holding-registers', 2)], {
        ...limits,
        never,
      }),
    ).toEqual(['1 holding-registers 0+1', '1 holding-registers 2+1', '2 holding-registers 0+3']);
    const { unreadable } = planReads([point(0, 2), point(1), point(2)], { ...limits, never });
    expect(unreadable.map((each) => [each.point.address, each.fault.code])).toEqual([
      [0, 'modbus.unreadable-point'],
      [1, 'modbus.unreadable-point'],
    ]);
  });

  it('tells points that are too long or beyond the last address', () => {
    const { blocks, unreadable } = planReads([point(0, 11), point(65_535, 2), point(0, 0), point(0, 10)], limits);
    expect(unreadable).toHaveLength(3);
    expect(blocks).toHaveLength(1);
  });

  it('keeps to what the protocol allows, whatever the profile says', () => {
    const generous = { ...limits, maxRegisters: 10_000, maxBits: 10_000, maxGap: 10_000 };
    const registers = Array.from({ length: 300 }, (_, address) => point(address));
    expect(planReads(registers, generous).blocks.map(({ quantity }) => quantity)).toEqual([125, 125, 50]);
    const coils = Array.from({ length: 3_000 }, (_, address) => point(address, 1, 'coils'));
    expect(planReads(coils, generous).blocks.map(({ quantity }) => quantity)).toEqual([2_000, 1_000]);
  });

  it('splits a block into its points, to find the register that the device does not have', () => {
    const [block] = planReads([point(0, 2), point(2), point(2), point(4)], limits).blocks;
    expect(splitBlock(block!).map(({ address, quantity, points }) => [address, quantity, points.length])).toEqual([
      [0, 2, 1],
      [2, 1, 2],
      [4, 1, 1],
    ]);
  });

  it('finds a point’s bytes in the response to its block', () => {
    const [block] = planReads([point(10, 2), point(13)], limits).blocks;
    const registers = Buffer.from('0001000200030004', 'hex');
    expect(registersIn(block!, point(10, 2), registers).toString('hex')).toBe('00010002');
    expect(registersIn(block!, point(13), registers).toString('hex')).toBe('0004');
  });

  const table = fc.constantFrom<Table>('coils', 'discrete-inputs', 'holding-registers', 'input-registers');
  const anyPoint = fc
    .record({
      unit: fc.integer({ min: 1, max: 2 }),
      table,
      address: fc.nat(200),
      quantity: fc.integer({ min: 1, max: 4 }),
    })
    .map((each): ReadPoint => each);
  const anyLimits = fc.record({
    maxGap: fc.nat(20),
    maxRegisters: fc.integer({ min: 4, max: 125 }),
    maxBits: fc.integer({ min: 4, max: 2_000 }),
    never: fc.array(fc.record({ table, address: fc.nat(200), quantity: fc.integer({ min: 1, max: 5 }) }), {
      maxLength: 4,
    }),
  });

  it('property: each point is in one block, wholly, and each block can be asked for and touches nothing forbidden', () => {
    fc.assert(
      fc.property(fc.array(anyPoint, { maxLength: 60 }), anyLimits, (points, by) => {
        const { blocks, unreadable } = planReads(points, by);
        expect(blocks.flatMap((block) => block.points).length + unreadable.length).toBe(points.length);
        const touches = (at: ReadPoint) =>
          by.never.some(
            (range) =>
              range.table === at.table &&
              range.address < at.address + at.quantity &&
              at.address < range.address + range.quantity,
          );
        for (const block of blocks) {
          expect(encodeRequest(readRequest(block))).toBeInstanceOf(Buffer);
          expect(block.quantity).toBeLessThanOrEqual(block.table.endsWith('registers') ? by.maxRegisters : by.maxBits);
          expect(touches(block)).toBe(false);
          let end = block.address;
          for (const each of block.points) {
            expect([each.unit, each.table]).toEqual([block.unit, block.table]);
            expect(each.address).toBeGreaterThanOrEqual(block.address);
            expect(each.address - end).toBeLessThanOrEqual(by.maxGap);
            end = Math.max(end, each.address + each.quantity);
          }
          expect(end).toBe(block.address + block.quantity);
        }
        for (const { point: each } of unreadable) expect(touches(each)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe('an address', () => {
  it.each([
    [40_001, 'modicon', undefined, 'holding-registers', 0],
    ['400001', 'modicon', undefined, 'holding-registers', 0],
    ['465536', 'modicon', undefined, 'holding-registers', 65_535],
    [30_010, 'modicon', 'input-registers', 'input-registers', 9],
    [10_001, 'modicon', undefined, 'discrete-inputs', 0],
    [1, 'modicon', undefined, 'coils', 0],
    ['000017', 'modicon', undefined, 'coils', 16],
    [0, 'zero-based', 'coils', 'coils', 0],
    [1, 'one-based', 'input-registers', 'input-registers', 0],
    ['65536', 'one-based', 'input-registers', 'input-registers', 65_535],
    [40_001, 'zero-based', 'holding-registers', 'holding-registers', 40_001],
  ] as const)('%s, %s', (written, base, table, named, address) => {
    expect(readAddress(written, base, table)).toEqual({ table: named, address });
  });

  it.each([
    [40_000, 'modicon', undefined],
    [20_001, 'modicon', undefined],
    ['465537', 'modicon', undefined],
    ['4x001', 'modicon', undefined],
    [40_001, 'modicon', 'coils'],
    [-1, 'modicon', undefined],
    [0, 'one-based', 'coils'],
    [65_536, 'zero-based', 'coils'],
    [1.5, 'zero-based', 'coils'],
    ['', 'zero-based', 'coils'],
    [1, 'zero-based', undefined],
  ] as const)('is none: %s, %s', (written, base, table) => {
    expect(readAddress(written, base, table)).toMatchObject({ code: 'modbus.bad-address' });
  });
});

describe('an exception', () => {
  it.each([
    [1, 'ILLEGAL FUNCTION', 'configuration'],
    [2, 'ILLEGAL DATA ADDRESS', 'configuration'],
    [3, 'ILLEGAL DATA VALUE', 'configuration'],
    [4, 'SERVER DEVICE FAILURE', 'device'],
    [5, 'ACKNOWLEDGE', 'retry'],
    [6, 'SERVER DEVICE BUSY', 'retry'],
    [8, 'MEMORY PARITY ERROR', 'device'],
    [10, 'GATEWAY PATH UNAVAILABLE', 'unit'],
    [11, 'GATEWAY TARGET DEVICE FAILED TO RESPOND', 'unit'],
    [77, 'EXCEPTION 77', 'device'],
  ] as const)('%i is %s: %s', (code, name, kind) => {
    expect(exceptionMeaning(code)).toEqual({ name, kind });
  });
});
