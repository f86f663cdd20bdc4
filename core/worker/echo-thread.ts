/** A thread for tests. */
import { HubError } from '../errors.ts';
import { serve } from './serve.ts';

serve(
  {
    echo: (value: unknown) => value,
    fail: (text: string): never => {
      throw new Error(text);
    },
    leave: () => process.exit(0),
  },
  (thrown) => new HubError('not-found', 'permanent', `failing: ${(thrown as Error).message}`, { scope: 'destination' }),
  () => undefined,
);
