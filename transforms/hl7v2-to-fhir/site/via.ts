import { dataTypeMaps } from '../converters.ts';

/** The map that makes a type of a field whose data type nobody knows, or is text. */
const USUAL: Readonly<Record<string, string>> = {
  HumanName: 'XPN[HumanName]',
  Address: 'XAD[Address]',
  ContactPoint: 'XTN[ContactPoint]',
  Identifier: 'CX[Identifier]',
  Quantity: 'CQ[Quantity]',
  Duration: 'NM[Quantity-LengthOfStay]',
  Money: 'CP[Money]',
  Period: 'DR[Period]',
  Timing: 'RPT[Timing]',
  Attachment: 'ED[Attachment]',
  Practitioner: 'XCN[Practitioner]',
  PractitionerRole: 'NDL[PractitionerRole]',
  Organization: 'XON[Organization]',
  Location: 'PL[Location]',
  Device: 'CWE[Device]',
};

const CODED = new Set(['CE', 'CF', 'CNE', 'CWE']);

const DIVIDED = new Set(dataTypeMaps.map((map) => map.slice(0, map.indexOf('['))));

/**
 * The map of the data type for a field and an element; undefined where the element's type alone says what to do, `none` where the
 * field is of a type that such an element is not made of.
 */
export function viaFor(type: string, dataType: string | undefined): string | undefined {
  const wanted = type === 'markdown' ? 'string' : type;
  const name = dataType !== undefined && CODED.has(dataType) ? 'CWE' : dataType;
  const own = dataTypeMaps.filter((map) => new RegExp(`^${name}\\[${wanted}\\b`).test(map));
  if (own[0] !== undefined) return own[0];
  const usual = USUAL[type];
  return usual !== undefined && name !== undefined && DIVIDED.has(name) ? 'none' : usual;
}
