import { HubError } from '../../../core/errors.ts';
import { every } from './every.ts';
import type { Of, SimulateOptions } from './playing.ts';
import { binaryFrame, noninPacket } from './serial-frames.ts';
import { textFrames } from './text-frames.ts';
import { eachLine } from './way.ts';

type Playing = Of<'nonin' | 'binary' | 'text'>;

const packetMs = 1_000 / 3;
const frameMs = 1_000;
const garbage = Buffer.from('a5010204ff7f0180', 'hex');

/** One device that sends its frames, whoever listens. */
export async function playSerial([playing, ...others]: readonly Playing[], options: SimulateOptions): Promise<void> {
  if (!playing || others.length > 0)
    throw new HubError('config-invalid', 'permanent', 'simulating a serial line: it has one device; --device names it');
  const { content } = playing.device;
  const frames = (): readonly Buffer[] => {
    const values = playing.values();
    if (content.kind === 'text') return textFrames(content, values);
    return [content.kind === 'nonin' ? noninPacket(content, values) : binaryFrame(content, values)];
  };
  // What cannot be made is told before anybody connects.
  frames();
  await eachLine(
    options.way ?? { kind: 'listen', port: 0 },
    (line) => {
      line.read(() => undefined);
      const step = (): void => {
        if (playing.isFaulty('silence')) return;
        const sent = playing.isFaulty('garbage') ? [garbage] : frames();
        line.write(Buffer.concat(sent));
        options.sent(sent.length);
      };
      every(options.everyMs ?? (content.kind === 'nonin' ? packetMs : frameMs), step, options.signal, line.lost);
    },
    options.ready,
    options.signal,
  );
}
