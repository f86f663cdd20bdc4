import { expectTypeOf, it } from 'vitest';
import type { DestinationSpec } from '../../core/destination.ts';
import type { Topic } from '../../core/events/event-log.ts';
import { publish } from './publish.ts';

interface Patient {
  readonly mrn: string;
}

it('a topic’s destination takes that topic’s payload and no other', () => {
  expectTypeOf(publish<Patient>).parameters.toEqualTypeOf<[Topic<Patient>]>();
  expectTypeOf<ReturnType<typeof publish<Patient>>>().toEqualTypeOf<DestinationSpec<Patient>>();
  expectTypeOf<DestinationSpec<Patient>>().not.toExtend<DestinationSpec<string>>();
});
