import { didYouMean } from '../../core/config/suggestion.ts';
import { ModbusFault } from '../../protocols/modbus/fault.ts';
import { hasBits } from '../../protocols/modbus/functions.ts';
import type { Report } from './findings.ts';
import type { ModbusPointKeys, ModbusSection } from './modbus-keys.ts';
import { type ModbusPoint, modbusPlan, modbusPoint } from './modbus-points.ts';

/** What of a Modbus profile no schema can tell: groups, addresses, widths, overlaps, what no request can read. */
export function checkModbus(section: ModbusSection, points: readonly ModbusPointKeys[], report: Report): void {
  const groups = Object.keys(section.groups);
  for (const [name, { everyMs, phaseMs }] of Object.entries(section.groups))
    if (phaseMs >= everyMs)
      report(['modbus', 'groups', name, 'phaseMs'], 'value-invalid', 'less than everyMs is needed');
  const placed: (ModbusPoint | undefined)[] = points.map((point, index) => {
    const at = ['points', index, 'read'];
    const { group } = point.read;
    if (group === undefined && groups.length > 1)
      report([...at, 'group'], 'key-missing', 'it is needed where there are several groups');
    if (group !== undefined && !groups.includes(group)) {
      report([...at, 'group'], 'value-invalid', `there is no group ${group}${didYouMean(group, groups)}`);
      return undefined;
    }
    const found = modbusPoint(section, point);
    if (found instanceof ModbusFault) {
      report([...at, 'address'], 'value-invalid', found.reason);
      return undefined;
    }
    checkType(point, found, ['points', index], report);
    checkWritable(point, found, ['points', index], report);
    return found;
  });
  for (const { unreadable } of modbusPlan(
    section,
    placed.filter((point) => point !== undefined),
  ).values())
    for (const { point, fault } of unreadable)
      report(['points', placed.indexOf(point), 'read', 'address'], 'value-invalid', fault.reason);
  checkOverlaps(points, placed, report);
}

function checkType(point: ModbusPointKeys, { table, quantity }: ModbusPoint, at: Place, report: Report): void {
  if (hasBits(table)) {
    if (point.type !== 'bit') report([...at, 'type'], 'value-invalid', `${table} have bits only: type bit is needed`);
    else if (point.bit !== undefined)
      report([...at, 'bit'], 'value-invalid', `an address of ${table} is one bit itself`);
    return;
  }
  if (point.type === 'bit' && point.bit === undefined)
    report([...at, 'bit'], 'key-missing', 'which bit of the register is needed');
  if (point.type === 'bitfield' && point.bit + point.width > 16 * point.registers)
    report(
      [...at, 'width'],
      'value-invalid',
      `bit ${point.bit} and ${point.width} more do not fit into ${16 * point.registers} bits`,
    );
  if (quantity > 1 && point.type !== 'ascii' && point.order === undefined)
    report([...at, 'order'], 'key-missing', 'a value of several registers needs it: devices differ');
}

/** Bits of a register are not written: what stands beside them would be written with them, as it was some time ago. */
function checkWritable(point: ModbusPointKeys, { table }: ModbusPoint, at: Place, report: Report): void {
  if (!point.writable) return;
  const refuse = (why: string) => report([...at, 'writable'], 'value-invalid', why);
  if (table === 'discrete-inputs' || table === 'input-registers') refuse(`${table} cannot be written`);
  else if (table === 'holding-registers' && (point.type === 'bit' || point.type === 'bitfield'))
    refuse('bits of a register are not written by themselves: make the whole register a point');
}

type Place = readonly (string | number)[];

/** Two points on the same registers are told, unless bits are taken out of the very registers that the other one has. */
function checkOverlaps(
  points: readonly ModbusPointKeys[],
  placed: readonly (ModbusPoint | undefined)[],
  report: Report,
): void {
  const sorted = [...placed.entries()]
    .filter((entry): entry is [number, ModbusPoint] => entry[1] !== undefined)
    .toSorted(([, a], [, b]) => a.table.localeCompare(b.table) || a.address - b.address || a.quantity - b.quantity);
  for (const [position, [index, point]] of sorted.entries()) {
    for (const [otherIndex, other] of sorted.slice(position + 1)) {
      if (other.table !== point.table || other.address >= point.address + point.quantity) break;
      if (shares(points[index]!, point, points[otherIndex]!, other)) continue;
      const [first, second] = index < otherIndex ? [index, otherIndex] : [otherIndex, index];
      report(['points', second, 'read', 'address'], 'value-invalid', `it overlaps ${points[first]!.id}`);
    }
  }
}

function shares(a: ModbusPointKeys, placeOfA: ModbusPoint, b: ModbusPointKeys, placeOfB: ModbusPoint): boolean {
  const bitsOfA = bitsOf(a);
  const bitsOfB = bitsOf(b);
  if (hasBits(placeOfA.table) || placeOfA.address !== placeOfB.address) return false;
  if (placeOfA.quantity !== placeOfB.quantity) return false;
  if (bitsOfA && bitsOfB) return bitsOfA.to <= bitsOfB.from || bitsOfB.to <= bitsOfA.from;
  return bitsOfA !== undefined || bitsOfB !== undefined;
}

function bitsOf(point: ModbusPointKeys): { readonly from: number; readonly to: number } | undefined {
  if (point.type === 'bit') return { from: point.bit ?? 0, to: (point.bit ?? 0) + 1 };
  return point.type === 'bitfield' ? { from: point.bit, to: point.bit + point.width } : undefined;
}
