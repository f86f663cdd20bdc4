import { discard } from './discard/discard.ts';
import { file } from './file/file.ts';
import { mllp } from './mllp/mllp.ts';
import { publish } from './publish/publish.ts';

/** Every connector that is shipped. A connector is known by being in this list, and in no other way. */
export const connectors = [mllp, publish, file, discard] as const;
