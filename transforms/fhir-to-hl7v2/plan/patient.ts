import type { Context } from '../context.ts';
import type { Element } from '../element.ts';
import { cameFrom } from '../hints.ts';
import { keptBeside } from '../kept.ts';
import type { SegmentDraft } from '../repetition.ts';
import { cxOf } from '../types/identifier.ts';
import { codesIn } from './codes-in.ts';
import { emit, keptSegments, noted } from './emit.ts';

const LIVING_WILL = '75320-2';
const MOTHER = 'MTH';
/** NK1-3 of those who are contacts alone, of which the way there makes no related person. */
const CONTACTS = new Set(['EMR', 'E', 'F', 'I', 'S']);

/** The patients that a message is about: not those that others have replaced. */
export function patientsOf(context: Context): Element[] {
  return context.resources.of('Patient').filter((each) => replacedBy(each, context) === undefined);
}

/** The patient that has replaced one. */
export function replacedBy(patient: Element, context: Context): Element | undefined {
  for (const link of context.reading.objects(patient, 'link')) {
    if (link.type === 'replaced-by') return context.target(link.other);
  }
  return undefined;
}

/** PID, PD1 and who takes care of the patient in general. */
export function patientSegments(patient: Element, context: Context): SegmentDraft[] {
  const { resources } = context;
  const accounts = resources.pointing('Account', 'subject', patient);
  const account = accounts.find((each) => each.identifier !== undefined && each.status !== 'unknown');
  const changed = resources
    .pointing('Provenance', 'target', patient)
    .find((each) => codesIn(each.activity).includes('UPDATE'));
  const pid = emit(
    'PID',
    [
      ['PID[Patient]', patient],
      ['PID[Account]', account],
      ['PID[Provenance-Patient]', changed],
    ],
    context,
  );
  for (const mother of mothersOf(patient, context)) {
    for (const identifier of context.reading.objects(mother, 'identifier')) {
      const value = cxOf(identifier, context);
      if (value) keptBeside(identifier, 'PID', 21, value, context);
      pid?.add(21, value);
    }
    context.reading.takeAll(mother.relationship);
  }
  const will = resources.pointing('Observation', 'subject', patient).find(isLivingWill);
  const pd1 = emit(
    'PD1',
    [
      ['PD1[Patient]', patient],
      ['PD1[Observation-LivingWill]', will],
    ],
    context,
  );
  return [
    ...(pid ? [pid] : []),
    ...(pd1 ? [pd1] : []),
    ...keptSegments(patient, ['ARV'], context),
    ...noted(undefined, patient, context),
  ];
}

export function isLivingWill({ code }: Element): boolean {
  return codesIn(code).includes(LIVING_WILL);
}

function mothersOf(patient: Element, context: Context): Element[] {
  return context.resources.pointing('RelatedPerson', 'patient', patient).filter((each) => isMother(each));
}

/** A mother of whom nothing is known but a number. */
function isMother({ relationship, name }: Element): boolean {
  return (
    name === undefined && Array.isArray(relationship) && relationship.some((each) => codesIn(each).includes(MOTHER))
  );
}

/** Who takes care of a patient in general: roles of his own, and care teams. */
function rolesOf(patient: Element, context: Context): { readonly role: Element; readonly segment: SegmentDraft }[] {
  const { reading, resources } = context;
  let which = 0;
  const own = reading.objects(patient, 'generalPractitioner').flatMap((generalPractitioner) => {
    const role = context.target(generalPractitioner);
    if (role?.resourceType !== 'PractitionerRole') return [];
    const map = 'ROL[Patient-GeneralPractitioner]';
    const segment = emit('ROL', [[map, patient, { generalPractitioner }, ++which]], context);
    return segment ? [{ role, segment }] : [];
  });
  const teams = resources.pointing('CareTeam', 'subject', patient).flatMap((role) => {
    const name = cameFrom(role, reading)?.startsWith('PRT') ? 'PRT' : 'ROL';
    const segment = emit(name, [[`${name}[CareTeam]`, role]], context);
    return segment ? [{ role, segment }] : [];
  });
  return [...own, ...teams];
}

/** ROL behind PID, and those that a message had behind its visit. */
export function generalRoles(
  patient: Element,
  context: Context,
): { readonly early: readonly SegmentDraft[]; readonly late: readonly SegmentDraft[] } {
  const visit = context.resources.pointing('Encounter', 'subject', patient)[0];
  const { all } = context.resources;
  const isLate = (role: Element) => context.own && visit !== undefined && all.indexOf(role) > all.indexOf(visit);
  const roles = rolesOf(patient, context);
  return {
    early: roles.filter(({ role }) => !isLate(role)).map(({ segment }) => segment),
    late: roles.filter(({ role }) => isLate(role)).map(({ segment }) => segment),
  };
}

/** NK1: the patient's contacts, and the related persons that are the same ones or others. */
export function relatives(patient: Element, context: Context): SegmentDraft[] {
  const { reading, resources } = context;
  const elsewhere = new Set([
    ...mothersOf(patient, context),
    ...resources.of('Coverage').flatMap((each) => context.targets(each.subscriber)),
    ...resources
      .of('Account')
      .flatMap((each) => reading.objects(each, 'guarantor').flatMap(({ party }) => context.targets(party))),
  ]);
  const persons = resources.pointing('RelatedPerson', 'patient', patient).filter((each) => !elsewhere.has(each));
  let alone = 0;
  const drafts = reading.objects(patient, 'contact').flatMap((contact) => {
    const person = persons[0];
    const same = person && !isContactAlone(contact, context) && sameName(contact, person);
    if (same) persons.shift();
    const which = same ? undefined : ++alone;
    const draft = emit(
      'NK1',
      [
        ['NK1[RelatedPerson]', same ? person : undefined],
        ['NK1[Patient]', patient, { contact }, which],
      ],
      context,
    );
    return noted(draft, same ? person : undefined, context);
  });
  const others = persons.flatMap((person) =>
    noted(emit('NK1', [['NK1[RelatedPerson]', person]], context), person, context),
  );
  return [...drafts, ...others, ...keptSegments(patient, ['NK1'], context)];
}

function isContactAlone(contact: Element, { reading }: Context): boolean {
  const kinds = reading.objects(contact, 'relationship').filter((each) => cameFrom(each, reading) !== 'NK1-7');
  const codes = kinds.flatMap((each) => codesIn(each));
  return codes.some((code) => CONTACTS.has(code));
}

function sameName(contact: Element, person: Element): boolean {
  const [name] = Array.isArray(person.name) ? person.name : [];
  const one = contact.name as Element | undefined;
  if (one === undefined || name === undefined) return true;
  return JSON.stringify([one.family, one.given]) === JSON.stringify([name.family, name.given]);
}
