import { describeDestination } from '../../core/testing/destination-suite.ts';
import { parse } from '../../protocols/hl7v2/message.ts';
import { mllp } from './mllp.ts';
import { acking, destinationTo, farEnd, text } from './testing/far-end.ts';

describeDestination({
  name: 'mllp',
  spec: mllp({ endpoint: 'lab' }),
  message: (number) => {
    const bytes = Buffer.from(text(number));
    return { payload: parse(bytes), bytes };
  },
  setUp: async () => {
    const far = await farEnd();
    const { destination } = destinationTo(far.port);
    return {
      destination,
      received: async () => far.controlIds.map(Number),
      failAt: async (batch, position) => {
        const failing = batch[position]!.payload.controlId;
        far.answer = (message, socket) => acking(parse(message).controlId === failing ? 'AE' : 'AA')(message, socket);
        return async () => {
          far.answer = acking();
        };
      },
      hold: async () => {
        far.answer = () => undefined;
        return async () => {
          far.answer = acking();
        };
      },
      [Symbol.asyncDispose]: async () => {
        await destination[Symbol.asyncDispose]();
        await far[Symbol.asyncDispose]();
      },
    };
  },
});
