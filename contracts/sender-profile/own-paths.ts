import { didYouMean } from '../../core/config/suggestion.ts';
import { HubError } from '../../core/errors.ts';
import { merged } from '../../core/merged.ts';
import { ProtocolFault } from '../../protocols/fault.ts';
import { compilePath, type Path } from '../../protocols/hl7v2/path.ts';
import type { SiteProfile } from '../../protocols/hl7v2/schema/profile.ts';
import { readHl7Path } from '../hl7v2-path.ts';
import type { SiteContent } from './keys.ts';

/**
 * Looks at paths into segments of the site's own (Z): those that no site of the sender has, by its profile, are wrong. Undefined where
 * the profile says none, for then nobody knows which there are. A segment without `fields` may have any.
 */
export function ownPathCheck(
  name: string,
  everywhere: SiteContent,
  sites: Readonly<Record<string, SiteContent>>,
): ((text: string) => void) | undefined {
  const all = [everywhere, ...Object.values(sites)].map(({ conformance }) => conformance?.segments ?? {});
  const segments = all.reduce<unknown>((sum, each) => merged(sum, each), {}) as NonNullable<SiteProfile['segments']>;
  const own = Object.keys(segments).filter((each) => each.startsWith('Z'));
  if (own.length === 0) return undefined;
  return (text) => {
    const path = compiled(text);
    if (!path?.segment.startsWith('Z')) return;
    const { segment, segments: selection, field } = path;
    if (!own.includes(segment)) throw wrong(`profile ${name} has no segment ${segment}${didYouMean(segment, own)}`);
    const { fields } = segments[segment]!;
    if (!fields) return;
    const places = Object.keys(fields).map((n) => `${segment}-${n}`);
    for (const n of [field, ...selection.where.map((each) => each.field)])
      if (n > 0 && !Object.hasOwn(fields, n))
        throw wrong(`profile ${name} has no ${segment}-${n}${didYouMean(`${segment}-${n}`, places)}`);
    readHl7Path(text, { profile: { segments } });
  };
}

/** Undefined for what is no path: that is told by whoever reads it. */
function compiled(text: string): Path | undefined {
  try {
    return compilePath(text);
  } catch (fault) {
    if (fault instanceof ProtocolFault) return undefined;
    throw fault;
  }
}

function wrong(message: string): HubError {
  return new HubError('config-invalid', 'permanent', message);
}
