import { type AckInput, acknowledge } from './ack.ts';
import { readHeader } from './header.ts';
import { schemaOf } from './schema/schema.ts';

/**
 * The response to a query by parameter (QBP) that cannot be answered: RSP with MSA, ERR, QAK and the query's own QPD as it stands
 * (HL7 2.5.1 §5.3.2.1, §5.5.2), QAK-2 as MSA-1. Undefined where the request has no QPD.
 */
export function refuseQuery(request: Uint8Array, input: AckInput & { readonly code: 'AE' | 'AR' }): Buffer | undefined {
  const header = readHeader(request);
  const bar = header && String.fromCharCode(header.delimiters.field);
  const text = Buffer.from(request.buffer, request.byteOffset, request.byteLength).toString('latin1');
  const query = text.split(/[\r\n]+/).find((line) => bar !== undefined && line.startsWith(`QPD${bar}`));
  if (!header || bar === undefined || query === undefined) return undefined;
  const [, name = '', tag = ''] = query.split(bar);
  const hat = String.fromCharCode(header.delimiters.component);
  const event = header.event.replace(/^Q(?=\d)/, 'K');
  const structure = schemaOf(header.version).structureNameFor('RSP', event);
  const [msh = '', ...rest] = acknowledge(header, input).toString('latin1').split('\r');
  const fields = msh.split(bar);
  fields[8] = ['RSP', event, ...(structure === undefined ? [] : [structure])].join(hat);
  const lines = [fields.join(bar), ...rest.filter((line) => line !== '')];
  return Buffer.from(`${[...lines, ['QAK', tag, input.code, name].join(bar), query].join('\r')}\r`, 'latin1');
}
