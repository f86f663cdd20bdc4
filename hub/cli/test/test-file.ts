import { z } from 'zod';
import { channelTests } from '../../../core/config/channel-tests.ts';

/** A `*.test.yaml` beside the channels: tests of a channel in TypeScript, or more of them than one wants in its file. */
export const testFile = z.strictObject({
  channel: z.string().describe('The name of the channel that is tested.'),
  tests: channelTests.min(1).describe('Its tests, as in a channel file; paths start at the folder of this one.'),
});
