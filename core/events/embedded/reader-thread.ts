import { serve } from '../../worker/serve.ts';
import type { ReaderCalls, StatusRow } from './calls.ts';
import { callError } from './errors.ts';
import { offsetOf, openDatabase, rowId } from './schema.ts';

type Reader = Omit<ReaderCalls, 'open'> & { close(): void };

function openReader(directory: string): Reader {
  const database = openDatabase(directory, 'read');
  const selectEvents = database.prepare(
    'SELECT row, at, key, id, headers, value FROM events WHERE row >= ? AND row < ? ORDER BY row LIMIT ?',
  );
  const selectTopics = database.prepare(
    `SELECT name, partitions, sum(next - first) AS events
     FROM topics JOIN streams ON stream >= first_stream AND stream < first_stream + partitions
     GROUP BY name ORDER BY name`,
  );
  const selectLag = database.prepare(
    `SELECT name, consumer_group, sum(streams.next - max(first, group_positions.next)) AS lag
     FROM topics JOIN streams ON stream >= first_stream AND stream < first_stream + partitions
     JOIN group_positions USING (stream)
     GROUP BY name, consumer_group`,
  );

  return {
    read({ stream, from, limit, maxBytes }) {
      const offsets: number[] = [];
      const at: number[] = [];
      const keys: string[] = [];
      const ids: string[] = [];
      const headers: string[] = [];
      const values: Uint8Array[] = [];
      const valueEnds: number[] = [];
      let size = 0;
      for (const row of selectEvents.iterate(rowId(stream, from), rowId(stream + 1, 0), limit)) {
        const value = (row.value ?? new Uint8Array(0)) as Uint8Array; // an empty view is bound as NULL
        offsets.push(offsetOf(Number(row.row)));
        at.push(Number(row.at));
        keys.push(String(row.key));
        ids.push(String(row.id));
        headers.push(String(row.headers));
        values.push(value);
        valueEnds.push((size += value.length));
        if (size >= maxBytes) break;
      }
      const bytes = new Uint8Array(size);
      for (const [index, value] of values.entries()) bytes.set(value, valueEnds[index]! - value.length);
      return { offsets, at, keys, ids, headers, valueEnds, bytes: bytes.buffer };
    },

    status() {
      const lagByTopic = new Map<string, Record<string, number>>();
      for (const row of selectLag.all()) {
        const lag = lagByTopic.get(String(row.name)) ?? {};
        lag[String(row.consumer_group)] = Number(row.lag);
        lagByTopic.set(String(row.name), lag);
      }
      return selectTopics.all().map((row): StatusRow => {
        const topic = String(row.name);
        return {
          topic,
          partitions: Number(row.partitions),
          events: Number(row.events),
          lag: lagByTopic.get(topic) ?? {},
        };
      });
    },

    close: () => database.close(),
  };
}

let reader: Reader | undefined;
serve<ReaderCalls>(
  {
    open(directory) {
      reader = openReader(directory);
    },
    read: (range) => reader!.read(range),
    status: () => reader!.status(),
  },
  callError,
  () => reader?.close(),
);
