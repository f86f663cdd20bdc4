import { basename } from 'node:path';
import { z } from 'zod';
import type { CertificateReport } from '../../admin/certificates.ts';
import { defineCondition, type Found } from '../condition.ts';
import { namePattern, patternMatcher } from '../name-pattern.ts';

const dayMs = 86_400_000;

export const certificateExpiry = defineCondition({
  type: 'certificateExpiry',
  summary: 'A certificate of an endpoint ends soon, has ended, or cannot be read.',
  selects: 'hub',
  together: 'rule',
  severity: 'warning',
  forMs: 0,
  clearForMs: 0,
  config: z.strictObject({
    days: z.int().positive().default(30).describe('Days before its end from which it is told.'),
    endpoints: namePattern().default('*').describe('Endpoints whose certificates are watched.'),
  }),
  check: ({ days, endpoints }) => {
    const isWatched = patternMatcher(endpoints);
    return {
      ofHub: ({ certificates, now }) => {
        // A file may hold a chain: what it is used for fails with the first of them that ends.
        const found = new Map<string, Found>();
        for (const { file, notAfter, uses } of certificates.toSorted(byEnd)) {
          if (notAfter !== undefined && notAfter - now > days * dayMs) continue;
          for (const { endpoint: name, as } of uses) {
            const endpoint = `${name} (${as})`;
            if (!isWatched(name) || found.has(endpoint)) continue;
            found.set(endpoint, { endpoint, text: `${basename(file)} ${ending(notAfter, now)}` });
          }
        }
        return [...found.values()];
      },
    };
  },
});

function byEnd(one: CertificateReport, other: CertificateReport): number {
  return (one.notAfter ?? 0) - (other.notAfter ?? 0);
}

function ending(endsAt: number | undefined, now: number): string {
  if (endsAt === undefined) return 'cannot be read as a certificate';
  const day = new Date(endsAt).toISOString().slice(0, 10);
  return endsAt <= now ? `ended on ${day}` : `ends on ${day}, in ${Math.floor((endsAt - now) / dayMs)} days`;
}

export const diskDaysLeft = defineCondition({
  type: 'diskDaysLeft',
  summary: 'The store grows so fast that its disk is full within days.',
  selects: 'hub',
  together: 'rule',
  severity: 'warning',
  forMs: 10 * 60_000,
  clearForMs: 3_600_000,
  config: z.strictObject({
    below: z.number().positive().default(7).describe('Days that the disk should last.'),
  }),
  check: ({ below }) => ({
    ofHub: ({ usage, growthPerDay, lowWaterBytes }) => {
      if (usage.diskFree === undefined) return [];
      if (growthPerDay === undefined) return [{ text: 'how fast the store grows is not known yet', certain: false }];
      const left = Math.max(0, usage.diskFree - lowWaterBytes) / growthPerDay;
      if (growthPerDay <= 0 || left >= below) return [];
      return [{ text: `the disk of the store is full in ${left < 2 ? left.toFixed(1) : Math.floor(left)} days` }];
    },
  }),
});

export const tablesRefused = defineCondition({
  type: 'tablesRefused',
  summary: 'Code tables were changed and have a mistake: those before stay in force.',
  selects: 'hub',
  together: 'rule',
  severity: 'warning',
  forMs: 0,
  clearForMs: 0,
  config: z.strictObject({}),
  check: () => ({
    ofHub: ({ refusedTables }) => {
      if (!refusedTables) return [];
      const { problems, first, channels } = refusedTables;
      if (problems === 0) {
        const which = channels.length > 5 ? `${channels.slice(0, 5).join(', ')} and others` : channels.join(', ');
        return [{ text: `changed code tables are not in force in ${which}; weir tables list says why` }];
      }
      const more = problems > 1 ? ` and ${problems - 1} more` : '';
      return [
        { text: `changed code tables are not in force: a mistake in ${first}${more}; weir tables list says which` },
      ];
    },
  }),
});

export const storeFull = defineCondition({
  type: 'storeFull',
  summary: 'The message store takes nothing: its quota or the disk is used up, and senders wait.',
  selects: 'hub',
  together: 'rule',
  severity: 'critical',
  forMs: 0,
  clearForMs: 60_000,
  config: z.strictObject({}),
  check: () => ({
    ofHub: ({ usage }) => (usage.full ? [{ text: 'the message store is full: nothing is accepted' }] : []),
  }),
});
