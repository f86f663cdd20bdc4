import { events } from './events/events.ts';
import { file } from './file/file.ts';
import { mllp } from './mllp/mllp.ts';

/** Every adapter that is shipped. An adapter is known by being in this list, and in no other way. */
export const adapters = [mllp, file, events] as const;
