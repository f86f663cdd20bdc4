import type { Context } from '../context.ts';
import type { Element } from '../element.ts';
import { cameFrom } from '../hints.ts';
import type { SegmentDraft } from '../repetition.ts';
import { emit, keptSegments, noted } from './emit.ts';

/** The visits of a patient; in a message about nobody, all. */
export function visitsOf(patient: Element | undefined, context: Context): Element[] {
  const { resources } = context;
  return patient ? resources.pointing('Encounter', 'subject', patient) : resources.of('Encounter');
}

/** PV1 and PV2 of a visit, and who takes part in it. */
export function visitSegments(visit: Element, context: Context): SegmentDraft[] {
  const { reading } = context;
  const roles = reading
    .objects(visit, 'participant')
    .filter(({ individual }) => context.target(individual)?.resourceType === 'PractitionerRole');
  // The event of the message says how far a visit has come.
  if (!context.own) reading.take(visit, 'status');
  const pv1 = emit('PV1', [['PV1[Encounter]', visit]], context);
  const pv2 = emit('PV2', [['PV2[Encounter]', visit]], context);
  let which = 0;
  const rol = roles.map((participant) => {
    const role = context.target(participant.individual);
    return cameFrom(role, reading)?.startsWith('PRT')
      ? emit('PRT', [['PRT[PractitionerRole]', role]], context)
      : emit('ROL', [['ROL[Encounter-PractitionerRole]', visit, { participant }, ++which]], context);
  });
  return [
    ...(pv1 ? [pv1] : []),
    ...(pv2 ? [pv2] : []),
    ...keptSegments(visit, ['ARV'], context),
    ...rol.filter((each) => each !== undefined),
    ...noted(undefined, visit, context),
  ];
}

/** What else is known of a patient and a visit: allergies, diagnoses, procedures, insurance. Each entry is a segment with what belongs to it. */
export function clinical(
  patient: Element,
  visit: Element | undefined,
  event: string,
  context: Context,
): SegmentDraft[][] {
  const { resources } = context;
  const about = (type: string, key: string) => resources.pointing(type, key, patient);
  const allergy = event === 'A60' ? 'IAM' : 'AL1';
  const blocks = [
    ...about('AllergyIntolerance', 'patient').map((each) =>
      noted(emit(allergy, [[`${allergy}[AllergyIntolerance]`, each]], context), each, context),
    ),
    ...about('Condition', 'subject').map((each) => diagnosis(each, visit, context)),
    ...about('Procedure', 'subject').map((each) =>
      noted(emit('PR1', [['PR1[Procedure]', each]], context), each, context),
    ),
    ...insurance(patient, context),
    ...keptSegments(visit, ['ACC', 'UB1', 'UB2', 'DRG', 'PDA'], context).map((each) => [each]),
    ...keptSegments(patient, ['DB1', 'PDA', 'ACC', 'UB1', 'UB2', 'DRG'], context).map((each) => [each]),
  ];
  return blocks.filter((each) => each.length > 0);
}

export function diagnosis(condition: Element, visit: Element | undefined, context: Context): SegmentDraft[] {
  const entry = context.reading
    .objects(visit, 'diagnosis')
    .find((each) => context.target(each.condition) === condition);
  const draft = emit(
    'DG1',
    [
      ['DG1[Condition]', condition],
      ['DG1[Encounter]', entry && visit, entry ? { diagnosis: entry } : {}],
    ],
    context,
  );
  return noted(draft, condition, context);
}

/** GT1 and IN1, with what is kept of IN2 and IN3 in the coverage. */
export function insurance(patient: Element, context: Context): SegmentDraft[][] {
  const { reading, resources } = context;
  const guarantors = resources
    .pointing('Account', 'subject', patient)
    .flatMap((account) => reading.objects(account, 'guarantor').flatMap(({ party }) => context.targets(party)));
  const coverages = resources.pointing('Coverage', 'beneficiary', patient);
  return [
    ...guarantors.map((each) => noted(emit('GT1', [['GT1[RelatedPerson]', each]], context), each, context)),
    ...coverages.map((each) => [
      ...noted(emit('IN1', [['IN1[Coverage]', each]], context), each, context),
      ...keptSegments(each, ['IN2', 'IN3', 'IN4'], context),
    ]),
  ].filter((each) => each.length > 0);
}
