import { readGroup } from '../../clients/kafka/group-reader.ts';
import { holderName } from '../../clients/kafka/holder-name.ts';
import type { RecordBatch } from '../../clients/kafka/lane.ts';
import { headerName, type ReadRecord } from '../../clients/kafka/read-record.ts';
import { HubError } from '../../core/errors.ts';
import type { Arrival } from '../../core/message.ts';
import type { Source, SourceContext } from '../../core/source.ts';
import { isKept } from '../../core/source-loop.ts';

export interface KafkaSourceOptions {
  readonly endpoint: string;
  readonly topics: readonly string[];
  readonly group: string;
  readonly from: 'earliest' | 'latest';
  readonly maxBatch: number;
  readonly tombstones: 'skip' | 'deliver';
  readonly dedupeHeader?: string | undefined;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
}

/** Throws HubError, transient, where the topics cannot be read before somebody changes something; what passes is tried again here. */
export function kafkaSource(options: KafkaSourceOptions, context: SourceContext): Source {
  const endpoint = context.endpoint('kafka', options.endpoint);
  const { topics, group, from, maxBatch, sessionTimeoutMs, rebalanceTimeoutMs } = options;
  return {
    async run(intake, { drain, halt }) {
      const signal = AbortSignal.any([drain, halt]);
      const halted = Promise.withResolvers<never>();
      // It has no other handler while no batch is under way.
      halted.promise.catch(() => undefined);
      const stop = (): void => halted.reject(new HubError('draining', 'transient', `reading as ${group}: halted`));
      if (halt.aborted) stop();
      else halt.addEventListener('abort', stop, { once: true });

      const hand = async ({ records }: RecordBatch): Promise<void> => {
        const arrivals = arrivalsOf(records, options);
        if (arrivals.length < records.length)
          context.count('kafka_tombstones_skipped_total', records.length - arrivals.length);
        if (arrivals.length === 0) return;
        const delivery = await intake.accept(arrivals, halt);
        const receipts = await Promise.race([delivery.receipts(context.ackAfter), halted.promise]);
        if (!receipts.every(isKept))
          throw new HubError('draining', 'transient', `reading as ${group}: not all was stored`);
        context.count('kafka_read_total', receipts.length);
      };

      context.report('connecting');
      const reading = readGroup(
        {
          endpoint,
          clientId: `weir-${context.channel}`,
          topics,
          group,
          ...(context.lease !== undefined && { instanceId: holderName(context) }),
          from,
          maxBatch,
          pauses: { firstMs: 100, maxMs: 30_000 },
          sessionTimeoutMs,
          heartbeatMs: Math.ceil(sessionTimeoutMs / 10),
          rebalanceTimeoutMs,
          onTrouble: (error) => {
            context.count('kafka_troubles_total');
            context.log.warn({ code: error.code, kind: error.kind }, error.message);
            context.report('retrying');
          },
          onAssigned: () => context.report('reading'),
        },
        hand,
        signal,
      );
      try {
        await Promise.race([reading, untilHalt(halted.promise)]);
      } finally {
        halt.removeEventListener('abort', stop);
        // After a halt it leaves the group by itself: nothing of it is awaited, or can reject unheard.
        reading.catch(() => undefined);
        context.report('stopped');
      }
    },
  };
}

function arrivalsOf(records: readonly ReadRecord[], options: KafkaSourceOptions): readonly Arrival[] {
  const arrivals: Arrival[] = [];
  for (const record of records)
    if (record.value !== undefined || options.tombstones === 'deliver') arrivals.push(arrivalOf(record, options));
  return arrivals;
}

const nothing = new Uint8Array(0);

function arrivalOf(record: ReadRecord, { dedupeHeader }: KafkaSourceOptions): Arrival {
  const { topic, partition, offset, at, key, value, headers } = record;
  const meta: Record<string, string> = {
    'kafka.topic': topic,
    'kafka.partition': String(partition),
    'kafka.offset': String(offset),
    'kafka.timestamp': new Date(at).toISOString(),
  };
  if (value === undefined) meta['kafka.tombstone'] = 'true';
  for (const [name, text] of headers) {
    const field = headerName(name);
    meta[passedOn.includes(field) ? field : `kafka.header.${field}`] = text?.toString() ?? '';
  }
  const sent = dedupeHeader === undefined ? undefined : meta[`kafka.header.${dedupeHeader}`];
  return {
    raw: value ?? nothing,
    dedupeKey: sent ?? `${topic}/${partition}/${offset}`,
    meta,
    ...(key && { key: key.toString() }),
  };
}

/** Headers that mean the same everywhere: the trace that a record belongs to. */
const passedOn: readonly string[] = ['traceparent', 'tracestate'];

async function untilHalt(halted: Promise<never>): Promise<void> {
  await halted.catch(() => undefined);
}
