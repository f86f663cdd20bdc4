import { HubError } from '../core/errors.ts';
import { ProtocolFault } from '../protocols/fault.ts';
import { compilePath, type Path } from '../protocols/hl7v2/path.ts';
import { checkPath, type PathProblem } from '../protocols/hl7v2/schema/check-path.ts';
import type { SiteProfile } from '../protocols/hl7v2/schema/profile.ts';
import { schemaOf } from '../protocols/hl7v2/schema/schema.ts';
import { nearest } from '../protocols/hl7v2/schema/suggest.ts';
import { VERSIONS } from '../protocols/hl7v2/schema/versions.ts';

/** What is known of the messages that a path leads into. */
export interface KnownMessages {
  /** MSH-12; where it is not known, a path must name something in any version. */
  readonly version?: string;
  /** Their structures, as MSH-9.3 has them; where these are not known, any segment may occur. */
  readonly structures?: readonly string[];
  /** What the site has agreed on beyond the standard; segments of its own (Z) may also stand in none. */
  readonly profile?: SiteProfile;
}

/**
 * Reads an HL7 path of a configuration file. Throws HubError `config-invalid` for one that cannot be read or names nothing by the
 * definitions of HL7: no such segment, field, component or subcomponent, also in its selectors; with what was probably meant.
 * @param agreed whether the sender has agreed on it beyond those definitions; may throw for what it has agreed not to send
 */
export function readHl7Path(text: string, known: KnownMessages = {}, agreed?: (text: string) => boolean): Path {
  let path: Path;
  try {
    path = compilePath(text);
  } catch (fault) {
    if (!(fault instanceof ProtocolFault)) throw fault;
    throw wrong(fault.message, likely(text), fault);
  }
  const problem = agreed?.(text) ? undefined : problemOf(path, known);
  if (problem) throw wrong(problem.message, problem.suggestions[0]);
  return path;
}

/** What is wrong with it in the first of the versions, where it is right in none. */
function problemOf(path: Path, known: KnownMessages): PathProblem | undefined {
  const { structures, profile, version } = known;
  let first: PathProblem | undefined;
  for (const each of version === undefined ? VERSIONS.toReversed() : [version]) {
    const schema = schemaOf(each);
    const within = structures?.flatMap((name) => schema.structure(name) ?? []) ?? [];
    for (const structure of within.length > 0 ? within : [undefined]) {
      const checked = checkPath(schema, path, { ...(structure && { structure }), ...(profile && { profile }) });
      if (checked.ok) return undefined;
      first ??= checked;
    }
  }
  return first;
}

function wrong(reason: string, meant: string | undefined, cause?: unknown): HubError {
  const hint = meant === undefined ? '' : ` – did you mean ${meant}?`;
  return new HubError('config-invalid', 'permanent', reason + hint, { cause });
}

const otherWays = /^([a-z][a-z0-9]{2})[-. ]?(\d+)(?:[-.](\d+))?(?:[-.](\d+))?$/i;
const otherLength = /^([a-z][a-z0-9]{1,4})[-. ](\d+)(?:[-.](\d+))?(?:[-.](\d+))?$/i;

/** `pid.5.1`, `PID5.1` and `PID-5-1` are ways of other engines to write PID-5.1; PIV1-2 is a slip for PV1-2. */
function likely(text: string): string | undefined {
  const { segmentNames } = schemaOf(VERSIONS.at(-1)!);
  const known = new Set(segmentNames);
  const own = otherWays.exec(text.trim())?.slice(1) ?? [];
  if (own[0] !== undefined && (known.has(own[0].toUpperCase()) || /^z/i.test(own[0]))) return written(own, text);
  const [segment = '', ...places] = otherLength.exec(text.trim())?.slice(1) ?? [];
  const [near] = segment === '' ? [] : nearest(segment, known);
  return near === undefined ? undefined : written([near, ...places], text);
}

function written([segment = '', ...all]: readonly (string | undefined)[], text: string): string | undefined {
  const places = all.filter((each) => each !== undefined);
  const meant = `${segment.toUpperCase()}-${places.join('.')}`;
  try {
    compilePath(meant);
    return meant === text ? undefined : meant;
  } catch {
    return undefined;
  }
}
