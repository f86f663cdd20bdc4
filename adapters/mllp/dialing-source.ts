import type { Socket } from 'node:net';
import { asHubError } from '../../core/errors.ts';
import { dial } from '../../core/net/dial.ts';
import type { Source, SourceContext } from '../../core/source.ts';
import { until } from '../../core/until.ts';
import type { MllpSourceConfig } from './config.ts';
import { Connection } from './connection.ts';
import { sharedBy } from './shared.ts';

const CONNECT_MS = 10_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

/** A source that dials out to its sender, and again, with growing pauses, whenever the connection is lost. */
export function dialingSource(name: string, config: MllpSourceConfig, context: SourceContext): Source {
  const endpoint = context.endpoint('tcp-connect', name);
  const { clock } = context;
  return {
    run: async (intake, life) => {
      const shared = sharedBy(config, context, intake, life.halt);
      const stopped = until(life.drain, life.halt);
      const stopping = AbortSignal.any([life.drain, life.halt]);
      let pauseMs = FIRST_PAUSE_MS;
      while (!stopping.aborted) {
        context.report('connecting', 0);
        let socket: Socket | undefined;
        try {
          socket = await dial(endpoint, { clock, timeoutMs: CONNECT_MS, signal: stopping });
        } catch (thrown) {
          const { message } = asHubError(thrown, 'refused', `connecting to ${name}`, 'transient');
          context.log.warn({ channel: context.channel, error: message }, 'sender not reached');
        }
        if (socket) {
          const since = clock.monotonic();
          const connection = new Connection(socket, `${endpoint.host}:${endpoint.port}`, shared);
          context.report('connected', 1);
          await Promise.race([connection.closed, stopped]);
          if (stopping.aborted) {
            connection.drain();
            await Promise.race([connection.closed, until(life.halt)]);
            connection.destroy();
          }
          // A far end that accepts and hangs up at once is no better than one that refuses.
          if (clock.monotonic() - since > LONGEST_PAUSE_MS) pauseMs = FIRST_PAUSE_MS;
        }
        if (stopping.aborted) break;
        context.report('retrying', 0);
        const { promise: rested, resolve } = Promise.withResolvers<void>();
        const cancel = clock.timer(pauseMs * (0.5 + context.random() / 2), resolve);
        await Promise.race([rested, stopped]);
        cancel();
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      }
      context.report('stopped', 0);
    },
  };
}
