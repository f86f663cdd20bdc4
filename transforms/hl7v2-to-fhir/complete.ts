import type { Conversion } from './conversion.ts';
import type { Draft } from './segment-view.ts';
import { absent, V2 } from './urls.ts';

/** What completion knows of the message. */
export interface Surroundings {
  readonly conversion: Conversion;
  readonly event: string;
  /** The patient’s reference, where there is one. */
  readonly patient: string | undefined;
  /** When the message was made, or came. */
  readonly recorded: string | undefined;
}

type Complete = (draft: Draft, around: Surroundings) => void;
type Elements = Record<string, unknown>;

/** An element that has to be there: unknown. */
const unknown = () => ({ extension: [...absent.extension] });

function need(draft: Elements, element: string, value: unknown, around: Surroundings, resource: string): void {
  if (draft[element] !== undefined) return;
  draft[element] = value;
  around.conversion.issues.push({ code: 'completed', path: '', message: `${resource}.${element} was not said` });
}

/** A required primitive that was not said stands with the reason of its absence. */
function needPrimitive(draft: Elements, element: string, value: string | undefined): void {
  if (draft[element] !== undefined || draft[`_${element}`] !== undefined) return;
  if (value === undefined) draft[`_${element}`] = unknown();
  else draft[element] = value;
}

function needPatient(draft: Draft, element: string, around: Surroundings): void {
  draft[element] ??= around.patient === undefined ? unknown() : { reference: around.patient };
}

const completions: Readonly<Record<string, Complete>> = {
  MessageHeader: (draft) => {
    draft.eventCoding ??= unknown();
    draft.source ??= { _endpoint: unknown() };
    const { response } = draft as { response?: Elements };
    if (response) {
      needPrimitive(response, 'identifier', undefined);
      // A response says how it went, in a code that is required: without it the errors alone are told.
      if (response.code === undefined) {
        delete draft.response;
        if (response.details !== undefined)
          ((draft.extension ??= []) as object[]).push({ url: `${V2}ERR`, valueReference: response.details });
      }
    }
  },
  Provenance: (draft, around) => {
    draft.target ??= [unknown()];
    needPrimitive(draft, 'recorded', around.recorded);
    const agents = ((draft.agent ??= []) as Elements[]).filter((agent) => {
      agent.who ??= agent.onBehalfOf;
      if (agent.who === undefined && Object.keys(agent).some((key) => key !== 'type')) agent.who = unknown();
      return agent.who !== undefined;
    });
    draft.agent = agents.length > 0 ? agents : [{ who: unknown() }];
    for (const entity of (draft.entity as Elements[] | undefined) ?? []) {
      entity.role ??= 'source';
      entity.what ??= unknown();
    }
  },
  RelatedPerson: (draft, around) => needPatient(draft, 'patient', around),
  Patient: (draft) => {
    for (const contact of (draft.contact as Elements[] | undefined) ?? []) {
      // pat-1: a contact is a name, a number, an address or an organization.
      if (!contact.name && !contact.telecom && !contact.address && !contact.organization) contact.name = unknown();
    }
  },
  Organization: (draft) => {
    if (!draft.name && !draft.identifier) draft.name = 'unknown';
    // org-2, org-3: an organization is nowhere at home.
    for (const each of [...((draft.telecom as Elements[]) ?? []), ...((draft.address as Elements[]) ?? [])]) {
      if (each.use !== 'home') continue;
      delete each.use;
      ((each.extension ??= []) as object[]).push({ url: `${V2}use`, valueCode: 'home' });
    }
  },
  Encounter: (draft, around) => {
    need(draft, 'status', 'unknown', around, 'Encounter');
    draft.class ??= unknown();
    for (const location of (draft.location as Elements[] | undefined) ?? []) location.location ??= unknown();
    for (const diagnosis of (draft.diagnosis as Elements[] | undefined) ?? []) diagnosis.condition ??= unknown();
  },
  EpisodeOfCare: (draft, around) => {
    draft.status ??= 'active';
    needPatient(draft, 'patient', around);
  },
  Account: (draft) => {
    draft.status ??= 'active';
  },
  Coverage: (draft, around) => {
    draft.status ??= 'active';
    needPatient(draft, 'beneficiary', around);
    draft.payor ??= [unknown()];
    draft.class = (draft.class as Elements[] | undefined)?.filter(({ type, value }) => type && value);
    if ((draft.class as unknown[] | undefined)?.length === 0 || draft.class === undefined) delete draft.class;
  },
  AllergyIntolerance: (draft, around) => {
    needPatient(draft, 'patient', around);
    for (const reaction of (draft.reaction as Elements[] | undefined) ?? []) reaction.manifestation ??= [unknown()];
    // ait-1, ait-2: it has a status, unless it was entered in error.
    if (!isEnteredInError(draft)) draft.clinicalStatus ??= coded('allergyintolerance-clinical', 'active');
  },
  Condition: (draft, around) => {
    needPatient(draft, 'subject', around);
    // con-4: what has abated is no longer active; con-5: what was entered in error has no status.
    if (draft.abatementDateTime !== undefined && !isEnteredInError(draft))
      draft.clinicalStatus ??= coded('condition-clinical', 'resolved');
  },
  Procedure: (draft, around) => {
    draft.status ??= 'unknown';
    needPatient(draft, 'subject', around);
    draft.performer = (draft.performer as Elements[] | undefined)?.map((each) => ({
      ...each,
      actor: each.actor ?? unknown(),
    }));
    if (draft.performer === undefined) delete draft.performer;
  },
  Observation: (draft, around) => {
    need(draft, 'status', 'unknown', around, 'Observation');
    draft.code ??= unknown();
    // Even what is not there costs to be deleted.
    if (draft.dataAbsentReason !== undefined && hasValue(draft)) delete draft.dataAbsentReason;
    for (const component of (draft.component as Elements[] | undefined) ?? []) component.code ??= unknown();
  },
  DiagnosticReport: (draft, around) => {
    need(draft, 'status', 'unknown', around, 'DiagnosticReport');
    draft.code ??= unknown();
  },
  ServiceRequest: (draft, around) => {
    need(draft, 'status', 'unknown', around, 'ServiceRequest');
    draft.intent ??= 'order';
    needPatient(draft, 'subject', around);
  },
  MedicationRequest: (draft, around) => {
    need(draft, 'status', 'unknown', around, 'MedicationRequest');
    draft.intent ??= 'order';
    if (!draft.medicationReference) draft.medicationCodeableConcept ??= unknown();
    needPatient(draft, 'subject', around);
    const { substitution } = draft as { substitution?: Elements };
    if (substitution && !substitution.allowedCodeableConcept && substitution.allowedBoolean === undefined)
      delete draft.substitution;
  },
  MedicationAdministration: (draft, around) => {
    draft.status ??= 'completed';
    draft.medicationCodeableConcept ??= unknown();
    needPatient(draft, 'subject', around);
    if (!draft.effectiveDateTime && !draft.effectivePeriod) needPrimitive(draft, 'effectiveDateTime', undefined);
    const { dosage } = draft as { dosage?: Elements };
    // mad-1: a dosage says how much, or at which rate.
    if (dosage && !dosage.dose && !dosage.rateRatio && !dosage.rateQuantity) dosage.dose = unknown();
  },
  MedicationDispense: (draft, around) => {
    draft.status ??= 'completed';
    draft.medicationCodeableConcept ??= unknown();
    needPatient(draft, 'subject', around);
    for (const performer of (draft.performer as Elements[] | undefined) ?? []) performer.actor ??= unknown();
  },
  Immunization: (draft, around) => {
    draft.status ??= 'completed';
    draft.vaccineCode ??= unknown();
    needPatient(draft, 'patient', around);
    if (!draft.occurrenceDateTime && !draft.occurrenceString) needPrimitive(draft, 'occurrenceDateTime', undefined);
    for (const performer of (draft.performer as Elements[] | undefined) ?? []) performer.actor ??= unknown();
  },
  DocumentReference: (draft, around) => {
    draft.status ??= 'current';
    draft.content ??= [{ attachment: unknown() }];
    draft.subject ??= around.patient === undefined ? undefined : { reference: around.patient };
    if (draft.subject === undefined) delete draft.subject;
    for (const related of (draft.relatesTo as Elements[] | undefined) ?? []) {
      related.code ??= 'appends';
      related.target ??= unknown();
    }
  },
  Appointment: (draft, around) => {
    draft.status ??= STATUS_BY_EVENT[around.event] ?? 'booked';
    times(draft);
    const participants = (draft.participant ??= []) as Elements[];
    for (const participant of participants) {
      participant.status ??= 'accepted';
      // app-1: a participant is of a type, or is someone.
      if (!participant.type && !participant.actor) participant.type = [unknown()];
    }
    if (participants.length === 0) participants.push({ type: [unknown()], status: 'needs-action' });
    // app-4: only a cancelled appointment has a reason for that.
    if (draft.status !== 'cancelled' && draft.status !== 'noshow') delete draft.cancelationReason;
  },
  ChargeItem: (draft, around) => {
    draft.status ??= 'billable';
    draft.code ??= unknown();
    needPatient(draft, 'subject', around);
    for (const performer of (draft.performer as Elements[] | undefined) ?? []) performer.actor ??= unknown();
  },
  Goal: (draft, around) => {
    draft.lifecycleStatus ??= 'active';
    draft.description ??= unknown();
    needPatient(draft, 'subject', around);
  },
  CareTeam: (draft) => {
    // ctm-1: only a practitioner acts for an organization; without one it takes part itself.
    for (const participant of (draft.participant as Elements[] | undefined) ?? []) {
      if (participant.member || !participant.onBehalfOf) continue;
      participant.member = participant.onBehalfOf;
      delete participant.onBehalfOf;
    }
  },
  OperationOutcome: (draft) => {
    const issues = (draft.issue ??= [{}]) as Elements[];
    for (const issue of issues) {
      issue.severity ??= 'error';
      issue.code ??= 'processing';
    }
  },
  Device: (draft) => {
    for (const name of (draft.deviceName as Elements[] | undefined) ?? []) {
      name.type ??= 'other';
      needPrimitive(name, 'name', undefined);
    }
    for (const version of (draft.version as Elements[] | undefined) ?? []) needPrimitive(version, 'value', undefined);
    for (const note of (draft.note as Elements[] | undefined) ?? []) needPrimitive(note, 'text', undefined);
  },
  Basic: (draft) => {
    draft.code ??= unknown();
  },
};

function isEnteredInError({ verificationStatus }: Draft): boolean {
  return verificationStatus !== undefined && JSON.stringify(verificationStatus).includes('entered-in-error');
}

function coded(system: string, code: string): object {
  return { coding: [{ system: `http://terminology.hl7.org/CodeSystem/${system}`, code }] };
}

const STATUS_BY_EVENT: Readonly<Record<string, string>> = {
  S12: 'booked',
  S13: 'booked',
  S14: 'booked',
  S15: 'cancelled',
  S16: 'cancelled',
  S17: 'entered-in-error',
  S26: 'noshow',
};

function hasValue(draft: Draft): boolean {
  for (const key in draft) if (key.startsWith('value')) return true;
  return false;
}

const MINUTE_MS = 60_000;

/** app-2, app-3: an appointment has both a start and an end, unless it is proposed or cancelled. */
function times(draft: Draft): void {
  const { start, minutesDuration } = draft as { start?: string; minutesDuration?: number };
  if (start !== undefined && draft.end === undefined && minutesDuration !== undefined) {
    const [, offset = 'Z'] = /(Z|[+-]\d\d:\d\d)$/.exec(start) ?? [];
    const shift =
      offset === 'Z' ? 0 : (Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4))) * (offset[0] === '-' ? -1 : 1);
    const end = Date.parse(start) + (minutesDuration + shift) * MINUTE_MS;
    draft.end = `${new Date(end).toISOString().slice(0, 19)}${offset}`;
  }
  if (start !== undefined && typeof draft.end === 'string' && Date.parse(draft.end) < Date.parse(start))
    delete draft.end;
  const open = /^(proposed|cancelled|waitlist)$/.test(String(draft.status));
  if (open && start === undefined && draft.end === undefined) return;
  needPrimitive(draft, 'start', undefined);
  needPrimitive(draft, 'end', undefined);
}

/** Gives a resource what R4 requires of it and the message did not say. */
export function complete(draft: Draft, around: Surroundings): void {
  completions[draft.resourceType]?.(draft, around);
}
