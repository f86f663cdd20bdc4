import { Counter, Gauge, type Registry } from 'prom-client';
import type { ClusterStatus, Engine } from '../../core/runtime/engine.ts';

/** Figures of hubs that share a store; none where this hub has it for itself. */
export function clusterFigures(engine: Pick<Engine, 'cluster'>, registry: Registry): () => void {
  if (!engine.cluster()) return () => undefined;
  const registers = [registry];
  const gauges: readonly (readonly [Gauge, (status: ClusterStatus) => number])[] = [
    [
      new Gauge({ name: 'weir_hubs', help: 'Hubs that live and share the store, this one included.', registers }),
      ({ hubs }) => hubs.length,
    ],
    [
      new Gauge({ name: 'weir_leases_held', help: 'Channels, and work for all hubs, that this hub has.', registers }),
      ({ leases }) => leases,
    ],
  ];
  const counter = (name: string, help: string) => new Counter({ name, help, registers });
  const counters: readonly (readonly [Counter, (status: ClusterStatus) => number])[] = [
    [
      counter('weir_takeovers_total', 'Leases taken over from hubs that had not given them up.'),
      ({ takeovers }) => takeovers,
    ],
    [
      counter('weir_fenced_writes_total', 'Writes that the store refused because another hub had the channel.'),
      ({ fencedWrites }) => fencedWrites,
    ],
    [
      counter('weir_foreign_messages_total', 'Messages processed here that other hubs received.'),
      ({ foreignMessages }) => foreignMessages,
    ],
    [
      counter('weir_maybe_twice_total', 'Messages that a hub which died may have sent, and that went out again.'),
      ({ maybeTwice }) => maybeTwice,
    ],
  ];
  return () => {
    const status = engine.cluster();
    if (!status) return;
    for (const [gauge, of] of gauges) gauge.set(of(status));
    for (const [each, of] of counters) {
      each.reset();
      each.inc(of(status));
    }
  };
}
