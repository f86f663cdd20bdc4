import { expect, it } from 'vitest';
import { modbusPoints } from '../../contracts/device-profile/modbus-points.ts';
import { type Block, GroupBlocks } from './group-blocks.ts';
import { profileAt } from './testing/polling.ts';

const holds = (address: number) =>
  `id: r${address}, read: { table: holding-registers, address: ${address} }, type: u16, unit: Pa`;

function blocksOf(...addresses: readonly number[]): GroupBlocks {
  const { content } = profileAt(502, { points: addresses.map(holds), section: 'timeoutMs: 100, maxGap: 5' })
    .devices[0]!;
  if (content.kind !== 'modbus-tcp') throw new Error('it is another transport');
  return new GroupBlocks(content.modbus, modbusPoints(content.modbus, content.points));
}
const shown = (blocks: readonly Block[]) => blocks.map(({ address, quantity }) => `${address}+${quantity}`);

it('are as few as the profile allows, until the device refuses one', () => {
  const group = blocksOf(1, 2, 5, 6);
  expect(shown(group.blocks)).toEqual(['1+6']);
  const [whole] = group.blocks;
  const parts = group.partsOf(whole!);
  expect(shown(parts)).toEqual(['1+1', '2+1', '5+1', '6+1']);
  group.replace(whole!, new Map([[parts[2]!, 'exception 2']]));
  expect(shown(group.blocks)).toEqual(['1+2', '6+1']);
  expect([...group.refused].map(([{ id }, reason]) => [id, reason])).toEqual([['r5', 'exception 2']]);
  group.restore();
  expect(shown(group.blocks)).toEqual(['1+6']);
  expect(group.refused.size).toBe(0);
});

it('are read one by one where the device takes each but not all together', () => {
  const group = blocksOf(1, 2);
  group.replace(group.blocks[0]!, new Map());
  expect(shown(group.blocks)).toEqual(['1+1', '2+1']);
});

it('are the first one where the device has refused all of them: it shows whether it is there', () => {
  const group = blocksOf(1, 20);
  for (const block of [...group.blocks]) {
    expect(group.partsOf(block)).toEqual([]);
    group.replace(block, new Map([[block, 'exception 1']]));
  }
  expect(shown(group.blocks)).toEqual(['1+1']);
  expect(group.refused.size).toBe(2);
});
