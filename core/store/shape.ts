import type { PartStatus } from './message-store.ts';

/**
 * How the parts of a settlement ended, as one recurring word: `12.0.s 14.0.f` says that destination 12 was sent its output 0 and
 * destination 14 filtered it. `*` stands for a part with a row of its own: in error, queued, or sent after more than one attempt.
 * A settlement that went well is so one small row, whatever the number of destinations.
 */
export interface ShapePart {
  /** Its id of `name`. */
  readonly destination: number;
  readonly n: number;
  readonly status: 'sent' | 'filtered' | 'detailed';
}

const letters = { sent: 's', filtered: 'f', detailed: '*' } as const;
const statuses = { s: 'sent', f: 'filtered', '*': 'detailed' } as const;

export function shapeWord(destination: number, n: number, status: ShapePart['status']): string {
  return `${destination}.${n}.${letters[status]}`;
}

export function parseShape(shape: string): readonly ShapePart[] {
  if (shape === '') return [];
  return shape.split(' ').map((word) => {
    const [destination, n, letter] = word.split('.');
    return { destination: Number(destination), n: Number(n), status: statuses[letter as keyof typeof statuses] };
  });
}

/** Statuses of rows of `part`. */
export const partStatus = { ready: 0, waiting: 1, blocked: 2, sent: 3, error: 4, resolved: 5 } as const;

/** Of the first of them. */
export const queuedNames = ['ready', 'waiting', 'blocked'] as const;

export function partStatusName(status: number): PartStatus {
  return status < partStatus.sent ? 'queued' : status === partStatus.sent ? 'sent' : 'error';
}

export const contentLevels = ['full', 'raw', 'metadata'] as const;
