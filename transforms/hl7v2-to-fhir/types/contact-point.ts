import type { ContactPoint } from '@medplum/fhirtypes';
import type { Conversion } from '../conversion.ts';
import type { View } from '../leaves.ts';
import { rows } from '../row-names.ts';
import { cameFrom } from '../urls.ts';
import { mapped } from '../vocabulary.ts';
import { periodOf } from './period.ts';

const XTN = rows('XTN[ContactPoint]', 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 24, 25, 26, 30);
const PART = 'http://hl7.org/fhir/StructureDefinition/contactpoint-';
const COUNTRY = `${PART}country`;
const AREA = `${PART}area`;
const LOCAL = `${PART}local`;
const EXTENSION = `${PART}extension`;
const SYSTEMS = new Set(['phone', 'fax', 'email', 'pager', 'url', 'sms', 'other']);
const USES = new Set(['home', 'work', 'temp', 'old', 'mobile']);

/** An XTN value (HL7 2.5.1 §2.A.89): a number as it was written, as its parts make it, or an address of mail. */
export function contactPointOf(view: View, conversion: Conversion): ContactPoint | undefined {
  const contact: ContactPoint = {};
  const equipment = view.peek(3);
  const unformatted = view.peek(12);
  const written = unformatted ?? view.peek(1);
  const mail =
    equipment === 'Internet' || equipment === 'X.400' || (view.has(4) && written === undefined && !view.has(7));
  const address = mail ? view.take(4, XTN[8]) : undefined;
  const value = address ?? written ?? fromParts(view);
  if (value === undefined) return undefined;
  if (address === undefined && unformatted !== undefined) view.take(12, XTN[24]);
  else if (address === undefined) view.take(1, XTN[3]);
  const target = equipment === undefined ? undefined : mapped('TelecommunicationEquipmentType', equipment);
  const system = target?.[0];
  if (address !== undefined || (mail && value.includes('@'))) contact.system = 'email';
  else if (system !== undefined && SYSTEMS.has(system)) contact.system = system as NonNullable<ContactPoint['system']>;
  else contact.system = value.includes('@') ? 'email' : equipment === undefined ? 'phone' : 'other';
  if (target !== undefined && system === contact.system && target[4] === equipment) view.mark(3, XTN[5]);
  contact.value = value;
  const place = address !== undefined ? '4' : unformatted !== undefined ? '12' : written !== undefined ? '1' : 'none';
  if (place !== (contact.system === 'email' ? '4' : '1')) contact.extension = [cameFrom(place)];
  use(view, contact);
  extensions(view, contact);
  const period = periodOf(view, 13, 14, XTN[25], XTN[26], conversion);
  if (period) contact.period = period;
  const rank = view.peek(18);
  if (rank !== undefined && /^[1-9]\d{0,8}$/.test(rank)) {
    view.mark(18, XTN[30]);
    contact.rank = Number(rank);
  }
  return contact;
}

function use(view: View, contact: ContactPoint): void {
  const code = view.peek(2);
  if (code === undefined) return;
  const target = mapped('TelecommunicationUseCode', code);
  const meant = target?.[0];
  if (meant === undefined || !USES.has(meant)) return;
  if (target?.[4] === code) view.mark(2, XTN[4]);
  contact.use = meant as NonNullable<ContactPoint['use']>;
}

/** `+49 30 123 X4`, of country, area, number and extension. */
function fromParts(view: View): string | undefined {
  const local = view.take(7, XTN[15]);
  const area = view.peek(6);
  if (local === undefined && area === undefined) return undefined;
  const country = view.peek(5);
  const extension = view.peek(8);
  let number = country === undefined ? '' : `+${country.replace(/^\+/, '')}`;
  if (area !== undefined) number = number === '' ? area : `${number} ${area}`;
  if (local !== undefined) number = number === '' ? local : `${number} ${local}`;
  return extension === undefined ? number : `${number} X${extension}`;
}

function extensions(view: View, contact: ContactPoint): void {
  const country = view.take(5, XTN[10]);
  const area = view.take(6, XTN[12]);
  const local = view.take(7, XTN[14]);
  const extension = view.take(8, XTN[20]);
  if ((country ?? area ?? local ?? extension) === undefined) return;
  const made = (contact.extension ??= []);
  if (country !== undefined) made.push({ url: COUNTRY, valueString: country });
  if (area !== undefined) made.push({ url: AREA, valueString: area });
  if (local !== undefined) made.push({ url: LOCAL, valueString: local });
  if (extension !== undefined) made.push({ url: EXTENSION, valueString: extension });
  // A mail address beside a number is no part of it: it is left for a place of its own.
}
