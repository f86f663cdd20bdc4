import { didYouMean } from '../../core/config/suggestion.ts';
import { HubError } from '../../core/errors.ts';
import { merged } from '../../core/merged.ts';
import { ProtocolFault } from '../../protocols/fault.ts';
import { compilePath, type Path } from '../../protocols/hl7v2/path.ts';
import type { SiteProfile } from '../../protocols/hl7v2/schema/profile.ts';
import { readHl7Path } from '../hl7v2-path.ts';
import type { SiteContent } from './keys.ts';

/**
 * Looks at paths by what the profile says of segments. Those into segments of the site's own (Z) that no site of the sender has are
 * wrong; a segment without `fields` may have any, and so may all where the profile says none. Those that lead to what the profile adds
 * to a segment of the standard (PID-50) are agreed on. Undefined where the profile says nothing of segments.
 */
export function ownPathCheck(
  name: string,
  everywhere: SiteContent,
  sites: Readonly<Record<string, SiteContent>>,
): ((text: string) => boolean) | undefined {
  const all = [everywhere, ...Object.values(sites)].map(({ conformance }) => conformance?.segments ?? {});
  const segments = all.reduce<unknown>((sum, each) => merged(sum, each), {}) as NonNullable<SiteProfile['segments']>;
  if (Object.keys(segments).length === 0) return undefined;
  const own = Object.keys(segments).filter((each) => each.startsWith('Z'));
  return (text) => {
    const path = compiled(text);
    if (!path) return false;
    const { segment, segments: selection, field } = path;
    if (!segment.startsWith('Z')) return segments[segment]?.fields !== undefined && isRight(text, segments);
    if (own.length === 0) return false;
    if (!own.includes(segment)) throw wrong(`profile ${name} has no segment ${segment}${didYouMean(segment, own)}`);
    const { fields } = segments[segment]!;
    if (!fields) return false;
    const places = Object.keys(fields).map((n) => `${segment}-${n}`);
    for (const n of [field, ...selection.where.map((each) => each.field)])
      if (n > 0 && !Object.hasOwn(fields, n))
        throw wrong(`profile ${name} has no ${segment}-${n}${didYouMean(`${segment}-${n}`, places)}`);
    readHl7Path(text, { profile: { segments } });
    return true;
  };
}

/** By the standard with what the profile says of its segments. */
function isRight(text: string, segments: NonNullable<SiteProfile['segments']>): boolean {
  try {
    readHl7Path(text, { profile: { segments } });
    return true;
  } catch (thrown) {
    if (thrown instanceof HubError) return false;
    throw thrown;
  }
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
