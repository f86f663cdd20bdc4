import type { z } from 'zod';
import type { Collection, CollectOptions, Envelope } from './collection.ts';
import type { ComponentBasics } from './component.ts';
import { configured } from './define.ts';
import type { DestinationSpec } from './destination.ts';
import { HubError } from './errors.ts';
import type { Format } from './format.ts';

/**
 * Gathers messages and gives them to the destination as one (rule 23). A message counts as sent when it is in a collection; the
 * collection is a message of its own, of the channel `<channel>.<destination>`, with its own retries, dead letters and replay.
 * Throws HubError `config-invalid` where nothing says when to close, or the destination takes one format only.
 */
export function collect<T>(options: CollectOptions, to: DestinationSpec<Uint8Array>): DestinationSpec<T> {
  const { count, schedule, maxWaitMs, envelope } = options;
  const invalid = (what: string) => new HubError('config-invalid', 'permanent', `configuring collect: ${what}`);
  if (count === undefined && schedule === undefined && maxWaitMs === undefined)
    throw invalid('count, schedule or maxWaitMs is needed');
  if (to.accepts)
    throw invalid(`${to.type} takes ${to.accepts.id}, not the bytes of a collection; file, sftp, http or publish do`);
  if (to.collect) throw invalid('a collection cannot be collected');
  const collecting: DestinationSpec<never> = {
    ...to,
    accepts: envelope.accepts,
    collect: { ...options, whenEmpty: options.whenEmpty ?? 'nothing' },
  };
  // What it creates writes collections, and only the channel that sends them creates it.
  return Object.freeze(collecting) as DestinationSpec<T>;
}

export interface EnvelopeDefinition<C extends z.ZodType>
  extends Omit<ComponentBasics<C>, 'resources' | 'deviceProfiles'> {
  readonly accepts?: Format<never>;
  readonly contentType: string;
  wrap(config: z.output<C>, parts: readonly Uint8Array[], collection: Collection): Uint8Array;
}

/** Called with its configuration, it is what `collect` takes as its envelope. */
export function defineEnvelope<C extends z.ZodType>(
  definition: EnvelopeDefinition<C>,
): EnvelopeDefinition<C> & ((config: z.input<C>) => Envelope) {
  const { type, accepts, contentType, wrap } = definition;
  const envelope = (input: z.input<C>): Envelope => {
    const config = configured(definition, input);
    return Object.freeze({
      type,
      config,
      contentType,
      ...(accepts && { accepts }),
      wrap: (parts: readonly Uint8Array[], collection: Collection) => wrap(config, parts, collection),
    });
  };
  return Object.assign(envelope, definition);
}
