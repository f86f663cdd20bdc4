import type { Context } from '../context.ts';
import type { Element } from '../element.ts';
import { codesIn } from './codes-in.ts';

/** The families of messages that are written. */
export type Family = 'patient' | 'result' | 'order' | 'vaccination' | 'schedule';

export const families: Readonly<Record<string, Family>> = {
  ADT: 'patient',
  ORU: 'result',
  OML: 'order',
  VXU: 'vaccination',
  SIU: 'schedule',
};

const APPOINTMENTS: Readonly<Record<string, string>> = { cancelled: 'S15', noshow: 'S26', 'entered-in-error': 'S17' };
const VISITS: Readonly<Record<string, string>> = {
  planned: 'A05',
  arrived: 'A04',
  triaged: 'A04',
  finished: 'A03',
  cancelled: 'A11',
};

/** The type of message that a bundle is about, by what it holds; undefined where it holds nothing that one is about. */
export function typeOfContent(context: Context): readonly [code: string, event: string] | undefined {
  const { resources, reading } = context;
  const appointment = resources.first('Appointment');
  if (appointment) return ['SIU', APPOINTMENTS[reading.peek(appointment, 'status') ?? ''] ?? 'S12'];
  if (resources.first('DiagnosticReport')) return ['ORU', 'R01'];
  if (resources.first('Immunization')) return ['VXU', 'V04'];
  if (resources.first('ServiceRequest')) return ['OML', 'O21'];
  const visit = resources.first('Encounter');
  if (resources.first('Observation') && !visit) return ['ORU', 'R01'];
  if (visit) return ['ADT', eventOf(visit, context)];
  return resources.first('Patient') ? ['ADT', 'A31'] : undefined;
}

/** An event of what event codes alone do not say. */
export function eventFor(code: string, context: Context): string | undefined {
  const found = typeOfContent(context);
  return found?.[0] === code ? found[1] : undefined;
}

function eventOf(visit: Element, context: Context): string {
  const status = context.reading.peek(visit, 'status') ?? '';
  const known = Object.hasOwn(VISITS, status) ? VISITS[status] : undefined;
  if (known !== undefined) return known;
  const inpatient = ['IMP', 'ACUTE', 'NONAC', 'OBSENC'].includes(codesIn({ coding: [visit.class] })[0] ?? '');
  return inpatient ? 'A01' : 'A04';
}

/** The code of a message whose event alone is known: `A01` is of ADT. */
export function codeOfEvent(event: string, context: Context): string | undefined {
  for (const code of Object.keys(families)) if (context.schema.structureNameFor(code, event)) return code;
  return undefined;
}
