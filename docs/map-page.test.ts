import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { describeProblem } from '../core/config/problem.ts';
import type { Message } from '../core/message.ts';
import { readCsvTable } from '../core/tables/csv-table.ts';
import { COMMA_SEPARATED } from '../protocols/delimited/dialect.ts';
import { readDelimited } from '../protocols/delimited/read.ts';
import { parse } from '../protocols/hl7v2/message.ts';
import { compileMap } from '../transforms/mapping/compile-map.ts';
import { pages } from './every-page.ts';
import { exampleMap, exampleTable } from './map-page.ts';

it('the map and the table of the reference pages do what they say', () => {
  const table = readCsvTable('administrative-sex.csv', exampleTable, (text) => readDelimited(text, COMMA_SEPARATED));
  if (!table.ok) throw new Error(table.problems.map(describeProblem).join('\n'));
  const map = compileMap('oru-to-app.map.yaml', exampleMap, { tables: new Map([[table.value.table, table.value]]) });
  if (!map.ok) throw new Error(map.problems.map(describeProblem).join('\n'));
  const payload = parse(readFileSync(new URL('../test-fixtures/hl7v2/oru-r01.hl7', import.meta.url)));
  const message = { receivedAt: Date.UTC(2026, 2, 2), meta: {}, payload } as Message<unknown>;
  expect(map.value.run(payload, message)).toMatchObject({
    patient: { mrn: expect.any(String), born: expect.stringMatching(/^\d{4}-\d\d-\d\d$/), sex: 'female' },
    orders: [{ final: true, results: expect.arrayContaining([expect.objectContaining({ unit: expect.any(String) })]) }],
  });
});

it('the JSON Schema of maps takes the map of the reference page, and refuses an unknown verb', () => {
  const schema = z.fromJSONSchema(JSON.parse(pages().get('schemas/map.schema.json') ?? ''));
  const map = parseYaml(exampleMap);
  expect(schema.safeParse(map).error).toBeUndefined();
  expect(schema.safeParse({ ...map, rules: [{ sett: { a: 'b' } }] }).success).toBe(false);
});
