import { closeSync, fsyncSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { HubError } from '../../errors.ts';
import type { StoreUsage } from '../message-store.ts';
import { BacklogQuota } from '../quota.ts';
import type { StoreFiles } from './calls.ts';
import type { Counters } from './counters.ts';

/** How long what the disk has free is taken to be as it was last seen. */
const freshForMs = 100;
const page = 4096;

/**
 * How full the store is (rules 11 and 26). Appends are refused while the backlog is at its quota, or the disk below its
 * low-water mark; what is left below it is for settlements and updates. Where another program takes that too, the reserve, a
 * file written full beforehand, is given back to the disk; it is made again when space returns.
 */
export class Room {
  readonly #files: StoreFiles;
  readonly #counters: Counters;
  readonly #freePages: () => number;
  readonly #reserve: string;
  readonly #quota: BacklogQuota;
  #backlog: number;
  #seenAt = Number.NEGATIVE_INFINITY;
  /** Bytes free when last seen, less what was appended since. */
  #free = 0;
  #hasReserve = false;
  /** A write failed for want of space since the disk was last seen to have some. */
  #failed = false;

  constructor(files: StoreFiles, counters: Counters, backlog: number, freePages: () => number) {
    this.#freePages = freePages;
    this.#files = files;
    this.#counters = counters;
    this.#backlog = backlog;
    this.#quota = new BacklogQuota(files.maxBacklogBytes);
    this.#reserve = join(files.directory, 'reserve');
    this.#hasReserve = files.reserveBytes > 0 && sizeOf(this.#reserve) === files.reserveBytes;
    this.look();
  }

  /** Why `bytes` more cannot be taken in, if they cannot. */
  refusal(bytes: number): HubError | undefined {
    if (this.#quota.refuses(this.#backlog + this.#counters.backlog, bytes))
      return full(`unsettled messages have reached ${this.#files.maxBacklogBytes} bytes`);
    if (this.full || performance.now() - this.#seenAt > freshForMs) this.look();
    if (this.full) return full('the disk is below its low-water mark');
    // In the log first, and then in the database.
    this.#free -= 2 * bytes;
    return undefined;
  }

  get full(): boolean {
    return this.#failed || this.#free < this.#files.lowWaterBytes;
  }

  committed(backlogChange: number): void {
    this.#backlog += backlogChange;
  }

  /** A write failed for want of space: appends are refused until the disk is seen to have some. */
  writeFailed(): void {
    this.#failed = true;
    this.#seenAt = performance.now();
  }

  giveReserve(): void {
    if (!this.#hasReserve) return;
    rmSync(this.#reserve, { force: true });
    this.#hasReserve = false;
  }

  /** Looks at the disk again, and makes the reserve where there is room for it. */
  look(): void {
    const { directory, reserveBytes, lowWaterBytes } = this.#files;
    this.#seenAt = performance.now();
    if (!this.#hasReserve && diskFree(directory) >= lowWaterBytes + 2 * reserveBytes) this.#makeReserve();
    // Pages that were freed are written again before the file grows.
    this.#free = diskFree(directory) + this.#freePages() * page;
    if (this.#free >= lowWaterBytes) this.#failed = false;
  }

  usage(): StoreUsage {
    this.look();
    const names = ['messages.db', 'messages.db-wal', 'messages.db-shm'];
    return {
      bytes: names.reduce((sum, name) => sum + sizeOf(join(this.#files.directory, name)), 0),
      diskFree: diskFree(this.#files.directory),
      backlogBytes: this.#backlog,
      ...(this.full || this.#quota.isReached(this.#backlog) ? { full: true } : {}),
    };
  }

  #makeReserve(): void {
    const { reserveBytes } = this.#files;
    try {
      const file = openSync(this.#reserve, 'w');
      try {
        const block = Buffer.alloc(Math.min(reserveBytes, 1 << 20));
        for (let at = 0; at < reserveBytes; at += block.length)
          writeSync(file, block, 0, Math.min(block.length, reserveBytes - at));
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      this.#hasReserve = true;
    } catch {
      // The disk filled up meanwhile: as if the reserve had just been used.
      rmSync(this.#reserve, { force: true });
    }
  }
}

function full(why: string): HubError {
  return new HubError('store-full', 'transient', `appending to the message store: ${why}`, { scope: 'destination' });
}

function diskFree(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
