/**
 * `npm run bench:devices [-- modbus …]` – what devices cost, part by part: all of them, or those that are named. Each part prints what it
 * measured and has gates of its own.
 */
import type { DevicesPart } from './devices-part.ts';
import { devicesParts } from './devices-parts.ts';
import { type Gate, report } from './gates.ts';

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !devicesParts.some((part) => part.name === name));
if (unknown.length > 0) throw new Error(`benching devices: there is no part ${unknown.join(', ')}`);
const gates: Gate[] = [];
for (const part of devicesParts.filter(({ name }: DevicesPart) => wanted.length === 0 || wanted.includes(name))) {
  console.log(`${part.name}: ${part.title}`);
  gates.push(...(await part.measure()));
}
report('bench:devices', gates);
// Servers in processes of their own have ended; what is left are timers.
process.exit();
