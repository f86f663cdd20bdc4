import type { Hl7Message } from '../../protocols/hl7v2/message.ts';
import { toHl7v2 } from '../../transforms/fhir-to-hl7v2/to-hl7v2.ts';
import { explain, type LeafReport } from '../../transforms/hl7v2-to-fhir/explain.ts';
import { leavesOf } from './leaves.ts';

/** The types of messages that there is a way back to. */
const TWO_WAY = /^(?:ADT\^A\d\d|ORU\^R01|OML\^O21|SIU\^S(?:1[2-9]|2[0-6])|VXU\^V04)$/;

/** What came back of a message that went to FHIR and back. */
export interface RoundTrip {
  /** The leaves that a rule took. */
  readonly mapped: number;
  readonly differing: readonly Difference[];
  /** Those that are kept in extensions. */
  readonly kept: number;
  readonly keptDiffering: readonly Difference[];
}

export interface Difference {
  readonly place: string;
  /** The rows that took it there. */
  readonly rows: readonly string[];
  readonly sent: string;
  readonly back: string | undefined;
}

/** Compares every leaf of a message that is mapped or kept with the one in its place after the round trip; undefined where there is no way back. */
export function roundTrip(message: Hl7Message): RoundTrip | undefined {
  // What holds several messages is divided before they are converted.
  if (!TWO_WAY.test(message.type) || message.segments('MSH').length > 1) return undefined;
  const { bundle, leaves } = explain(message, { receivedAt: Date.UTC(2026, 2, 2, 12) });
  const returned = toHl7v2(bundle).message;
  const sent = new Map(leavesOf(message).map((leaf) => [leaf.place, leaf.text]));
  const back = new Map(leavesOf(returned).map((leaf) => [leaf.place, leaf.text]));
  const of = (status: LeafReport['status']) => leaves.filter((leaf) => leaf.status === status && sent.has(leaf.path));
  const differing = (some: readonly LeafReport[]) =>
    some.flatMap((leaf): Difference[] => {
      const one = sent.get(leaf.path)!;
      const other = back.get(leaf.path);
      if (other !== undefined && means(one, other)) return [];
      if (sameText(leaf, message, returned) || saidBefore(leaf.path, sent, back)) return [];
      return [{ place: leaf.path, rows: leaf.to[0]?.rows ?? [], sent: one, back: other }];
    });
  const [mapped, kept] = [of('mapped'), of('kept')];
  return {
    mapped: mapped.length,
    differing: differing(mapped),
    kept: kept.length,
    keptDiffering: differing(kept),
  };
}

/** Whether two texts say the same. */
function means(sent: string, back: string): boolean {
  return sent === back || sameTime(sent, back);
}

const TIME = /^(\d{4}(?:\d\d){0,5}(?:\.\d+)?)([+-]\d{4})?$/;

/**
 * FHIR has no time of day without a zone: one that was sent without has got that of MSH-7, of the configuration, or UTC, and comes
 * back with it. It is the same on the clock, and as precise.
 */
function sameTime(sent: string, back: string): boolean {
  const [, digits, zone] = TIME.exec(sent) ?? [];
  const [, again] = TIME.exec(back) ?? [];
  return digits !== undefined && digits.length > 8 && zone === undefined && digits === again;
}

/** A patient or a visit that a message says twice, in the same words, is said once. */
function saidBefore(place: string, sent: ReadonlyMap<string, string>, back: ReadonlyMap<string, string>): boolean {
  const [, name, occurrence, rest = ''] = /^(PID|PD1|PV1|PV2)\[(\d+)\](.*)$/.exec(place) ?? [];
  for (let before = Number(occurrence ?? 0) - 1; before > 0; before--) {
    const earlier = `${name}[${before}]${rest}`;
    if (sent.get(earlier) === sent.get(place) && means(sent.get(place)!, back.get(earlier) ?? '')) return true;
  }
  return false;
}

/**
 * What looks like delimiters in a text that is not divided was meant to be read: it comes back as the same text, with those
 * escaped, so that the leaves are others.
 */
function sameText({ path }: LeafReport, message: Hl7Message, returned: Hl7Message): boolean {
  const repetition = path.slice(0, path.indexOf(']', path.indexOf('-')) + 1);
  // A line that is no segment has no path.
  if (repetition.startsWith('[')) return false;
  const one = message.get(repetition);
  const other = returned.get(repetition);
  return typeof one === 'string' && typeof other === 'string' && one.trim() === other.trim();
}
