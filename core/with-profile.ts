import type { SenderProfile } from './profile.ts';
import type { SourceSpec } from './source.ts';

/**
 * A source with the profile of its sender: `withProfile(mllp({ … }), 'main-ehr')` takes the one of `profiles/main-ehr.profile.yaml`.
 * What the profile says of the source's configuration holds where the source does not say it itself. Throws HubError
 * `config-invalid` where that does not fit the source.
 */
export function withProfile<T>(source: SourceSpec<T>, profile: SenderProfile | string): SourceSpec<T> {
  if (typeof profile === 'string')
    return Object.freeze({ ...source, profile: Object.freeze({ kind: 'profile-name' as const, name: profile }) });
  const defaults = Object.hasOwn(profile.source, source.type) ? profile.source[source.type] : undefined;
  const configured = defaults && source.withDefaults ? source.withDefaults(defaults) : source;
  return Object.freeze({ ...configured, profile });
}

/** The profile of a loaded channel's source. */
export function profileOf(source: Pick<SourceSpec<unknown>, 'profile'>): SenderProfile | undefined {
  return source.profile?.kind === 'profile' ? source.profile : undefined;
}
