import type { Address } from '@medplum/fhirtypes';
import type { Conversion } from '../conversion.ts';
import type { View } from '../leaves.ts';
import { rows } from '../row-names.ts';
import { leadsBack, mapped } from '../vocabulary.ts';
import { wordsOf } from './coded.ts';
import { periodOf } from './period.ts';

const XAD = rows('XAD[Address]', 3, 4, 5, 6, 7, 8, 9, 10, 17, 21, 22, 23, 28);
const SAD = rows('SAD[Address]', 3, 4, 5);

const USES = new Set(['home', 'work', 'temp', 'old', 'billing']);

/** An XAD value (HL7 2.5.1 §2.A.81). */
export function addressOf(view: View, conversion: Conversion): Address | undefined {
  const address: Address = {};
  kind(view, address);
  const line = [
    view.takeSub(1, 1, SAD[3]),
    view.takeSub(1, 2, SAD[4]),
    view.takeSub(1, 3, SAD[5]),
    view.take(2, XAD[4]),
    view.take(19, XAD[28]),
  ].filter((text) => text !== undefined);
  if (line.length > 0) address.line = line;
  const city = view.take(3, XAD[5]);
  if (city !== undefined) address.city = city;
  const county = view.sub(9);
  const district = county && wordsOf(county);
  if (district !== undefined) address.district = district;
  const state = view.take(4, XAD[6]);
  if (state !== undefined) address.state = state;
  const postalCode = view.take(5, XAD[7]);
  if (postalCode !== undefined) address.postalCode = postalCode;
  const country = view.take(6, XAD[8]);
  if (country !== undefined) address.country = country;
  if (Object.keys(address).every((key) => key === 'use' || key === 'type') && !view.has(8)) return undefined;
  const range = view.sub(12);
  const period =
    periodOf(view, 13, 14, XAD[22], XAD[23], conversion) ??
    (range && periodOf(range, 1, 2, XAD[21], XAD[21], conversion));
  if (period) address.period = period;
  return address;
}

/** XAD-7 is a use, a type or neither. */
function kind(view: View, address: Address): void {
  const code = view.peek(7);
  if (code === undefined) return;
  const type = mapped('AddressType[Type]', code)?.[0];
  const use = mapped('AddressType[Use]', code)?.[0];
  if (type === 'postal' || type === 'physical' || type === 'both') {
    if (leadsBack('AddressType[Type]', code)) view.take(7, XAD[9]);
    address.type = type;
  } else if (use !== undefined && USES.has(use)) {
    if (leadsBack('AddressType[Use]', code)) view.take(7, XAD[10]);
    address.use = use as NonNullable<Address['use']>;
  }
}
