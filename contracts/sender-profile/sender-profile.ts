import { describeIssues } from '../../core/define.ts';
import { HubError } from '../../core/errors.ts';
import type { Finding } from '../../core/finding.ts';
import type { Meta } from '../../core/format.ts';
import { merged } from '../../core/merged.ts';
import type { SenderProfile } from '../../core/profile.ts';
import { ProtocolFault } from '../../protocols/fault.ts';
import type { Hl7Message } from '../../protocols/hl7v2/message.ts';
import { compilePath } from '../../protocols/hl7v2/path.ts';
import type { SiteProfile } from '../../protocols/hl7v2/schema/profile.ts';
import { schemaOf } from '../../protocols/hl7v2/schema/schema.ts';
import { validate } from '../../protocols/hl7v2/schema/validate.ts';
import { hl7v2 } from '../hl7v2.ts';
import { type ProfileContent, profileKeys, type SiteContent } from './keys.ts';
import { withLineEnds } from './line-ends.ts';
import { ownPathCheck } from './own-paths.ts';

/** What a profile written in TypeScript says: the keys of a profile file, and defaults of the source. */
export type SenderProfileInput = ProfileContent & { readonly source?: SenderProfile['source'] };

/**
 * A sender profile in TypeScript: `withProfile(mllp({ … }), senderProfile('main-ehr', { charset: '8859/1' }))`. Throws HubError
 * `config-invalid`.
 */
export function senderProfile(name: string, { source = {}, ...content }: SenderProfileInput): SenderProfile {
  const read = profileKeys.safeParse(content);
  if (!read.success)
    throw new HubError('config-invalid', 'permanent', `defining profile ${name}: ${describeIssues(read.error)}`);
  return profileFrom(name, read.data, source);
}

/** @param content as `profileKeys` has read it */
export function profileFrom(name: string, content: ProfileContent, source: SenderProfile['source']): SenderProfile {
  const { sites = {}, ...everywhere } = content;
  const { zone } = everywhere;
  const rules = new SenderRules(everywhere, sites);
  const checkPath = ownPathCheck(name, everywhere, sites);
  const zoned = Object.values(sites).some((site) => site.zone !== undefined);
  return Object.freeze({
    kind: 'profile' as const,
    name,
    format: hl7v2.id,
    source,
    ...(zone !== undefined && { zone }),
    ...(zoned && { zoneOf: (message: Hl7Message) => rules.zoneOf(message) }),
    ...(checkPath && { checkPath }),
    decode: (raw: Uint8Array, meta: Meta) => rules.decode(raw, meta),
    received: (raw: Uint8Array, meta: Meta) => rules.received(raw, meta),
    validate: (message: Hl7Message) => rules.validate(message),
  });
}

const APPLICATION = compilePath('MSH-3.1');
const FACILITY = compilePath('MSH-4.1');
const CHARSET = compilePath('MSH-18');

/** What holds for the messages of one site. */
class SiteRules {
  readonly zone: string | undefined;
  readonly charset: string | undefined;
  readonly lineEnds: 'cr' | 'join' | undefined;
  readonly application: ReadonlyMap<string, string>;
  readonly facility: ReadonlyMap<string, string>;
  readonly version: string | undefined;
  readonly conformance: SiteProfile | undefined;

  constructor({ zone, charset, lineEnds, aliases, conformance }: SiteContent) {
    const { version, ...agreed } = conformance ?? {};
    this.zone = zone;
    this.charset = charset;
    this.lineEnds = lineEnds === 'as-received' ? undefined : lineEnds;
    this.application = new Map(Object.entries(aliases?.application ?? {}));
    this.facility = new Map(Object.entries(aliases?.facility ?? {}));
    this.version = version;
    this.conformance = conformance && (agreed as SiteProfile);
  }
}

class SenderRules {
  readonly #everywhere: SiteRules;
  readonly #sites: ReadonlyMap<string, SiteRules>;

  constructor(everywhere: SiteContent, sites: Readonly<Record<string, SiteContent>>) {
    this.#everywhere = new SiteRules(everywhere);
    this.#sites = new Map(
      Object.entries(sites).map(([name, site]) => [name, new SiteRules(merged(everywhere, site) as SiteContent)]),
    );
  }

  decode(raw: Uint8Array, meta: Meta): Hl7Message {
    const rules = this.#rulesFor(raw, meta);
    const bytes = rules.lineEnds ? withLineEnds(raw, rules.lineEnds) : raw;
    let message = hl7v2.decode(bytes, withCharset(meta, rules.charset));
    if (rules.charset !== undefined && message.get(CHARSET) !== rules.charset)
      message = changed(message, CHARSET, rules.charset);
    message = renamed(message, APPLICATION, rules.application);
    return renamed(message, FACILITY, rules.facility);
  }

  received(raw: Uint8Array, meta: Meta): Hl7Message {
    return hl7v2.decode(raw, withCharset(meta, this.#rulesFor(raw, meta).charset));
  }

  validate(message: Hl7Message): readonly Finding[] {
    const { version, conformance } = this.#site(message.get(FACILITY));
    const options = conformance ? { profile: conformance } : {};
    return validate(message, schemaOf(version ?? message.version), options);
  }

  zoneOf(message: Hl7Message): string | undefined {
    return this.#site(message.get(FACILITY)).zone;
  }

  #rulesFor(raw: Uint8Array, meta: Meta): SiteRules {
    if (this.#sites.size === 0) return this.#everywhere;
    const name = hl7v2.decode(raw, withCharset(meta, this.#everywhere.charset)).get(FACILITY);
    return this.#site(name == null ? name : (this.#everywhere.facility.get(name) ?? name));
  }

  #site(name: string | null | undefined): SiteRules {
    return (name == null ? undefined : this.#sites.get(name)) ?? this.#everywhere;
  }
}

function withCharset(meta: Meta, charset: string | undefined): Meta {
  return charset === undefined ? meta : { ...meta, 'hl7.charset': charset };
}

function renamed(message: Hl7Message, path: typeof APPLICATION, names: ReadonlyMap<string, string>): Hl7Message {
  if (names.size === 0) return message;
  const name = message.get(path);
  const other = name == null ? undefined : names.get(name);
  return other === undefined ? message : changed(message, path, other);
}

function changed(message: Hl7Message, path: typeof APPLICATION, value: string): Hl7Message {
  try {
    return message.set(path, value);
  } catch (fault) {
    if (!(fault instanceof ProtocolFault)) throw fault;
    throw new HubError('decode-failed', 'permanent', `normalising ${path.text}: ${fault.message}`, { cause: fault });
  }
}
