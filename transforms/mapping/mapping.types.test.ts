import { expectTypeOf, it } from 'vitest';
import { hl7v2 } from '../../contracts/hl7v2.ts';
import { type JsonValue, json } from '../../contracts/json.ts';
import type { FileStep } from '../../core/config/step-files.ts';
import type { Hl7Message } from '../../protocols/hl7v2/message.ts';
import { mapping } from './mapping.ts';

it('a map in a TypeScript channel has the payloads of the formats that it is given', () => {
  expectTypeOf(mapping({ file: 'a.map.yaml' }, { from: hl7v2, to: json })).toEqualTypeOf<
    FileStep<Hl7Message, JsonValue>
  >();
  // @ts-expect-error its formats are needed: a channel of unknown payloads would take anything
  mapping({ file: 'a.map.yaml' });
  // @ts-expect-error and there is no such key
  expectTypeOf(mapping).toBeCallableWith({ path: 'a.map.yaml' }, { from: hl7v2, to: json });
});
