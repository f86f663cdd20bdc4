import { describeProblem } from '../../../core/config/problem.ts';
import type { Message } from '../../../core/message.ts';
import type { CodeTable } from '../../../core/tables/code-table.ts';
import { readCsvTable } from '../../../core/tables/csv-table.ts';
import { COMMA_SEPARATED } from '../../../protocols/delimited/dialect.ts';
import { readDelimited } from '../../../protocols/delimited/read.ts';
import { type Hl7Message, parse } from '../../../protocols/hl7v2/message.ts';
import { type CompiledMap, compileMap, type MapOptions } from '../compile-map.ts';

/** A message whose payload is given, received on 2 March 2026 at 07:15 UTC. */
export function messageOf(payload: unknown, more: Partial<Message<unknown>> = {}): Message<unknown> {
  return {
    id: '019c0a5e-3f00-7abc-8def-0123456789ab',
    seq: 1,
    channel: 'adt',
    keys: ['k'],
    receivedAt: Date.UTC(2026, 2, 2, 7, 15),
    version: 'v1',
    meta: { peer: '10.0.0.7' },
    payload,
    ...more,
  };
}

export function hl7(...segments: readonly string[]): Hl7Message {
  return parse(Buffer.from(segments.map((segment) => `${segment}\r`).join('')));
}

export const MSH = 'MSH|^~\\&|EHR|HOSP|WEIR|HOSP|20260302081500+0100||ADT^A01^ADT_A01|C1|P|2.5.1';

/** Compiles a map whose problems would be a mistake of the test. */
export function mapOf(yaml: string, options: MapOptions = {}): CompiledMap {
  const read = compileMap('lab.map.yaml', yaml, options);
  if (!read.ok) throw new Error(read.problems.map(describeProblem).join('\n'));
  return read.value;
}

/** A map from HL7 to HL7 with these rules, as YAML. */
export function edit(rules: string, options: MapOptions = {}, top = ''): (message: Hl7Message) => readonly string[] {
  const map = mapOf(`map: lab\nfrom: hl7v2\nto: hl7v2\n${top}rules:\n${rules}\n`, options);
  return (message) => {
    const result = map.run(message, messageOf(message)) as Hl7Message;
    return result.text().split('\r').slice(1, -1);
  };
}

/** What a map makes of a text: the value that one expression gives. */
export function mapped(expression: string, text: string, options: MapOptions = {}, top = ''): unknown {
  const map = mapOf(`map: lab\nfrom: json\nto: json\n${top}rules:\n  - set: { out: ${expression} }\n`, options);
  const payload = { in: text };
  return (map.run(payload, messageOf(payload)) as { out?: unknown }).out;
}

export function tableOf(name: string, rows: string): CodeTable {
  const text = `# table: ${name}\n# owner: Patient administration\n# version: 1\n${rows}`;
  const read = readCsvTable(`${name}.csv`, text, (csv) => readDelimited(csv, COMMA_SEPARATED));
  if (!read.ok) throw new Error(read.problems.map(describeProblem).join('\n'));
  return read.value;
}

/** A map from HL7 to HL7 as YAML; its rules begin in line 5. */
export function hl7ToHl7(rules: string): string {
  return `map: m\nfrom: hl7v2\nto: hl7v2\nrules:\n${rules}`;
}

/** The problems of a map, without the file: `line:column code message`. */
export function problemsIn(text: string, options: MapOptions = {}): readonly string[] {
  const read = compileMap('m.map.yaml', text, options);
  return read.ok ? [] : read.problems.map(({ line, column, code, message }) => `${line}:${column} ${code} ${message}`);
}
