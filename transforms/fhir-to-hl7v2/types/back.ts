import { schemaOf } from '../../../protocols/hl7v2/schema/schema.ts';
import type { Rule } from '../../hl7v2-to-fhir/rule.ts';
import { backFrom } from '../codes.ts';
import type { Context } from '../context.ts';
import { type Element, isElement } from '../element.ts';
import { asSent, cameAt } from '../hints.ts';
import { divided, put, putAll, type Repetition } from '../repetition.ts';
import { codedOf, codingOf, isCode } from './coded.ts';
import { xadOf, xtnOf } from './contact.ts';
import { cxOf, dlnOf, eiOf, eipOf, hdOf, identifierAsCwe, plnOf } from './identifier.ts';
import { xpnOf } from './name.ts';
import { locationAsHd, locationAsXon, ndlOf, partyAsCwe, plOf, xcnOf, xonOf } from './party.ts';
import { cpOf, cqOf, numberIn, unitOf } from './quantity.ts';
import { timeIn, timeOfDay } from './time.ts';
import { rptOf } from './timing.ts';

/** Makes a repetition of a field of what stands under `key` in `parent`; undefined where that says nothing of it. */
export type Back = (parent: Element, key: string, context: Context) => Repetition | undefined;

type ElementBack = (element: Element, context: Context) => Repetition | undefined;

const newest = schemaOf('2.8');

/** The table and the data type of a field; of one that the version does not have, those of the newest. */
export function fieldOf(segment: string, field: number, context: Context) {
  return context.schema.segment(segment)?.fields[field - 1] ?? newest.segment(segment)?.fields[field - 1];
}

/** References, in place of which the element itself is given. */
const references: Readonly<Record<string, ElementBack>> = {
  'XCN[Practitioner]': xcnOf,
  'XON[Organization]': xonOf,
  'HD[Organization]': (reference, context) => hdOf(context.target(reference), context) ?? xonOf(reference, context),
  'CWE[Organization]': partyAsCwe,
  'CWE[Device]': partyAsCwe,
  'PL[Location]': plOf,
  'HD[Location]': locationAsHd,
  'DLD[Location-Discharge]': dldOf,
  'XON[Location]': locationAsXon,
  'NDL[PractitionerRole]': ndlOf,
};

const composites: Readonly<Record<string, ElementBack>> = {
  'CX[Identifier]': cxOf,
  'EI[Identifier-Extension]': eiOf,
  'EI[Identifier-Organization]': eiOf,
  'EIP[Identifier-PlacerAssignedIdentifier]': (identifier, context) => eipOf(identifier, 1, context),
  'EIP[Identifier-FillerAssignedIdentifier]': (identifier, context) => eipOf(identifier, 2, context),
  'DLN[Identifier]': dlnOf,
  'PLN[Identifier]': plnOf,
  'CWE[Identifier]': identifierAsCwe,
  'XPN[HumanName]': xpnOf,
  'XAD[Address]': xadOf,
  'XTN[ContactPoint]': xtnOf,
  'CQ[Quantity]': cqOf,
  'CWE[Quantity]': unitOf,
  'CP[Money]': cpOf,
  'NM[Quantity-LengthOfStay]': daysOf,
  'DR[Period]': drOf,
  'RPT[Timing]': rptOf,
};

/** The way back of a rule. */
export function backOf(rule: Rule, segment: string): Back {
  const { via = '', type, vocabulary, field } = rule;
  const element = references[via] ?? composites[via];
  if (element) return (parent, key, context) => (isElement(parent[key]) ? element(parent[key], context) : undefined);
  switch (type) {
    case 'CodeableConcept':
    case 'Coding': {
      const make = type === 'Coding' ? codingOf : codedOf;
      return (parent, key, context) => {
        const value = parent[key];
        if (!isElement(value)) return undefined;
        const place = fieldOf(segment, field, context);
        return make(value, context, { vocabulary, table: place?.table, type: place?.type });
      };
    }
    case 'code':
      return (parent, key, context) => {
        const code = context.reading.text(parent, key);
        if (code === undefined) return undefined;
        return one(vocabulary === undefined ? code : (backFrom(vocabulary, code, context.own) ?? code));
      };
    case 'dateTime':
    case 'instant':
    case 'date':
      return (parent, key, context) => one(timeIn(parent, key, context));
    case 'time':
      return (parent, key, context) => one(timeOfDay(context.reading.text(parent, key) ?? ''));
    case 'decimal':
    case 'integer':
    case 'unsignedInt':
    case 'positiveInt':
      return (parent, key, context) => one(numberIn(parent, key, context));
    case 'boolean':
      return (parent, key, context) => {
        const said = context.reading.text(parent, key);
        return said === undefined
          ? undefined
          : one(backFrom(vocabulary ?? 'YesNoIndicator', said, context.own) ?? said);
      };
    case 'string':
    case 'markdown':
      return (parent, key, context) => wordsIn(parent, key, via, segment, field, context);
    default:
      return (parent, key, context) => one(context.reading.text(parent, key));
  }
}

function one(text: string | undefined): Repetition | undefined {
  return text === undefined ? undefined : [[text]];
}

/** A text; where it was the words of a coded value, in the component that they stood in. */
function wordsIn(
  parent: Element,
  key: string,
  via: string,
  segment: string,
  field: number,
  context: Context,
): Repetition | undefined {
  const sent = asSent(parent, key, context.reading);
  const text = context.reading.text(parent, key);
  if (text === undefined) return undefined;
  if (via.startsWith('CX[')) return divided(text);
  if (!via.startsWith('CWE[')) return one(sent ?? text);
  const beside = parent[`_${key}`];
  const [at] = (isElement(beside) ? cameAt(beside, context.reading) : undefined) ?? [];
  const made: Repetition = [];
  put(made, at === undefined ? (isCode(fieldOf(segment, field, context)?.type) ? 1 : 2) : Number(at) || 1, 1, text);
  return made;
}

function drOf(period: Element, context: Context): Repetition | undefined {
  const made: Repetition = [];
  put(made, 1, 1, timeIn(period, 'start', context));
  put(made, 2, 1, timeIn(period, 'end', context));
  return made.length > 0 ? made : undefined;
}

function daysOf(quantity: Element, context: Context): Repetition | undefined {
  for (const key of ['unit', 'system', 'code']) context.reading.take(quantity, key);
  return one(numberIn(quantity, 'value', context));
}

function dldOf(reference: Element, context: Context): Repetition | undefined {
  const place = context.target(reference);
  const [type] = context.reading.objects(place, 'type');
  if (!place || !type) return place ? hdOf(place, context) : undefined;
  const made: Repetition = [];
  putAll(made, 1, codedOf(type, context, { table: '0113' }));
  return made.length > 0 ? made : undefined;
}
