import type { Fence } from '../../../core/store/leases.ts';
import { seqsOf } from './appending.ts';
import type { Work } from './calls.ts';
import type { Arrived } from './counted.ts';
import type { Foreseen, Unrouted } from './foresight.ts';
import { slotOf } from './schema.ts';
import type { StoreState } from './transaction.ts';

/** What a commit is foreseen behind, while that is on its way. */
export interface Before {
  readonly foreseen: Foreseen | undefined;
  /** Transactions of the hub with it. */
  readonly commits: number;
}

/** What a commit of these calls may take for granted; undefined where it has to be asked. */
export function foresee(state: StoreState, calls: readonly Work[], before?: Before): Foreseen | undefined {
  const { foresight, names } = state;
  const takesSeqs = calls.some(({ kind }) => kind === 'append');
  if (takesSeqs && !foresight.dares()) return undefined;
  const fences = new Map<string, Fence>();
  const routed = new Map<number, Unrouted>();
  const ended = new Map<Arrived, number>();
  const own = new Set<number>();
  let exactly = false;
  for (const call of calls) {
    if (call.kind === 'append') {
      if (call.batch.some(({ dedupe }) => dedupe)) return undefined;
      // Rows of theirs name their seqs.
      exactly ||= call.batch.some(({ fault, large }) => fault !== undefined || large !== undefined);
      if (state.hasChannel(call.channel)) own.add(names.id(call.channel));
    } else if (call.kind === 'settle') {
      const channel = names.id(call.channel);
      for (const { seq } of call.batch) {
        const found = foresight.unrouted(seq);
        if (found?.channel !== channel || routed.has(seq) || before?.foreseen?.routed.has(seq)) return undefined;
        routed.set(seq, found);
        if (found.arrived) ended.set(found.arrived, (ended.get(found.arrived) ?? 0) + 1);
      }
      if (call.fence) fences.set(`${call.fence.epoch}/${call.fence.lease}`, call.fence);
    } else if (call.kind !== 'read' || !call.last) return undefined;
    else if (call.channel !== undefined && names.known(call.channel) === 0) return undefined;
  }
  const seqs = seqsOf(calls.filter((call) => call.kind === 'append'));
  const next = before?.foreseen?.seqs ? before.foreseen.first + before.foreseen.seqs : foresight.next;
  if (seqs > 0 && (next === undefined || slotOf(next) !== slotOf(next + seqs - 1))) return undefined;
  for (const { arrived } of before?.foreseen?.routed.values() ?? [])
    if (arrived && ended.has(arrived)) ended.set(arrived, ended.get(arrived)! + 1);
  exactly ||= seqs > 0 && foresight.takesSeqs();
  const gone = [...ended].filter(([arrived, count]) => count === arrived.left).map(([arrived]) => arrived);
  const after = before?.commits;
  return { seqs, first: next ?? 0, exactly, fences: [...fences.values()], routed, gone, own: [...own], after };
}
