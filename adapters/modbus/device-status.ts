import type { DeviceStatus } from '../../contracts/device-arrival.ts';
import type { HubError } from '../../core/errors.ts';
import type { GroupBlocks } from './group-blocks.ts';
import type { GroupRead } from './read-group.ts';

/** What was last told of a device and of its points: the same is not told again. */
export class StatusOfDevice {
  #state: 'answering' | 'silent' | undefined;
  readonly #groups = new Map<string, string>();

  get isSilent(): boolean {
    return this.#state === 'silent';
  }

  /** What has become another since the last poll of the group. */
  after(group: string, blocks: GroupBlocks, { faulty, absent }: GroupRead): readonly DeviceStatus[] {
    if (absent) return this.#became('silent', reasonOf(absent.error));
    return [...this.#became('answering', 'it answers'), ...this.#ofPoints(group, blocks, faulty)];
  }

  #became(state: 'answering' | 'silent', reason: string): readonly DeviceStatus[] {
    if (state === this.#state) return [];
    this.#state = state;
    return [{ kind: 'status', state, reason }];
  }

  #ofPoints(group: string, { refused }: GroupBlocks, faulty: GroupRead['faulty']): readonly DeviceStatus[] {
    const statuses: DeviceStatus[] = [];
    const by = new Map<string, DeviceStatus & { readonly points: string[] }>();
    const add = (state: 'misconfigured' | 'faulty', reason: string, point: string) => {
      const key = `${state} ${reason}`;
      let status = by.get(key);
      if (!status) by.set(key, (status = { kind: 'status', state, reason, points: [] }));
      status.points.push(point);
    };
    for (const [{ id }, reason] of refused) add('misconfigured', reason, id);
    for (const { block, reason } of faulty) for (const { id } of block.points) add('faulty', reason, id);
    statuses.push(...by.values());
    const now = JSON.stringify(statuses);
    const before = this.#groups.get(group) ?? '[]';
    if (now === before) return [];
    this.#groups.set(group, now);
    const gone = (JSON.parse(before) as DeviceStatus[])
      .flatMap(({ points = [] }) => points)
      .filter((point) => !statuses.some(({ points }) => points?.includes(point)));
    const over: DeviceStatus[] =
      gone.length === 0 ? [] : [{ kind: 'status', state: 'answering', reason: 'it has a value again', points: gone }];
    return [...over, ...statuses];
  }
}

function reasonOf({ message }: HubError): string {
  // Which device it is stands beside it.
  return message.slice(message.indexOf(': ') + 2);
}
