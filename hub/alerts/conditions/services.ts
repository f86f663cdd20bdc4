import { z } from 'zod';
import { defineCondition } from '../condition.ts';

export const serviceStopped = defineCondition({
  type: 'serviceStopped',
  summary: 'A service that the settings turn on, such as the alarms of devices, runs at no hub.',
  selects: 'hub',
  together: 'rule',
  severity: 'critical',
  forMs: 60_000,
  clearForMs: 0,
  config: z.strictObject({}),
  check: () => ({
    ofHub: ({ services }) =>
      services
        .filter(({ runs }) => !runs)
        .map(({ service }) => ({ text: `the service ${service} runs at no hub: what it reads waits` })),
  }),
});

export const serviceBehind = defineCondition({
  type: 'serviceBehind',
  summary: 'A service is behind what is published: alarms of devices come late.',
  selects: 'hub',
  together: 'rule',
  severity: 'warning',
  forMs: 60_000,
  clearForMs: 60_000,
  config: z.strictObject({
    overMs: z.int().positive().default(10_000).describe('Milliseconds that it may be behind.'),
  }),
  check: ({ overMs }) => ({
    ofHub: ({ services }) =>
      services
        .filter(({ runs, behindMs }) => runs && behindMs > overMs)
        .map(({ service, behindMs }) => ({
          text: `the service ${service} is ${Math.round(behindMs / 1_000)} s behind what is published`,
        })),
  }),
});

export const topicsSplit = defineCondition({
  type: 'topicsSplit',
  summary:
    'Hubs share a store and topics are read, but each has an event log of its own: it sees only what it published itself.',
  selects: 'hub',
  together: 'rule',
  severity: 'critical',
  forMs: 60_000,
  clearForMs: 60_000,
  config: z.strictObject({}),
  check: () => ({
    ofHub: ({ ownLogs, services, channels }) => {
      const read = [
        ...services.map(({ service }) => `the service ${service}`),
        ...channels.filter(({ source }) => source.type === 'events').map(({ channel }) => channel),
      ];
      if (ownLogs < 2 || read.length === 0) return [];
      const who = read.length > 5 ? `${read.slice(0, 5).join(', ')} and others` : read.join(', ');
      return [
        {
          text: `${ownLogs} hubs have an event log each, so that ${who} see only what one of them publishes; events.kafka in weir.yaml gives them one`,
        },
      ];
    },
  }),
});
