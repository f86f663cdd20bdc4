import { alertsPart } from './devices-alerts.ts';
import { modbusPart } from './devices-modbus.ts';
import { readingsPart } from './devices-readings.ts';
import { serialPart } from './devices-serial.ts';
import type { Gate } from './gates.ts';

/** A part of `npm run bench:devices`. */
export interface DevicesPart {
  readonly name: string;
  readonly title: string;
  measure(): Promise<readonly Gate[]>;
}

export const devicesParts: readonly DevicesPart[] = [modbusPart, serialPart, readingsPart, alertsPart];
