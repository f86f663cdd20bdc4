import { stat } from 'node:fs/promises';
import type { SerialPort } from 'serialport';
import type { Clock } from '../../core/component.ts';
import { Line, lineError } from './line.ts';
import type { PortSettings } from './port-settings.ts';

/** How often it is looked whether the port is still the one that was opened. */
const lookMs = 1_000;

/**
 * Opens a serial port of this machine for nobody else (an advisory lock, flock), eight raw bits a byte. The line is lost when the
 * device is unplugged, and when the path leads to another one: within a second also where the driver says nothing.
 */
export async function openPort(settings: PortSettings, clock: Clock): Promise<Line> {
  const { path, baud: baudRate, dataBits, parity, stopBits } = settings;
  // A hub without serial devices does not load it at its start.
  const { SerialPort } = await import('serialport');
  const known = await identity(path);
  const port = new SerialPort({ path, baudRate, dataBits, parity, stopBits, lock: true, autoOpen: false });
  await new Promise<void>((resolve, reject) => {
    port.open((thrown) => (thrown ? reject(openError(path, thrown)) : resolve()));
  });
  let cancel: () => void = () => undefined;
  const line = new Line(port, path, () => {
    cancel();
    return released(port);
  });
  const look = async (): Promise<void> => {
    const now = await identity(path);
    if (line.lost.aborted) return;
    if (now === known) return lookLater();
    const what = now === undefined ? 'the port is gone' : 'the path leads to another port now';
    line.destroy(lineError('connection-lost', `connected to ${path}: ${what}`));
  };
  const lookLater = (): void => {
    cancel = clock.timer(lookMs, () => void look());
  };
  if (known !== undefined) lookLater();
  return line;
}

/** What the path leads to, through links; undefined where it leads nowhere, or is no path of a file system. */
export async function identity(path: string): Promise<string | undefined> {
  if (!path.startsWith('/')) return undefined;
  const found = await stat(path).catch(() => undefined);
  return found && `${found.dev}/${found.ino}/${found.rdev}`;
}

function released(port: SerialPort): Promise<void> {
  return new Promise((resolve) => {
    if (!port.isOpen) return resolve();
    port.close(() => resolve());
  });
}

/** The driver tells its reasons in words only. */
function openError(path: string, thrown: Error): Error {
  const reason = reasons.find(([words]) => words.test(thrown.message))?.[1] ?? 'it cannot be opened';
  return lineError('refused', `opening ${path}: ${reason}`, thrown);
}

const reasons: readonly (readonly [RegExp, string])[] = [
  [/No such file|File not found|No such device/i, 'there is no such port: unplugged, or path'],
  [
    /Permission denied|Access denied/i,
    'the hub may not open it: its user has to be in the group of the port (dialout)',
  ],
  [/Cannot lock|Resource busy|temporarily unavailable/i, 'another program, or another channel, has it open'],
  [/Inappropriate ioctl|not a tty|Not a typewriter/i, 'it is no serial port: path'],
  [/Invalid|baud/i, 'it does not take these settings: baud, dataBits, parity, stopBits'],
];
