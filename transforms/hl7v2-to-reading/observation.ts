import { isoTime } from '../../contracts/hl7v2-clinical.ts';
import { ucumOfMdc } from '../../contracts/mdc.ts';
import { hasValue, type Reading, type Validity } from '../../contracts/vitals.ts';
import type { Segment } from '../../protocols/hl7v2/segment.ts';

export interface Around {
  /** OBR-7, for metrics that say no time of their own. */
  readonly observedAt: string | undefined;
  /** That of MSH-7, for times that say none: `+0100`. */
  readonly offset: string | undefined;
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
  readonly points: Readonly<Record<string, string>>;
}

/** OBX-8 (IHE DEV TF-2, appendix B.8). */
const FLAGS: Readonly<Record<string, Validity>> = {
  INV: 'Inv',
  NAV: 'Inv',
  OFF: 'Inv',
  QUES: 'Qst',
  '>': 'Oflw',
  '<': 'Uflw',
};
const TEXTS = ['ST', 'TX', 'FT', 'IS', 'ID', 'CE', 'CWE', 'CNE', ''];
/** Deleted, or of another patient: no reading at all. */
const TAKEN_BACK = ['D', 'W'];

/** One metric; undefined where it is none: a waveform, a document, one that was taken back, one without a code. */
export function readingOf(obx: Segment, around: Around): Reading | undefined {
  const point = pointOf(obx, around.points);
  const status = obx.get('11') ?? '';
  if (point === undefined || TAKEN_BACK.includes(status)) return undefined;
  const read = readValue(obx);
  if (!read) return undefined;
  const flag = obx.all('8.1').find((each) => Object.hasOwn(FLAGS, each));
  const flagged = flag === undefined ? read.validity : FLAGS[flag]!;
  const validity = read.value === undefined && hasValue(flagged) ? 'Inv' : flagged;
  const unit = typeof read.value === 'string' ? undefined : unitOf(obx);
  return {
    point,
    ...(hasValue(validity) && { value: read.value }),
    ...(unit !== undefined && { unit }),
    ...codeOf(obx),
    validity,
    ...timeOf(obx, around),
  };
}

function readValue(obx: Segment): { readonly value?: number | string; readonly validity: Validity } | undefined {
  const type = obx.get('2') ?? '';
  const text = obx.get('5[1].1')?.trim() ?? '';
  if (type === 'NM') return numberFrom(text);
  if (type === 'SN') {
    if (text === '>' || text === '<') return { validity: text === '>' ? 'Oflw' : 'Uflw' };
    return text === '' || text === '=' ? numberFrom(obx.get('5[1].2')?.trim() ?? '') : undefined;
  }
  if (!TEXTS.includes(type)) return undefined;
  const said = (type.startsWith('C') && obx.get('5[1].2')?.trim()) || text;
  return said === '' ? { validity: 'Inv' } : { value: said, validity: 'Vld' };
}

function numberFrom(text: string): { readonly value?: number; readonly validity: Validity } {
  const value = /^[+-]?(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(value) ? { value, validity: 'Vld' } : { validity: 'Inv' };
}

/** The triplets of a coded field, by their coding system. */
function triplets(
  obx: Segment,
  field: number,
): { readonly code: string; readonly text: string; readonly system: string }[] {
  return [1, 4].flatMap((at) => {
    const [code = '', text = '', system = ''] = [0, 1, 2].map((n) => obx.get(`${field}.${at + n}`)?.trim() ?? '');
    return code === '' && text === '' ? [] : [{ code, text, system: system.toUpperCase() }];
  });
}

function codeOf(obx: Segment): Pick<Reading, 'code'> {
  const codes = triplets(obx, 3);
  const mdc = Number(codes.find(({ system }) => system === 'MDC')?.code);
  const loinc = codes.flatMap(({ code, system }) => (system === 'LN' && code !== '' ? [code] : []));
  const code = {
    ...(Number.isSafeInteger(mdc) && mdc > 0 && { mdc }),
    ...(loinc.length > 0 && { loinc }),
  };
  return Object.keys(code).length > 0 ? { code } : {};
}

function pointOf(obx: Segment, points: Readonly<Record<string, string>>): string | undefined {
  const codes = triplets(obx, 3);
  const listed = codes.find(({ code }) => Object.hasOwn(points, code));
  if (listed) return points[listed.code];
  const original = obx.get('3.9')?.trim() ?? '';
  if (/^[a-z][a-z0-9-]*$/.test(original)) return original;
  const [first] = codes;
  if (!first) return undefined;
  const name = /^MDCX?_/.test(first.text) ? first.text.replace(/^MDCX?_/, '') : first.text || first.code;
  return (
    name
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-|-$/g, '') || undefined
  );
}

/** UCUM where it is said, or follows from IEEE 11073; another unit is an annotation: it says what it is, and counts for none. */
function unitOf(obx: Segment): string | undefined {
  const units = triplets(obx, 6);
  const ucum = units.find(({ system }) => system === 'UCUM')?.code;
  if (ucum) return ucum;
  for (const { code, text } of units) {
    const known = ucumOfMdc(code) ?? ucumOfMdc(text);
    if (known !== undefined) return known;
  }
  const [first] = units;
  const word = (first?.text || first?.code || '').replaceAll(/[^\x21-\x7e]|[{}]/g, '');
  return word === '' ? undefined : `{${word}}`;
}

/** A time with a zone, its own or the message’s, to the second at least: one without is nobody’s moment. */
function timeOf(obx: Segment, { observedAt, offset = '', receivedAt }: Around): Pick<Reading, 'deviceTime' | 'skewMs'> {
  const said = obx.get('14') || observedAt || '';
  const time = isoTime(/[+-]\d{4}$/.test(said) ? said : `${said}${offset}`);
  if (time === undefined || !/T\d\d:\d\d:\d\d.*[+-]\d\d:\d\d$/.test(time)) return {};
  const at = Date.parse(time);
  return Number.isNaN(at) ? {} : { deviceTime: new Date(at).toISOString(), skewMs: at - receivedAt };
}
