import { numbered, numberIn } from '../../clients/astm-link/testing/analyzer.ts';
import { astm as format } from '../../contracts/astm.ts';
import { noMeta } from '../../core/format.ts';
import { fakeDestinationContext } from '../../core/testing/contexts.ts';
import { describeDestination } from '../../core/testing/destination-suite.ts';
import { astm } from './astm.ts';
import { FarEnd } from './testing/far-end.ts';

const spec = astm({ connect: 'far', link: { busyMs: 50, replyMs: 2_000 } });

describeDestination({
  name: 'astm',
  spec,
  message: (number) => {
    const bytes = Buffer.from(numbered(number));
    return { payload: format.decode(bytes, noMeta), bytes };
  },
  setUp: async () => {
    const far = await FarEnd.open();
    const destination = spec.create(fakeDestinationContext({ endpoints: { far: far.endpoint } }));
    return {
      destination,
      received: async () => far.messages.map((message) => numberIn(Buffer.from(message))),
      failAt: async (batch, position) => {
        far.refused = `|S${numberIn(batch[position]!.bytes)}|`;
        return async () => {
          far.refused = undefined;
        };
      },
      hold: async () => {
        far.hold();
        return async () => far.release();
      },
      [Symbol.asyncDispose]: async () => {
        await destination[Symbol.asyncDispose]();
        await far[Symbol.asyncDispose]();
      },
    };
  },
});
