import type { ModbusEndpoint } from '../../clients/modbus/endpoint.ts';
import type { DeviceArrival } from '../../contracts/device-arrival.ts';
import { modbusPoints } from '../../contracts/device-profile/modbus-points.ts';
import type { DeviceOf } from '../../contracts/device-profile/profile-in-use.ts';
import type { Arrival } from '../../core/message.ts';
import type { SourceContext } from '../../core/source.ts';
import { Deadlines } from './deadlines.ts';
import { StatusOfDevice } from './device-status.ts';
import { GroupBlocks } from './group-blocks.ts';
import { type GroupRead, readGroup } from './read-group.ts';

export type ModbusDevice = DeviceOf<'modbus-tcp' | 'modbus-rtu'>;

export interface PollerOptions {
  readonly profile: string;
  readonly context: SourceContext;
  /** No poll begins any more. */
  readonly stop: AbortSignal;
  /** Resolves when it is durable, or never will be. */
  store(arrival: Arrival): Promise<boolean>;
  pause(ms: number): Promise<void>;
  failed(thrown: unknown): void;
}

const firstPauseMs = 500;
const longestPauseMs = 30_000;
/** What a device has refused is asked for again so much later. */
const lookAnewAfterMs = 600_000;

interface Group {
  readonly name: string;
  readonly blocks: GroupBlocks;
  isBusy: boolean;
}

/**
 * Polls one device: each of its groups at absolute deadlines, one poll of a group at a time. What one poll brought is stored before the
 * group is polled again; deadlines that come meanwhile are left out and counted, so that nothing waits without bound. A device that did
 * not answer twice is asked after pauses that grow from 0.5 s to 30 s, behind the others of its line.
 */
export class DevicePoller {
  readonly #device: ModbusDevice;
  readonly #endpoint: ModbusEndpoint;
  readonly #options: PollerOptions;
  readonly #groups: readonly Group[];
  readonly #status = new StatusOfDevice();
  readonly #polls = new Set<Promise<void>>();
  #deadlines: readonly Deadlines[] = [];
  #failures = 0;
  #quietUntil = Number.NEGATIVE_INFINITY;
  #connections = 0;
  #lookAnewAt = Number.NEGATIVE_INFINITY;

  constructor(device: ModbusDevice, endpoint: ModbusEndpoint, options: PollerOptions) {
    this.#device = device;
    this.#endpoint = endpoint;
    this.#options = options;
    const { modbus, points } = device.content;
    const placed = modbusPoints(modbus, points);
    this.#groups = Object.keys(modbus.groups)
      .map((name) => ({ name, points: placed.filter(({ group }) => group === name) }))
      .filter((group) => group.points.length > 0)
      .map((group) => ({ name: group.name, blocks: new GroupBlocks(modbus, group.points), isBusy: false }));
  }

  /** @param at on the monotonic clock: phases count from it */
  start(at: number): void {
    const { groups } = this.#device.content.modbus;
    const { context } = this.#options;
    this.#deadlines = this.#groups.map((group) => {
      const { everyMs, phaseMs } = groups[group.name]!;
      return new Deadlines({
        ...{ everyMs, firstAt: at + phaseMs, clock: context.clock },
        due: (next) => this.#due(group, next),
        missed: (count) => context.count('modbus_overruns_total', count),
      });
    });
  }

  /** Resolves when the polls that are under way are over. */
  async stop(): Promise<void> {
    for (const each of this.#deadlines) each.stop();
    await Promise.all(this.#polls);
  }

  #due(group: Group, next: number): void {
    const { context, stop, failed } = this.#options;
    if (stop.aborted) return;
    if (group.isBusy) {
      context.count('modbus_overruns_total');
      return;
    }
    this.#lookAnew();
    if (context.clock.monotonic() < this.#quietUntil) {
      context.count('modbus_backed_off_total');
      return;
    }
    group.isBusy = true;
    const poll = this.#poll(group, next)
      .catch(failed)
      .finally(() => {
        group.isBusy = false;
        this.#polls.delete(poll);
      });
    this.#polls.add(poll);
  }

  /** Behind a new connection there may be another device, or one that was started again; and behind an old one another program in it. */
  #lookAnew(): void {
    const { connections } = this.#endpoint;
    const now = this.#options.context.clock.monotonic();
    if (connections === this.#connections && now < this.#lookAnewAt) return;
    if (connections !== this.#connections) this.#quietUntil = Number.NEGATIVE_INFINITY;
    this.#connections = connections;
    this.#lookAnewAt = now + lookAnewAfterMs;
    for (const { blocks } of this.#groups) blocks.restore();
  }

  async #poll(group: Group, next: number): Promise<void> {
    const { context, pause, store } = this.#options;
    const { unit, timeoutMs } = this.#device.content.modbus;
    const read = await readGroup(this.#endpoint, unit, group.blocks, {
      ...{ timeoutMs, notAfter: next, isProbe: this.#failures > 0, pause },
    });
    this.#judge(read);
    const statuses = this.#status.after(group.name, group.blocks, read);
    for (const { state, reason, points } of statuses)
      context.log[state === 'answering' ? 'info' : 'warn'](
        { device: this.#device.id, state, ...(points && { points: points.join(' ') }) },
        `polling ${this.#device.id}: ${reason}`,
      );
    const frames = [...read.frames, ...statuses];
    if (frames.length === 0) return;
    if (!(await store(this.#arrivalOf(group.name, frames)))) context.count('modbus_unstored_total');
    else if (read.frames.length > 0) context.count('modbus_polls_total');
  }

  #judge({ absent }: GroupRead): void {
    const { context } = this.#options;
    if (!absent) {
      this.#failures = 0;
      this.#quietUntil = Number.NEGATIVE_INFINITY;
      return;
    }
    context.count('modbus_failed_polls_total');
    // A line that is down has pauses of its own.
    if (!absent.wasAsked) return;
    this.#failures += 1;
    if (this.#failures < 2) return;
    const ms = Math.min(firstPauseMs * 2 ** Math.min(this.#failures - 2, 10), longestPauseMs);
    this.#quietUntil = context.clock.monotonic() + ms * (0.5 + context.random() / 2);
  }

  #arrivalOf(group: string, frames: DeviceArrival['frames']): Arrival {
    const { id, route } = this.#device;
    const { profile, context } = this.#options;
    const receivedAt = context.clock.now();
    const arrival: DeviceArrival = { arrival: 1, device: id, profile, group, receivedAt, frames };
    return {
      raw: Buffer.from(JSON.stringify(arrival)),
      key: route.key,
      dedupeKey: `${id}/${group}/${receivedAt}`,
      meta: { 'device.id': id, 'device.profile': profile, 'modbus.group': group },
    };
  }
}
