import { Gauge, type Registry } from 'prom-client';
import type { LiveBus } from '../live/live-bus.ts';

/** Figures of the bus between hubs; the result sets them for one scrape. */
export function liveFigures(live: LiveBus | undefined, registry: Registry): () => void {
  if (!live) return () => undefined;
  const registers = [registry];
  const connected = new Gauge({
    name: 'weir_live_connected',
    help: '1 while live figures go to other hubs, and theirs come here; 0 while Redis is away.',
    registers,
  });
  const dropped = new Gauge({
    name: 'weir_live_dropped',
    help: 'Live figures that other hubs did not get, since the hub started.',
    registers,
  });
  return () => {
    const status = live.status();
    connected.set(status.state === 'connected' ? 1 : 0);
    dropped.set(status.dropped);
  };
}
