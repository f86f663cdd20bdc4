import type { WorkStore } from '../cluster/work-store.ts';
import type { Log } from '../component.ts';
import { errorRecord, HubError } from '../errors.ts';
import type { StoredMessage } from '../store/message-store.ts';
import type { CompiledChannel } from './compiled.ts';

export interface RecoveryHost {
  readonly channel: string;
  readonly store: WorkStore;
  readonly log: Log;
  compiled(): CompiledChannel;
  halted(): boolean;
  /** The last message that came into memory, or was passed over. */
  cursor(): number;
  process(row: StoredMessage): void;
  passOver(row: StoredMessage): void;
  /** Resolves when nothing is in memory, or at a halt. */
  untilPassed(): Promise<void>;
}

const page = 100;
const maxRecoveries = 3;

/**
 * After a crash the messages that may have been in memory go first, and are counted before they begin: from the second time on one
 * by one, and the third time it is an error (rule 21).
 * @param mostBytes read in one go
 */
export async function recoverCounted(host: RecoveryHost, mostBytes: number): Promise<void> {
  const { channel, store } = host;
  for (let left = host.compiled().definition.options.limits.maxInFlight; left > 0 && !host.halted(); ) {
    const rows = await store.unrouted(channel, host.cursor(), Math.min(left, page), mostBytes);
    // The first time anything that was in memory may have been the cause; from the second on it is found out which.
    const suspect = rows.findIndex((row) => row.recoveries > 0);
    const batch = rows.slice(0, suspect < 0 ? rows.length : Math.max(1, suspect));
    // Everything before these has passed, so they are the ones that are counted.
    const counted = await store.countRecoveries(channel, Math.max(1, batch.length));
    const due = batch.slice(0, counted.length);
    if (due.length === 0) return;
    left -= due.length;
    for (const [at, row] of due.entries()) {
      const { recoveries } = counted[at]!;
      if (recoveries >= maxRecoveries) await poisoned(host, row, recoveries);
      else host.process(row);
    }
    await host.untilPassed();
  }
}

async function poisoned(host: RecoveryHost, row: StoredMessage, count: number): Promise<void> {
  const { channel, store, log } = host;
  const text = `recovering: the hub ended ${count - 1} times while it was processed`;
  const error = errorRecord(new HubError('poison', 'permanent', text));
  log.error({ channel, message: row.id, code: error.code }, text);
  host.passOver(row);
  const { version, definition } = host.compiled();
  await store.settle(channel, [{ seq: row.seq, version, content: definition.options.content, error, parts: [] }]);
}
