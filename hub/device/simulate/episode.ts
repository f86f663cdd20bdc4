import type { ProfiledDevice } from '../../../contracts/device-profile/device-profile.ts';
import { didYouMean } from '../../../core/config/suggestion.ts';
import { HubError } from '../../../core/errors.ts';
import type { Episode } from './played-values.ts';

/** Reads `spo2=82`, `spo2=82@20` (from second 20 on), `door-open=true@5`, for the points of a device. Throws HubError `config-invalid`. */
export function readEpisode(text: string, { content }: ProfiledDevice): Episode {
  const [, point, value, from = '0'] = /^([^=]+)=(.*?)(?:@(\d+))?$/.exec(text) ?? [];
  if (point === undefined || value === undefined)
    throw new HubError('config-invalid', 'permanent', `reading ${text}: it is not like spo2=82@20`);
  const points = content.points.map(({ id }) => id);
  if (!points.includes(point))
    throw new HubError(
      'config-invalid',
      'permanent',
      `reading ${text}: there is no such point${didYouMean(point, points)}`,
    );
  const number = Number(value);
  const played =
    value === 'true' || value === 'false' ? value === 'true' : value !== '' && !Number.isNaN(number) ? number : value;
  return { point, value: played, fromMs: Number(from) * 1_000 };
}
