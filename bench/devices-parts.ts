import { alertsPart } from './devices-alerts.ts';
import { modbusPart } from './devices-modbus.ts';
import type { DevicesPart } from './devices-part.ts';
import { readingsPart } from './devices-readings.ts';
import { serialPart } from './devices-serial.ts';

export const devicesParts: readonly DevicesPart[] = [modbusPart, serialPart, readingsPart, alertsPart];
