import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it, onTestFinished, vi } from 'vitest';
import { ptys } from '../../clients/serial-port/testing/pty.ts';
import { deviceArrival } from '../../contracts/device-arrival.ts';
import { noMeta } from '../../core/format.ts';
import { fakeIntake, positive } from '../../core/testing/fake-intake.ts';
import { dataFolder } from '../../deploy/services/folder.ts';
import { pythonPackages } from '../../deploy/services/python.ts';
import { ReadingMaker } from '../../transforms/device-to-reading/readings.ts';
import { listening, profileOf } from './testing/listening.ts';

/** A module that speaks format #2, byte by byte in its own time, through pyserial. */
const module = `
import serial, sys, time
port = serial.Serial(sys.argv[1], 9600)
for rate in (72, 127, 128, 130, 255, 256, 260, 321, 511):
    for frame in range(1, 26):
        status = 0x80 | (1 if frame == 1 else 0)
        value = {20: rate // 128, 21: rate % 128, 9: 127 if rate == 511 else 97}.get(frame, 0)
        head = bytes([1, status, frame, value])
        port.write(head + bytes([sum(head) % 256]))
        if frame % 5 == 0: time.sleep(0.002)
port.flush()
sys.stdin.read()
`;

const lines = await ptys();
let missing = lines.missing;
const path = await pythonPackages(dataFolder, ['pyserial==3.5']).catch((thrown: Error) => {
  if (process.env.CI === 'true') throw thrown;
  missing ??= thrown.message;
  process.stderr.write(`SKIPPED: serial devices are not tested with pyserial (${thrown.message})\n`);
  return '';
});

it.skipIf(missing)(
  'a module simulated with pyserial is heard: every rate, and none where it has none',
  async () => {
    const pair = await lines.pair();
    onTestFinished(() => pair[Symbol.asyncDispose]());
    const profile = profileOf([pair.host], undefined, undefined, 10_000);
    const intake = fakeIntake(() => positive);
    await listening(intake, profile).isOpen();
    const child = spawn('python3', ['-c', module, pair.device], { env: { ...process.env, PYTHONPATH: path } });
    onTestFinished(async () => {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'exit');
    });
    const maker = new ReadingMaker([profile]);
    const rates = () =>
      intake.arrivals.flatMap(({ raw }) =>
        maker
          .readingsOf(deviceArrival.decode(raw, noMeta), 0)
          .flatMap(({ readings }) => readings.filter(({ point }) => point === 'pulse').map(({ value }) => value)),
      );
    await vi.waitFor(() => expect(rates()).toHaveLength(9));
    expect(rates()).toEqual([72, 127, 128, 130, 255, 256, 260, 321, undefined]);
  },
  20_000,
);
