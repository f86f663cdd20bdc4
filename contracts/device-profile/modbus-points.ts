import { readAddress } from '../../protocols/modbus/addressing.ts';
import { ModbusFault } from '../../protocols/modbus/fault.ts';
import { hasBits } from '../../protocols/modbus/functions.ts';
import { planReads, type ReadPlan, type ReadPoint } from '../../protocols/modbus/plan.ts';
import { type RegisterType, type RegisterValue, registersOf } from '../../protocols/modbus/value.ts';
import type { ModbusPointKeys, ModbusSection } from './modbus-keys.ts';

/** A point where a request finds it, and what its registers hold. */
export interface ModbusPoint extends ReadPoint {
  readonly id: string;
  readonly group: string;
  /** Undefined for a coil or discrete input: its one bit is the value. */
  readonly holds: RegisterValue | undefined;
}

/** The point of a profile as requests see it; why not, where its address cannot be read. */
export function modbusPoint(section: ModbusSection, point: ModbusPointKeys): ModbusPoint | ModbusFault {
  const found = readAddress(point.read.address, section.addressing, point.read.table);
  if (found instanceof ModbusFault) return found;
  const group = point.read.group ?? Object.keys(section.groups)[0]!;
  const place = { id: point.id, group, unit: section.unit, ...found };
  if (hasBits(found.table)) return { ...place, quantity: 1, holds: undefined };
  const holds = registerValue(point);
  return { ...place, quantity: registersOf(holds), holds };
}

/** The points of a profile that has been checked. */
export function modbusPoints(section: ModbusSection, points: readonly ModbusPointKeys[]): readonly ModbusPoint[] {
  return points.flatMap((point) => {
    const found = modbusPoint(section, point);
    return found instanceof ModbusFault ? [] : [found];
  });
}

/** What to ask for in each group. */
export function modbusPlan(
  section: ModbusSection,
  points: readonly ModbusPoint[],
): ReadonlyMap<string, ReadPlan<ModbusPoint>> {
  return new Map(
    Object.keys(section.groups).map((group) => [
      group,
      planReads(
        points.filter((point) => point.group === group),
        section,
      ),
    ]),
  );
}

function registerValue(point: ModbusPointKeys): RegisterValue {
  const { order = 'ABCD' } = point;
  const sentinels =
    'invalid' in point && point.invalid
      ? point.invalid.map((each) =>
          typeof each === 'number' ? { raw: each, validity: 'Inv' as const } : { raw: each.raw, validity: each.as },
        )
      : undefined;
  const { scale, offset } = 'scale' in point ? point : {};
  return {
    ...registerType(point),
    order,
    ...(scale !== undefined && { scale }),
    ...(offset !== undefined && { offset }),
    ...(sentinels && { sentinels }),
  };
}

function registerType(point: ModbusPointKeys): RegisterType {
  switch (point.type) {
    case 'bcd':
      return { type: 'bcd', registers: point.registers as 1 | 2 | 3 | 4 };
    case 'ascii':
      return { type: 'ascii', registers: point.registers };
    case 'bit':
      return { type: 'bit', bit: point.bit ?? 0 };
    case 'bitfield':
      return { type: 'bitfield', registers: point.registers as 1 | 2, bit: point.bit, width: point.width };
    case 'enum':
      return { type: 'enum', names: point.names };
    default:
      return { type: point.type };
  }
}
