import type { Address } from '@medplum/fhirtypes';
import type { Conversion } from '../conversion.ts';
import type { View } from '../leaves.ts';
import { rows } from '../row-names.ts';
import { cameFrom } from '../urls.ts';
import { mapped } from '../vocabulary.ts';
import { wordsOf } from './coded.ts';
import { periodOf } from './period.ts';

const XAD = rows('XAD[Address]', 3, 4, 5, 6, 7, 8, 9, 10, 17, 21, 22, 23, 28);
const SAD = rows('SAD[Address]', 3, 4, 5);

const USES = new Set(['home', 'work', 'temp', 'old', 'billing']);

/** Where lines come from, when nothing else is said. */
const USUAL = ['1.1', '2'];

/** An XAD value (HL7 2.5.1 §2.A.81). */
export function addressOf(view: View, conversion: Conversion): Address | undefined {
  const address: Address = {};
  kind(view, address);
  const line: string[] = [];
  const places: string[] = [];
  const said = (place: string, text: string | undefined) => {
    if (text === undefined) return;
    line.push(text);
    places.push(place);
  };
  said('1.1', view.takeSub(1, 1, SAD[3]));
  said('1.2', view.takeSub(1, 2, SAD[4]));
  said('1.3', view.takeSub(1, 3, SAD[5]));
  said('2', view.take(2, XAD[4]));
  said('19', view.take(19, XAD[28]));
  if (line.length > 0) address.line = line;
  const parts = places.every((place, at) => place === USUAL[at]) ? [] : places;
  const city = view.take(3, XAD[5]);
  if (city !== undefined) address.city = city;
  const county = view.sub(9);
  const district = county && wordsOf(county);
  if (district !== undefined) address.district = district;
  if (county && county.peek(9) === undefined && county.peek(2) !== undefined) parts.push('district=2');
  else if (county?.has(9)) parts.push('district=9');
  const state = view.take(4, XAD[6]);
  if (state !== undefined) address.state = state;
  const postalCode = view.take(5, XAD[7]);
  if (postalCode !== undefined) address.postalCode = postalCode;
  const country = view.take(6, XAD[8]);
  if (country !== undefined) address.country = country;
  if (saysNothing(address) && !view.has(8)) return undefined;
  const range = view.sub(12);
  const bounds = periodOf(view, 13, 14, XAD[22], XAD[23], conversion);
  const period = bounds ?? (range && periodOf(range, 1, 2, XAD[21], XAD[21], conversion));
  if (period) address.period = period;
  if (period && !bounds) parts.push('period');
  if (parts.length > 0) address.extension = [cameFrom(...parts)];
  return address;
}

/** Whether it has no part but what it is for. */
function saysNothing(address: Address): boolean {
  for (const key in address) if (key !== 'use' && key !== 'type') return false;
  return true;
}

/** XAD-7 is a use, a type or neither. */
function kind(view: View, address: Address): void {
  const code = view.peek(7);
  if (code === undefined) return;
  const asType = mapped('AddressType[Type]', code);
  const asUse = mapped('AddressType[Use]', code);
  const type = asType?.[0];
  const use = asUse?.[0];
  if (type === 'postal' || type === 'physical' || type === 'both') {
    if (asType?.[4] === code) view.take(7, XAD[9]);
    address.type = type;
  } else if (use !== undefined && USES.has(use)) {
    if (asUse?.[4] === code) view.take(7, XAD[10]);
    address.use = use as NonNullable<Address['use']>;
  }
}
