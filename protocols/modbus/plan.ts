import { ModbusFault } from './fault.ts';
import { hasBits, LIMITS, readFunction, type Table } from './functions.ts';
import type { ModbusRequest } from './message.ts';

/** Addresses that follow each other in one table of one unit. `quantity` counts bits or registers. */
export interface ReadPoint {
  readonly unit: number;
  readonly table: Table;
  readonly address: number;
  readonly quantity: number;
}

/** What one request reads: each of its points lies wholly in it. */
export interface ReadBlock<P extends ReadPoint> extends ReadPoint {
  readonly points: readonly P[];
}

/** Addresses that no request may touch, of one unit or of all. */
export type NeverRead = Omit<ReadPoint, 'unit'> & { readonly unit?: number };

export interface PlanLimits {
  /** So many addresses that nobody asked for may be read between two points. */
  readonly maxGap: number;
  /** Of one request, at most 125. */
  readonly maxRegisters: number;
  /** Of one request, at most 2,000. */
  readonly maxBits: number;
  readonly never: readonly NeverRead[];
}

export interface ReadPlan<P extends ReadPoint> {
  readonly blocks: readonly ReadBlock<P>[];
  /** Points that no request can read, each with the reason. */
  readonly unreadable: readonly { readonly point: P; readonly fault: ModbusFault }[];
}

/**
 * The fewest requests, by going through the points in the order of their addresses, that read all of them: never across
 * units or tables, never a point from two responses, never an address of `never`. Points may overlap. Blocks come in
 * the order of unit, table and address.
 */
export function planReads<P extends ReadPoint>(points: readonly P[], limits: PlanLimits): ReadPlan<P> {
  const unreadable: { point: P; fault: ModbusFault }[] = [];
  const readable = points.filter((point) => {
    const fault = pointFault(point, limits);
    if (fault) unreadable.push({ point, fault });
    return fault === undefined;
  });
  const blocks: (ReadPoint & { quantity: number; points: P[] })[] = [];
  for (const point of readable.toSorted(byPlace)) {
    const block = blocks.at(-1);
    const end = point.address + point.quantity;
    if (block && joins(block, point, limits)) {
      block.quantity = Math.max(block.quantity, end - block.address);
      block.points.push(point);
    } else {
      const { unit, table, address, quantity } = point;
      blocks.push({ unit, table, address, quantity, points: [point] });
    }
  }
  return { blocks, unreadable };
}

/** The request that reads a block or a point. */
export function readRequest({ table, address, quantity }: ReadPoint): ModbusRequest {
  return { function: readFunction(table), address, quantity };
}

/**
 * Each point of a block by itself: after the exceptions 1, 2 and 3, which of them the device does not have. Points of the
 * same addresses share a block.
 */
export function splitBlock<P extends ReadPoint>(block: ReadBlock<P>): readonly ReadBlock<P>[] {
  const alone = new Map<string, ReadPoint & { points: P[] }>();
  for (const point of block.points) {
    const { unit, table, address, quantity } = point;
    const key = `${address}+${quantity}`;
    const same = alone.get(key);
    if (same) same.points.push(point);
    else alone.set(key, { unit, table, address, quantity, points: [point] });
  }
  return [...alone.values()];
}

/** The bytes of a point in the registers of its block's response; of bits ask `bitAt(bits, point.address - block.address)`. */
export function registersIn(block: ReadPoint, point: ReadPoint, registers: Buffer): Buffer {
  const start = 2 * (point.address - block.address);
  return registers.subarray(start, start + 2 * point.quantity);
}

function pointFault(point: ReadPoint, limits: PlanLimits): ModbusFault | undefined {
  const { address, quantity } = point;
  if (!Number.isInteger(quantity) || quantity < 1 || quantity > most(point, limits)) {
    return unreadable('it is longer than a request may be');
  }
  if (!Number.isInteger(address) || address < 0 || address + quantity > LIMITS.addresses) {
    return unreadable('it goes beyond the last address');
  }
  return forbids(limits, point, address, address + quantity) ? unreadable('it must never be read') : undefined;
}

function joins(block: ReadPoint, point: ReadPoint, limits: PlanLimits): boolean {
  if (block.unit !== point.unit || block.table !== point.table) return false;
  const end = block.address + block.quantity;
  const length = point.address + point.quantity - block.address;
  if (point.address - end > limits.maxGap || length > most(point, limits)) return false;
  return !forbids(limits, point, end, point.address);
}

/** Whether an address of `[start, end)` must never be read. */
function forbids({ never }: PlanLimits, { unit, table }: ReadPoint, start: number, end: number): boolean {
  return never.some(
    (range) =>
      range.table === table &&
      (range.unit === undefined || range.unit === unit) &&
      range.address < end &&
      start < range.address + range.quantity,
  );
}

function most({ table }: ReadPoint, { maxBits, maxRegisters }: PlanLimits): number {
  return hasBits(table) ? Math.min(maxBits, LIMITS.readBits) : Math.min(maxRegisters, LIMITS.readRegisters);
}

function byPlace(a: ReadPoint, b: ReadPoint): number {
  return a.unit - b.unit || a.table.localeCompare(b.table) || a.address - b.address || b.quantity - a.quantity;
}

function unreadable(reason: string): ModbusFault {
  return new ModbusFault('modbus.unreadable-point', `planning the reads of a point: ${reason}`);
}
