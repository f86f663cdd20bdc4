import { readFileSync } from 'node:fs';
import { reachRedis } from '../../../clients/redis/reach.ts';
import type { Problem } from '../../../core/config/problem.ts';
import { choices } from '../../../core/config/registry.ts';
import { shownPath } from '../../../core/config/shown-path.ts';
import { dotted, YamlFile } from '../../../core/config/yaml-file.ts';
import { describeThrown } from '../../../core/errors.ts';
import type { Settings } from '../../settings.ts';
import type { OfflineFolder } from '../offline/folder.ts';
import type { Opened } from './connect.ts';

/** An endpoint that a hub itself stands on, where `weir.yaml` names it. */
interface Foundation {
  readonly place: readonly string[];
  readonly name: string;
  readonly kind: 'postgres' | 'kafka';
}

export function foundations({ store, events }: Pick<Settings, 'store' | 'events'>): readonly Foundation[] {
  return [
    ...(store.postgres
      ? [{ place: ['store', 'postgres', 'endpoint'], name: store.postgres.endpoint, kind: 'postgres' } as const]
      : []),
    ...(events.kafka
      ? [{ place: ['events', 'kafka', 'endpoint'], name: events.kafka.endpoint, kind: 'kafka' } as const]
      : []),
  ];
}

/** Those that the environment does not have, or has of another kind: a hub would not start. */
export function foundationProblems({
  settings,
  environment,
}: Pick<OfflineFolder, 'settings' | 'environment'>): readonly Problem[] {
  const { names, endpoints } = environment;
  const { file } = settings;
  if (!names || file === undefined) return [];
  return foundations(settings).flatMap(({ place, name, kind }) => {
    const endpoint = Object.hasOwn(endpoints, name) ? endpoints[name] : undefined;
    const yaml = new YamlFile(shownPath(file), readFileSync(file, 'utf8'));
    if (!names.has(name))
      yaml.problem(
        place,
        'endpoint-unknown',
        `${dotted(place)}: the environment has no endpoint ${name}${choices(names)}`,
      );
    else if (endpoint && endpoint.kind !== kind)
      yaml.problem(
        place,
        'value-invalid',
        `${dotted(place)}: ${name} is a ${endpoint.kind} endpoint, and it needs ${kind}`,
      );
    return yaml.problems;
  });
}

/** A line for Redis, where `weir.yaml` has one: it is no endpoint of the environment. */
export async function openRedis({ redis }: Pick<Settings, 'redis'>, timeoutMs: number): Promise<readonly Opened[]> {
  if (!redis) return [];
  const { url, tls, prefix } = redis;
  const line = (result: Opened['result'], detail: string): Opened => ({
    endpoint: 'redis of weir.yaml',
    kind: 'redis',
    result,
    detail,
  });
  const started = performance.now();
  try {
    const said = await reachRedis({ url, ...(tls && { tls }) }, prefix, timeoutMs);
    return [line('ok', `${said}, ${Math.round(performance.now() - started)} ms`)];
  } catch (thrown) {
    return [line('failed', thrown instanceof Error ? thrown.message : describeThrown(thrown))];
  }
}
