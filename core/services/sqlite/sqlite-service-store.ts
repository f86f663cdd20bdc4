import { CallThread } from '../../worker/call-thread.ts';
import type { ServiceStore } from '../service-store.ts';
import type { ServiceCalls } from './calls.ts';
import { lostError } from './errors.ts';

const threadModule = new URL('./service-thread.ts', import.meta.url);

/**
 * Services in `services.sqlite` of a folder that one hub has open, which is made when missing. Commits are written and fsynced in a
 * thread of their own: beside 5,000 readings a second a commit of 500 holds up nobody else.
 */
export async function openSqliteServiceStore(directory: string): Promise<ServiceStore> {
  const thread = new CallThread<ServiceCalls>(threadModule, { name: 'services' }, lostError);
  try {
    await thread.call('open', directory);
  } catch (thrown) {
    await thread.close();
    throw thrown;
  }
  return {
    async open(service) {
      const { epoch, ...image } = await thread.call('image', service);
      return {
        image,
        known: (ids, generation) => thread.call('known', { service, ids, generation }),
        commit: (commit) => thread.call('commit', { service, epoch, ...commit }),
        close: async () => undefined,
      };
    },
    [Symbol.asyncDispose]: () => thread.close(),
  };
}
