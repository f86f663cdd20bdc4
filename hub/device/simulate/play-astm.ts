import { LinkDriver } from '../../../clients/astm-link/driver.ts';
import { HubError } from '../../../core/errors.ts';
import { systemClock } from '../../system-clock.ts';
import { resultsMessage } from './astm-message.ts';
import { every } from './every.ts';
import type { Of, SimulateOptions } from './playing.ts';
import { eachLine } from './way.ts';

const resultsMs = 5_000;
const garbage = Buffer.from('garbage before ENQ\r\n');

/** An analyzer that reports a specimen every few seconds, and takes what it is sent. */
export async function playAstm([playing, ...others]: readonly Of<'astm'>[], options: SimulateOptions): Promise<void> {
  if (!playing || others.length > 0)
    throw new HubError('config-invalid', 'permanent', 'simulating an analyzer: one at a time; --device names it');
  const { way } = options;
  if (!way)
    throw new HubError(
      'config-invalid',
      'permanent',
      'simulating an analyzer: --to says where the hub listens, or --listen where it connects',
    );
  let specimen = 0;
  const { id, content } = playing.device;
  await eachLine(
    way,
    (line) => {
      const driver = new LinkDriver(line, { role: 'instrument' }, systemClock, way.kind === 'listen');
      driver.receive({ message: async () => 'accept', incomplete: () => undefined, fault: () => undefined });
      const step = async (): Promise<void> => {
        if (playing.isFaulty('silence')) return;
        if (playing.isFaulty('garbage')) line.write(garbage);
        const now = Date.now();
        const name = `SIM${String(++specimen).padStart(6, '0')}`;
        const { status } = await driver.send(resultsMessage(content, id, playing.values(), name, now), options.signal);
        if (status === 'sent') options.sent(1);
      };
      // What the hub does not take is told by it; the next specimen comes all the same.
      every(options.everyMs ?? resultsMs, () => void step().catch(() => undefined), options.signal, line.lost);
    },
    options.ready,
    options.signal,
  );
}
