import type { CodeableConcept } from '@medplum/fhirtypes';
import type { Conversion } from './conversion.ts';
import type { View } from './leaves.ts';
import { type Converter, remembered } from './remembered.ts';
import { rememberedResource } from './remembered-resources.ts';
import type { Rule } from './rule.ts';
import type { Draft } from './segment-view.ts';
import { addressOf } from './types/address.ts';
import { attachmentOfEd } from './types/attachment.ts';
import { codeableConceptOf, codingOf, firstCodingOf, wordsOf } from './types/coded.ts';
import { contactPointOf } from './types/contact-point.ts';
import { dateOf, dateTimeOf, instantOf, saysLess, timeOf } from './types/date-time.ts';
import {
  identifierOfCwe,
  identifierOfCx,
  identifierOfDln,
  identifierOfEi,
  identifierOfEip,
  identifierOfPln,
} from './types/identifier.ts';
import { locationOf, locationOfDld, locationOfHd, locationOfXon } from './types/location.ts';
import { nameOfXpn, wordsOfName } from './types/name.ts';
import {
  deviceOfCwe,
  organizationOfCwe,
  organizationOfHd,
  organizationOfXon,
  wordsOfXon,
} from './types/organization.ts';
import { periodOfDr } from './types/period.ts';
import { practitionerOf } from './types/person.ts';
import { codeOf, decimalOf, integerOf, isExact, uriOf } from './types/primitive.ts';
import { asSent, daysOf, moneyOf, quantityOfCq, unitOf } from './types/quantity.ts';
import { roleOfNdl } from './types/role.ts';
import { timingOfRpt } from './types/timing.ts';
import { cameFrom } from './urls.ts';
import { firstCodeOf, mapped, tableOf } from './vocabulary.ts';

/** A value with what is noted beside it: how a number or a time was sent, `1.50`, where words stood. */
export class Exact {
  readonly value: number | string;
  readonly beside: object;

  constructor(value: number | string, beside: object) {
    this.value = value;
    this.beside = beside;
  }
}

/** A resource that an element refers to. */
export class Referred {
  readonly draft: Draft;

  constructor(draft: Draft) {
    this.draft = draft;
  }
}

const resources: Readonly<Record<string, (view: View, conversion: Conversion) => Draft | undefined>> = {
  'XCN[Practitioner]': rememberedResource(practitionerOf, 16),
  'XON[Organization]': organizationOfXon,
  'HD[Organization]': organizationOfHd,
  'CWE[Organization]': rememberedResource(organizationOfCwe, 9),
  'CWE[Device]': deviceOfCwe,
  // Beyond the eighth it may write in a place that is there already.
  'PL[Location]': rememberedResource(locationOf, 8),
  'HD[Location]': locationOfHd,
  'DLD[Location-Discharge]': locationOfDld,
  'XON[Location]': locationOfXon,
  'NDL[PractitionerRole]': roleOfNdl,
};

const composites: Readonly<Record<string, Converter>> = {
  'CX[Identifier]': identifierOfCx,
  'EI[Identifier-Extension]': identifierOfEi,
  'EI[Identifier-Organization]': identifierOfEi,
  'EIP[Identifier-PlacerAssignedIdentifier]': (view, conversion) => identifierOfEip(view, 'placer', conversion),
  'EIP[Identifier-FillerAssignedIdentifier]': (view, conversion) => identifierOfEip(view, 'filler', conversion),
  'DLN[Identifier]': identifierOfDln,
  'PLN[Identifier]': identifierOfPln,
  'CWE[Identifier]': identifierOfCwe,
  'XPN[HumanName]': nameOfXpn,
  'XAD[Address]': addressOf,
  'XTN[ContactPoint]': contactPointOf,
  'CQ[Quantity]': quantityOfCq,
  'CWE[Quantity]': remembered(unitOf),
  'CP[Money]': moneyOf,
  'NM[Quantity-LengthOfStay]': daysOf,
  'DR[Period]': periodOfDr,
  'RPT[Timing]': timingOfRpt,
  'ED[Attachment]': attachmentOfEd,
};

const words: Readonly<Record<string, (view: View) => string | undefined>> = {
  'CWE[string]': wordsOf,
  'XON[string]': wordsOfXon,
  'XPN[string]': wordsOfName,
  'CWE[Annotation]': wordsOf,
};

/** The maps of data types that rules may name; the type that each makes is in its brackets. */
export const dataTypeMaps: readonly string[] = [resources, composites, words].flatMap((each) => Object.keys(each));

/** The words of a coded value as a note, with where they stood unless they are the name of its code. */
function wordsNoted(view: View): string | Exact | undefined {
  const text = wordsOf(view);
  if (text === undefined || (view.has(2) && !view.has(9))) return text;
  return new Exact(text, { extension: [cameFrom(view.has(9) ? '9' : '1')] });
}

/**
 * The converter of a rule, by the map of its data type, else by the type of the element.
 * @param codes the codes of the value set that the element is bound to
 * @throws Error where there is none: a rule that nobody can carry out is a mistake of the build
 */
export function converterOf(rule: Rule, segment: string, codes: ReadonlySet<string> | undefined): Converter {
  const { via = '', type, id } = rule;
  const resource = resources[via];
  if (resource) {
    return (view, conversion) => {
      const draft = resource(view, conversion);
      return draft && new Referred(draft);
    };
  }
  const composite = composites[via];
  if (composite) return composite;
  const vocabulary = rule.vocabulary;
  const table = tableOf(segment, rule.field);
  switch (type) {
    case 'CodeableConcept':
      if (codes) return remembered((view, conversion) => boundConcept(view, vocabulary, codes, conversion));
      return remembered((view) => codeableConceptOf(view, { vocabulary, table }));
    case 'Coding':
      return remembered((view) => firstCodingOf(view, { vocabulary, table }));
    case 'code':
      return remembered((view, conversion) => codeAt(view, rule, codes, conversion));
    case 'string':
    case 'markdown': {
      if (via === 'CWE[Annotation]') return wordsNoted;
      const text = words[via];
      return text ?? ((view) => (view.valued ? view.whole(id) : undefined));
    }
    case 'dateTime':
      return timed(via === 'DR[dateTime]' ? `${via} 3` : id, dateTimeOf);
    case 'instant':
      return timed(id, instantOf);
    case 'date':
      return (view, conversion) => {
        const text = view.peek(1);
        const day = text === undefined ? undefined : dateOf(text, conversion);
        // A time of day that the element cannot hold is kept under its v2 path.
        if (text !== undefined && day !== undefined && !/[1-9]/.test(text.slice(8, 14))) view.take(1, id);
        return day;
      };
    case 'time':
      return timed(id, timeOf);
    case 'decimal':
      return (view, conversion) => {
        const text = view.peek(1);
        const value = text === undefined ? undefined : decimalOf(text, conversion);
        if (text === undefined || value === undefined) return undefined;
        view.take(1, id);
        return isExact(text, value) ? value : new Exact(value, asSent(text));
      };
    case 'integer':
      return counted(id, -2_147_483_648);
    case 'unsignedInt':
      return counted(id, 0);
    case 'positiveInt':
      return counted(id, 1);
    case 'boolean':
      return (view) => {
        const code = view.peek(1);
        const meant = code === undefined ? undefined : (mapped(vocabulary ?? 'YesNoIndicator', code)?.[0] ?? code);
        if (meant !== 'true' && meant !== 'false') return undefined;
        if (firstCodeOf(vocabulary ?? 'YesNoIndicator', meant) === code) view.take(1, id);
        return meant === 'true';
      };
    case 'uri':
      return (view) => {
        const text = view.peek(1);
        return text !== undefined && uriOf(text) !== undefined ? view.take(1, id) : undefined;
      };
    case 'id':
      return (view) => (/^[A-Za-z0-9\-.]{1,64}$/.test(view.peek(1) ?? '') ? view.take(1, id) : undefined);
    default:
      throw new Error(`${id}: nothing makes ${type} of ${via || 'its value'}`);
  }
}

function timed(id: string, read: (text: string, conversion: Conversion) => string | undefined): Converter {
  return (view, conversion) => {
    const text = view.peek(1);
    const time = text === undefined ? undefined : read(text, conversion);
    if (text === undefined || time === undefined) return undefined;
    view.take(1, id);
    return saysLess(text) ? new Exact(time, asSent(text)) : time;
  };
}

function counted(id: string, least: number): Converter {
  return (view, conversion) => {
    const text = view.peek(1);
    const value = text === undefined ? undefined : integerOf(text, least, conversion);
    if (text === undefined || value === undefined) return undefined;
    view.take(1, id);
    return isExact(text, value) ? value : new Exact(value, asSent(text));
  };
}

/**
 * A concept that takes none but codes of its value set: what the vocabulary maps to one, and that alone, as validators take no
 * other coding beside it. What was sent is left, to be kept under its v2 path.
 */
function boundConcept(
  view: View,
  vocabulary: string | undefined,
  codes: ReadonlySet<string>,
  conversion: Conversion,
): CodeableConcept | undefined {
  const said = view.peek(1);
  const target = said === undefined || vocabulary === undefined ? undefined : mapped(vocabulary, said);
  if (target && codes.has(target[0])) return { coding: [codingOf(target)] };
  conversion.issue('unknown-code', 'the element takes none but the codes of its value set');
  return undefined;
}

/** A code of the element's value set: what the vocabulary maps it to, else as it is where the set has it. */
function codeAt(
  view: View,
  rule: Rule,
  codes: ReadonlySet<string> | undefined,
  conversion: Conversion,
): string | undefined {
  const component = view.has(1) ? 1 : 4;
  const said = view.peek(component);
  if (said === undefined) return undefined;
  const target = rule.vocabulary === undefined ? undefined : mapped(rule.vocabulary, said)?.[0];
  const lower = said.toLowerCase();
  const code = target ?? (codes === undefined || codes.has(said) ? codeOf(said) : lower);
  if (codes !== undefined && !codes.has(code)) {
    conversion.issue('unknown-code', 'the element takes none but the codes of its value set');
    return undefined;
  }
  // A code that others share the target of is kept besides, and one that is another one's target.
  const back = rule.vocabulary === undefined ? said : (firstCodeOf(rule.vocabulary, code) ?? code);
  if (back === said && component === 1) view.take(component, rule.id);
  return code;
}
