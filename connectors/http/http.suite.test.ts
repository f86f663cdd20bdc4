import { answering, farEnd } from '../../clients/http-client/testing/far-end.ts';
import { describeDestination } from '../../core/testing/destination-suite.ts';
import { http } from './http.ts';
import { destinationTo } from './testing/destination.ts';

describeDestination<unknown>({
  name: 'http',
  spec: http({ endpoint: 'api' }),
  message: (number) => ({ payload: undefined, bytes: Buffer.from(String(number)) }),
  setUp: async () => {
    const far = await farEnd();
    const taken: number[] = [];
    const taking = answering();
    const take: typeof taking = (response, request) => {
      taken.push(Number(request.body));
      taking(response, request);
    };
    far.respond = take;
    const { destination } = destinationTo(`http://127.0.0.1:${far.port}`);
    return {
      destination,
      received: async () => taken,
      failAt: async (batch, position) => {
        const failing = Buffer.from(batch[position]!.bytes).toString();
        far.respond = (response, request) => (request.body === failing ? answering(500) : take)(response, request);
        return async () => {
          far.respond = take;
        };
      },
      hold: async () => {
        far.respond = (_, request) => void taken.push(Number(request.body));
        return async () => {
          far.respond = take;
        };
      },
      [Symbol.asyncDispose]: async () => {
        await destination[Symbol.asyncDispose]();
        await far[Symbol.asyncDispose]();
      },
    };
  },
});
