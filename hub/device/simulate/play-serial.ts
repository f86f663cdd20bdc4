import { HubError } from '../../../core/errors.ts';
import { every } from './every.ts';
import type { Of, SimulateOptions } from './playing.ts';
import { binaryFrame, noninPacket } from './serial-frames.ts';
import { eachLine } from './way.ts';

type Playing = Of<'nonin' | 'binary'>;

const packetMs = 1_000 / 3;
const frameMs = 1_000;
const garbage = Buffer.from('a5010204ff7f0180', 'hex');

/** One device that sends its frames, whoever listens. */
export async function playSerial([playing, ...others]: readonly Playing[], options: SimulateOptions): Promise<void> {
  if (!playing || others.length > 0)
    throw new HubError('config-invalid', 'permanent', 'simulating a serial line: it has one device; --device names it');
  const { content } = playing.device;
  const frame = () => {
    const values = playing.values();
    return content.kind === 'nonin' ? noninPacket(content, values) : binaryFrame(content, values);
  };
  // What cannot be made is told before anybody connects.
  frame();
  await eachLine(
    options.way ?? { kind: 'listen', port: 0 },
    (line) => {
      line.read(() => undefined);
      const step = (): void => {
        if (playing.isFaulty('silence')) return;
        line.write(playing.isFaulty('garbage') ? garbage : frame());
        options.sent(1);
      };
      every(options.everyMs ?? (content.kind === 'nonin' ? packetMs : frameMs), step, options.signal, line.lost);
    },
    options.ready,
    options.signal,
  );
}
