import type { z } from 'zod';
import type { Erased } from '../channel.ts';
import { collect } from '../collect.ts';
import type { Envelope, Schedule } from '../collection.ts';
import type { DestinationSpec } from '../destination.ts';
import { HubError } from '../errors.ts';
import { collectKeys } from './channel-keys.ts';
import { type PartsContext, readComponent } from './channel-parts.ts';
import { dotted, isMapping, type Place } from './yaml-file.ts';

/** `collect: { … }` of a destination around what it sends to; undefined, with its problems, where it cannot be read. */
export function readCollect(
  context: PartsContext,
  place: Place,
  value: unknown,
  to: DestinationSpec<Erased> | undefined,
): DestinationSpec<Erased> | undefined {
  const { file, registry } = context;
  const read = collectKeys.safeParse(value);
  if (!isMapping(value)) return undefined;
  const at = [...place, 'envelope'];
  const envelope: Envelope | undefined =
    value.envelope === undefined
      ? undefined
      : readComponent<Envelope>(context, 'envelope', registry.envelopes, at, value.envelope);
  if (value.envelope === undefined) file.problem(at, 'key-missing', `${dotted(at)} is missing`);
  const schedule = read.success ? readSchedule(context, place, read.data) : undefined;
  if (!read.success || !to || !envelope || (read.data.schedule !== undefined && !schedule)) return undefined;
  const { count, maxWaitMs, whenEmpty } = read.data;
  try {
    return collect<Erased>(
      {
        envelope,
        whenEmpty,
        ...(count !== undefined && { count }),
        ...(maxWaitMs !== undefined && { maxWaitMs }),
        ...(schedule && { schedule }),
      },
      to,
    );
  } catch (thrown) {
    if (!(thrown instanceof HubError)) throw thrown;
    file.problem(place, 'value-invalid', `${dotted(place)}: ${thrown.message}`);
    return undefined;
  }
}

function readSchedule(
  { file, registry, files }: PartsContext,
  place: Place,
  { schedule: text, zone = files.environmentZone ?? 'UTC' }: z.output<typeof collectKeys>,
): Schedule | undefined {
  if (text === undefined) return undefined;
  const at = [...place, 'schedule'];
  try {
    const schedule = registry.schedule?.(text, zone);
    if (!schedule) throw new HubError('config-invalid', 'permanent', 'this hub has no schedules');
    if (schedule.next(files.now()) === undefined)
      throw new HubError('config-invalid', 'permanent', `${text} never comes`);
    return schedule;
  } catch (thrown) {
    if (!(thrown instanceof HubError)) throw thrown;
    const where = thrown.message.includes('time zone') ? [...place, 'zone'] : at;
    file.problem(where, 'value-invalid', `${dotted(where)}: ${thrown.message}`);
    return undefined;
  }
}
