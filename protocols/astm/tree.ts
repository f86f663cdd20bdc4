import type { AstmMessage } from './message.ts';
import type { AstmRecord } from './record.ts';

/** A record with the records of other kinds that stand below it: comments (C), the maker's (M), scientific ones (S). */
export interface Node<T extends string> {
  /** Undefined where the sender left the level out: results without an order, orders without a patient. */
  readonly record: AstmRecord<T> | undefined;
  readonly comments: readonly AstmRecord<'C'>[];
  readonly others: readonly AstmRecord[];
}
export type ResultNode = Node<'R'>;
export interface OrderNode extends Node<'O'> {
  readonly results: readonly ResultNode[];
}
export interface PatientNode extends Node<'P'> {
  readonly orders: readonly OrderNode[];
}
export interface MessageTree extends Node<'H'> {
  readonly patients: readonly PatientNode[];
  readonly queries: readonly Node<'Q'>[];
}

/**
 * The message by its hierarchy (LIS02-A2 §4): patients, their orders, their results; a comment belongs to the record
 * before it. A level that a sender leaves out is there without a record, so that nothing below it is lost.
 */
export function treeOf(message: AstmMessage): MessageTree {
  const root = { ...node(message.header), patients: [] as Patient[], queries: [] as Node<'Q'>[] };
  let patient: Patient | undefined;
  let order: Order | undefined;
  let here: Mutable<string> = root;
  const inPatient = (record: AstmRecord<'P'> | undefined): Patient => {
    const made: Patient = { ...node(record), orders: [] };
    root.patients.push(made);
    order = undefined;
    return made;
  };
  const inOrder = (record: AstmRecord<'O'> | undefined): Order => {
    patient ??= inPatient(undefined);
    const made: Order = { ...node(record), results: [] };
    patient.orders.push(made);
    return made;
  };
  for (const record of message.records.slice(1)) {
    if (is(record, 'P')) here = patient = inPatient(record);
    else if (is(record, 'O')) here = order = inOrder(record);
    else if (is(record, 'R')) {
      order ??= inOrder(undefined);
      const result = node(record);
      order.results.push(result);
      here = result;
    } else if (is(record, 'Q')) {
      const query = node(record);
      root.queries.push(query);
      here = query;
    } else if (is(record, 'C')) here.comments.push(record);
    else if (!is(record, 'L')) here.others.push(record);
  }
  return root;
}

interface Mutable<T extends string> {
  readonly record: AstmRecord<T> | undefined;
  readonly comments: AstmRecord<'C'>[];
  readonly others: AstmRecord[];
}
type Order = Mutable<'O'> & { readonly results: ResultNode[] };
type Patient = Mutable<'P'> & { readonly orders: Order[] };

function node<T extends string>(record: AstmRecord<T> | undefined): Mutable<T> {
  return { record, comments: [], others: [] };
}

function is<T extends string>(record: AstmRecord, type: T): record is AstmRecord<T> {
  return record.type === type;
}
