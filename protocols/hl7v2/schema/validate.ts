import type { Hl7Message } from '../message.ts';
import { Findings } from './findings.ts';
import { group } from './group.ts';
import type { Grouped } from './grouped.ts';
import type { Issue } from './issue.ts';
import { definitionsOf, type SiteProfile } from './profile.ts';
import { type Schema, schemaOf } from './schema.ts';
import { structureOf } from './structure-of.ts';
import { validateFields } from './validate-fields.ts';
import { validateStructure } from './validate-structure.ts';
import { VERSIONS, type Version } from './versions.ts';

/** What is done about what validation finds: nothing is looked for, it is told, or a message with errors is refused. */
export type ValidationMode = 'off' | 'report' | 'reject';

export interface ValidateOptions {
  readonly profile?: SiteProfile;
  /** The message as it was grouped already; else it is grouped by its own structure. */
  readonly grouped?: Grouped;
}

/**
 * What is wrong with a message by the definitions of a version and a site's profile: the order of its segments, missing
 * and surplus ones, and in each segment presence, repetitions, lengths, data types and tables. Segments of a site's own (Z)
 * are looked at where the profile has them and let through where not. Never throws; at most `MOST_ISSUES`, in the order
 * found: header, structure, then segment by segment.
 * @param schema default the one of MSH-12
 */
export function validate(
  message: Hl7Message,
  schema: Schema = schemaOf(message.version),
  options: ValidateOptions = {},
): Issue[] {
  const findings = new Findings(definitionsOf(schema, options.profile));
  if (!VERSIONS.includes(message.version as Version)) {
    findings.add(
      'warning',
      'unknown-version',
      'MSH[1]-12',
      0,
      `not a version with definitions: read as ${schema.version}`,
    );
  }
  const structure = options.grouped?.structure ?? structureOf(message, schema);
  if (structure) validateStructure(findings, options.grouped ?? group(message, structure));
  else {
    const text = `HL7 ${schema.version} has no message structure for it`;
    findings.add('warning', 'unknown-structure', 'MSH[1]-9', 0, text);
  }
  validateFields(findings, message);
  return findings.issues;
}

/** Whether any issue is an error: what `reject` refuses. */
export function hasErrors(issues: readonly Issue[]): boolean {
  return issues.some(({ severity }) => severity === 'error');
}
