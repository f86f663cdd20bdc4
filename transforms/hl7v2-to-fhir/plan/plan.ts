import type { Draft, SegmentView } from '../segment-view.ts';
import { event } from './header.ts';
import { obx } from './observation.ts';
import { obr, orc, rxa, rxd, rxe, rxo, rxr, sac, spm, tq1 } from './orders.ts';
import { err, gol, msa, nte, pra, prb, prd, resource, rf1, sch, sft, stf, txa } from './others.ts';
import { al1, dg1, ft1, gt1, iam, in1, mrg, nk1, pd1, pid, pr1, prt, pv1, pv2, rol } from './patient.ts';
import { atHand, type State } from './state.ts';

type Place = (segment: SegmentView, state: State) => void;

/**
 * What becomes of each segment, whatever the message: the official message maps say the same of a segment in each of them,
 * and senders put segments where no structure has them. What differs from message to message is `State.family`.
 */
const places: ReadonlyMap<string, Place> = new Map<string, Place>(
  Object.entries({
    ...{ EVN: event, MSA: msa, ERR: err, NTE: nte },
    ...{ PID: pid, PD1: pd1, NK1: nk1, PV1: pv1, PV2: pv2, ROL: rol, PRT: prt, MRG: mrg },
    ...{ AL1: al1, IAM: iam, DG1: dg1, PR1: pr1, IN1: in1, GT1: gt1, FT1: ft1 },
    ...{ ORC: orc },
    ...{ OBR: obr, OBX: obx, TQ1: tq1, SPM: spm, SAC: sac },
    ...{ RXO: rxo, RXE: rxe, RXA: rxa, RXD: rxd, RXR: rxr },
    ...{ SCH: sch, AIS: resource, AIG: resource, AIL: resource, AIP: resource, TXA: txa },
    ...{ PRB: prb, GOL: gol, RF1: rf1, PRD: prd, STF: stf, PRA: pra },
  }),
);

/** Segments without a map whose values belong to the resource of another one. */
const homes: Readonly<Record<string, (state: State) => Draft | undefined>> = {
  IN2: ({ coverage }) => coverage,
  IN3: ({ coverage }) => coverage,
  ACC: ({ encounter, patient }) => encounter ?? patient,
  UB1: ({ encounter, patient }) => encounter ?? patient,
  UB2: ({ encounter, patient }) => encounter ?? patient,
  DRG: ({ encounter, patient }) => encounter ?? patient,
  PDA: ({ patient }) => patient,
  DB1: ({ patient }) => patient,
  ARV: ({ encounter, patient }) => encounter ?? patient,
  RGS: ({ appointment }) => appointment,
  APR: ({ appointment }) => appointment,
  RXC: ({ request, given }) => given ?? request,
  RXG: ({ request, given }) => given ?? request,
  TQ2: ({ request }) => request,
  CTI: ({ request, report }) => report ?? request,
  CTD: ({ request, patient }) => request ?? patient,
  AUT: ({ request }) => request,
  DSC: ({ header }) => header,
  UAC: ({ header }) => header,
  QRD: ({ header }) => header,
  QPD: ({ header }) => header,
  RCP: ({ header }) => header,
  QAK: ({ header }) => header,
  MFI: ({ header }) => header,
  IN4: ({ coverage }) => coverage,
};

/** Puts a segment where it belongs, and what a site wants of it besides. One that finds no resource to join is left for the end. */
export function place(segment: SegmentView, state: State, source: Draft): void {
  placeAsMapped(segment, state, source);
  placeBeside(segment, state);
}

/** Carries out the rules of a site for resources that no official map makes of a segment. */
export function placeBeside(segment: SegmentView, state: State): void {
  for (const map of state.conversion.rules.beside(segment.name)) {
    const target = atHand(map.resource, state);
    if (target) map.apply(segment, target, state.conversion);
  }
}

function placeAsMapped(segment: SegmentView, state: State, source: Draft): void {
  const { name } = segment;
  if (name === 'SFT') {
    sft(segment, state, source);
    return;
  }
  const to = places.get(name);
  if (to) {
    to(segment, state);
    return;
  }
  const home = homes[name]?.(state);
  if (home) segment.home = home;
}
