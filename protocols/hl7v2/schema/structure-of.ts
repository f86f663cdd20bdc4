import type { Hl7Message } from '../message.ts';
import { compilePath } from '../path.ts';
import { type Schema, schemaOf } from './schema.ts';
import type { Structure } from './structure.ts';

const CODE = compilePath('MSH-9.1');
const EVENT = compilePath('MSH-9.2');
const RECORDED_EVENT = compilePath('EVN-1');

/**
 * The structure of a message: the one that MSH-9.3 names, else the one that its event uses, taken from MSH-9.2, or from
 * EVN-1 as before 2.3. Undefined where the version has no such structure.
 * @param schema default the one of MSH-12
 */
export function structureOf(message: Hl7Message, schema: Schema = schemaOf(message.version)): Structure | undefined {
  const named = message.structure;
  const structure = named === undefined ? undefined : schema.structure(named);
  if (structure) return structure;
  const event = message.get(EVENT) ?? message.get(RECORDED_EVENT) ?? '';
  const name = schema.structureNameFor(message.get(CODE) ?? '', event);
  return name === undefined ? undefined : schema.structure(name);
}
