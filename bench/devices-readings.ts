import type { PostgresServer } from '../clients/postgres/server.ts';
import { newDatabase, once, serverOf } from '../clients/postgres/testing/database.ts';
import { postgresReadings } from '../connectors/postgres-readings/postgres-readings.ts';
import type { VitalReadings } from '../contracts/vitals.ts';
import type { Outgoing } from '../core/message.ts';
import { fakeDestinationContext } from '../core/testing/contexts.ts';
import { service, uniqueName } from '../core/testing/services.ts';
import type { DevicesPart } from './devices-part.ts';
import type { Gate } from './gates.ts';
import { percentile, whole } from './statistics.ts';

/** 200 monitors with ten points each: as many series as the measurements behind the tables have. */
const monitors = 200;
const points = 10;
const messagesAtOnce = 200;
const seconds = Number(process.env.WEIR_BENCH_SECONDS ?? 60);
const nothing = new Uint8Array();

/**
 * The destination `postgres-readings` as a channel calls it: batches of 200 messages of ten readings, one at a time, as fast as they go,
 * with `latest`, minute figures and partitions kept beside. Of decoded messages: what a channel needs to get there is not in it.
 */
export const readingsPart: DevicesPart = {
  name: 'readings',
  title: `readings into PostgreSQL, ${monitors * points} series, ${seconds} s`,
  async measure(): Promise<readonly Gate[]> {
    const { address, missing } = await service('postgres', import.meta.filename);
    if (missing !== undefined) throw new Error(`benching readings: ${missing}`);
    await using database = await newDatabase(serverOf(address), uniqueName(import.meta.filename));
    return await measureOn(database.server);
  },
};

async function measureOn(server: PostgresServer): Promise<readonly Gate[]> {
  const context = fakeDestinationContext({ endpoints: { far: { kind: 'postgres', ...server } } });
  await using destination = postgresReadings({ endpoint: 'far' }).create(context);
  const write = (batch: readonly Outgoing<VitalReadings>[]) =>
    destination.write(batch, { signal: new AbortController().signal, epoch: 1, notAfter: Number.POSITIVE_INFINITY });
  let at = Date.now() - seconds * 1_000;
  let number = 0;
  const batch = () =>
    Array.from({ length: messagesAtOnce }, () => {
      // All monitors in turn, with a time that moves on.
      if (number % monitors === 0) at += 20;
      return outgoing(number++, at);
    });
  await write(batch());
  const times: number[] = [];
  const began = performance.now();
  const processorBegan = process.cpuUsage();
  let rows = 0;
  while (performance.now() - began < seconds * 1_000) {
    const given = batch();
    const sent = performance.now();
    const outcomes = (await write(given)) ?? [];
    times.push(performance.now() - sent);
    if (outcomes.some(({ status }) => status !== 'sent')) throw new Error(JSON.stringify(outcomes[0]));
    rows += messagesAtOnce * points;
  }
  const tookMs = performance.now() - began;
  const { user, system } = process.cpuUsage(processorBegan);
  const [[kept] = []] = await once(server, 'SELECT count(*) FROM readings.reading');
  if (Number(kept) !== rows + messagesAtOnce * points) throw new Error(`${kept} rows are there, ${rows} were written`);
  const rate = (rows / tookMs) * 1_000;
  const p99 = percentile(times, 0.99);
  console.log(
    `  ${whole(rate)} rows/s, ${whole(rows)} rows; a batch of ${messagesAtOnce * points}: p50 ${percentile(times, 0.5).toFixed(0)} ms, p99 ${p99.toFixed(0)} ms; ` +
      `${((user + system) / rows).toFixed(2)} µs of this process for a row`,
  );
  return [
    { name: 'readings', figure: rate, limit: 50_000, must: 'reach', unit: 'rows/s' },
    { name: 'readings, p99 of a commit', figure: p99, limit: 250, must: 'stay-within', unit: 'ms' },
  ];
}

function outgoing(number: number, at: number): Outgoing<VitalReadings> {
  const receivedAt = new Date(at).toISOString();
  const readings = Array.from({ length: points }, (_, point) => ({
    ...{ point: `p${point}`, value: 60 + ((number + point) % 40), unit: '/min', validity: 'Vld' as const },
    ...{ deviceTime: receivedAt, skewMs: 0, sequence: number },
  }));
  return {
    ...{ id: String(number), seq: number, channel: 'bench', keys: ['k'], receivedAt: at, version: '1', meta: {} },
    payload: { device: `mon-${number % monitors}`, profile: 'monitor', receivedAt, readings },
    ...{ bytes: nothing, effectId: String(number), attempt: 1 },
  };
}
