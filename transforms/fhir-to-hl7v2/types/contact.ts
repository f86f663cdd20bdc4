import { V2 } from '../../hl7v2-to-fhir/urls.ts';
import { backFrom } from '../codes.ts';
import type { Context } from '../context.ts';
import type { Element } from '../element.ts';
import { cameAt } from '../hints.ts';
import { put, type Repetition } from '../repetition.ts';
import { timeIn } from './time.ts';

/** The components of an XAD that lines come from, in the order that the way there puts them. */
const LINES = ['1.1', '2'];

/** An Address as XAD (HL7 2.5.1 §2.A.81). */
export function xadOf(address: Element, context: Context): Repetition | undefined {
  const { reading } = context;
  const made: Repetition = [];
  const lines = reading.texts(address, 'line').filter((text) => text !== undefined);
  const noted = cameAt(address, reading) ?? [];
  const said = noted.filter((each) => /^\d/.test(each));
  const at = said.length > 0 ? said : LINES;
  lines.slice(0, at.length).forEach((line, n) => {
    const [component = '1', subcomponent = '1'] = at[n]!.split('.');
    put(made, Number(component) || 1, Number(subcomponent) || 1, line);
  });
  // More lines than there are places stand in the last of them.
  if (lines.length > at.length && at === LINES) put(made, 2, 1, lines.slice(1).join(', '));
  if (lines.length === 0 && !reading.peek(address, 'city')) put(made, 1, 1, reading.text(address, 'text'));
  put(made, 3, 1, reading.text(address, 'city'));
  put(made, 4, 1, reading.text(address, 'state'));
  put(made, 5, 1, reading.text(address, 'postalCode'));
  put(made, 6, 1, reading.text(address, 'country'));
  const district = noted.find((each) => each.startsWith('district='))?.slice('district='.length);
  put(made, 9, Number(district ?? 1) || 1, reading.text(address, 'district'));
  const type = reading.text(address, 'type');
  const use = reading.text(address, 'use') ?? useBeside(address, context);
  put(
    made,
    7,
    1,
    (use === undefined ? undefined : backFrom('AddressType[Use]', use, context.own)) ??
      (type === undefined ? undefined : backFrom('AddressType[Type]', type, context.own)),
  );
  const period = reading.object(address, 'period');
  const range = noted.includes('period');
  put(made, range ? 12 : 13, 1, timeIn(period, 'start', context));
  put(made, range ? 12 : 14, range ? 2 : 1, timeIn(period, 'end', context));
  return made.length > 0 ? made : undefined;
}

/** What an organization’s address or number is used for, and FHIR does not let it be. */
function useBeside(element: Element, { reading }: Context): string | undefined {
  const beside = reading.objects(element, 'extension').find(({ url }) => url === `${V2}use`);
  if (!beside) return undefined;
  reading.take(beside, 'url');
  return reading.text(beside, 'valueCode');
}

const PARTS: Readonly<Record<string, number>> = { country: 5, area: 6, local: 7, extension: 8 };
const PART = 'http://hl7.org/fhir/StructureDefinition/contactpoint-';

/** A ContactPoint as XTN (HL7 2.5.1 §2.A.89). */
export function xtnOf(contact: Element, context: Context): Repetition | undefined {
  const { reading } = context;
  const made: Repetition = [];
  const value = reading.text(contact, 'value');
  const system = reading.text(contact, 'system');
  const use = reading.text(contact, 'use') ?? useBeside(contact, context);
  const [at] = cameAt(contact, reading) ?? [];
  const parts = new Map<number, string>();
  for (const each of reading.objects(contact, 'extension')) {
    const url = typeof each.url === 'string' && each.url.startsWith(PART) ? each.url.slice(PART.length) : '';
    const n = Object.hasOwn(PARTS, url) ? PARTS[url] : undefined;
    const text = n === undefined ? undefined : reading.text(each, 'valueString');
    if (n === undefined || text === undefined) continue;
    reading.take(each, 'url');
    parts.set(n, text);
  }
  const mail = system === 'email';
  if (at !== 'none' && value !== undefined) put(made, at === undefined ? (mail ? 4 : 1) : Number(at) || 1, 1, value);
  if (use !== undefined) put(made, 2, 1, backFrom('TelecommunicationUseCode', use, context.own));
  if (system !== undefined) put(made, 3, 1, equipmentOf(system, use, context));
  if (mail && !context.own) put(made, 2, 1, 'NET');
  for (const [n, text] of parts) put(made, n, 1, text);
  const period = reading.object(contact, 'period');
  put(made, 13, 1, timeIn(period, 'start', context));
  put(made, 14, 1, timeIn(period, 'end', context));
  put(made, 18, 1, reading.text(contact, 'rank'));
  return made.length > 0 ? made : undefined;
}

function equipmentOf(system: string, use: string | undefined, context: Context): string | undefined {
  if (!context.own && system === 'phone' && use === 'mobile') return 'CP';
  return backFrom('TelecommunicationEquipmentType', system, context.own);
}
