import { vitalReadings } from '../../contracts/vitals.ts';
import { defineConnector } from '../../core/define.ts';
import { config } from './config.ts';
import { ReadingsDestination } from './readings-destination.ts';

/**
 * Time series of devices: a narrow row for each reading, known by its series and its time, in a partition for each day. Names of states
 * and truths are in a table of their own. Figures of each minute and the last value of each series are kept beside; days past their time
 * go as a whole.
 */
export const postgresReadings = defineConnector({
  type: 'postgres-readings',
  summary:
    'Writes readings of devices to PostgreSQL as time series: daily partitions, figures of minutes, last values.',
  accepts: vitalReadings,
  batching: 'atomic',
  effect: 'transactional',
  maxBatch: (c) => c.maxBatch,
  config,
  examples: [
    {
      title: 'A year of readings, and ten of figures by minute',
      config: { endpoint: 'warehouse', keepDays: 365, keepRollupDays: 3_650 },
    },
    {
      title: 'Tables that somebody else has made',
      config: { endpoint: 'warehouse', schema: 'vitals', createTables: false },
    },
  ],
  create: (settings, context) => new ReadingsDestination(settings, context),
});
