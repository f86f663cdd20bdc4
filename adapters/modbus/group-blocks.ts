import type { ModbusSection } from '../../contracts/device-profile/modbus-keys.ts';
import type { ModbusPoint } from '../../contracts/device-profile/modbus-points.ts';
import { planReads, type ReadBlock, splitBlock } from '../../protocols/modbus/plan.ts';

export type Block = ReadBlock<ModbusPoint>;

/** What is asked for to read a group, and what of it the device has refused. */
export class GroupBlocks {
  readonly #section: ModbusSection;
  readonly #all: readonly Block[];
  readonly #refused = new Map<ModbusPoint, string>();
  #blocks: readonly Block[];

  constructor(section: ModbusSection, points: readonly ModbusPoint[]) {
    this.#section = section;
    this.#all = planReads(points, section).blocks;
    this.#blocks = this.#all;
  }

  /** Where the device has refused all of them the first one, so that it is known whether it answers. */
  get blocks(): readonly Block[] {
    return this.#blocks.length > 0 ? this.#blocks : this.#all.slice(0, 1);
  }

  /** Points that the device does not have, with the reason. */
  get refused(): ReadonlyMap<ModbusPoint, string> {
    return this.#refused;
  }

  /** The parts of a refused block to ask for one by one; none where it cannot be split. */
  partsOf(block: Block): readonly Block[] {
    const parts = splitBlock(block);
    return parts.length === 1 && parts[0]!.quantity === block.quantity ? [] : parts;
  }

  /**
   * From now on the block is read without the points that were refused, and without what nobody asked for between the others; one by one
   * where the device refuses them together all the same.
   */
  replace(block: Block, refused: ReadonlyMap<Block, string>): void {
    for (const [part, reason] of refused) for (const point of part.points) this.#refused.set(point, reason);
    const left = block.points.filter((point) => !this.#refused.has(point));
    const never = [
      ...this.#section.never,
      ...[...refused.keys()].map(({ table, address, quantity }) => ({ table, address, quantity })),
    ];
    const { blocks } = planReads(left, { ...this.#section, maxGap: 0, never });
    const isSame = blocks.some(({ address, quantity }) => address === block.address && quantity === block.quantity);
    const instead = isSame ? splitBlock({ ...block, points: left }) : blocks;
    this.#blocks = this.#blocks.flatMap((each) => (each === block ? instead : [each]));
  }

  /** All is asked for again: another device may be there, or another program in it. */
  restore(): void {
    this.#refused.clear();
    this.#blocks = this.#all;
  }
}
