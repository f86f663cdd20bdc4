import { answering, farEnd } from '../../clients/http-client/testing/far-end.ts';
import { describeDestination } from '../../core/testing/destination-suite.ts';
import { fhir } from './fhir.ts';
import { destinationTo } from './testing/destination.ts';

const numberIn = (body: string) => Number((JSON.parse(body) as { id: string }).id);

describeDestination<unknown>({
  name: 'fhir',
  spec: fhir({ endpoint: 'api' }),
  message: (number) => ({ payload: undefined, bytes: Buffer.from(`{"resourceType":"Basic","id":"${number}"}`) }),
  setUp: async () => {
    const far = await farEnd();
    const taken: number[] = [];
    const taking = answering();
    const take: typeof taking = (response, request) => {
      taken.push(numberIn(request.body));
      taking(response, request);
    };
    far.respond = take;
    const { destination } = destinationTo(`http://127.0.0.1:${far.port}/fhir`);
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
        far.respond = (_, request) => void taken.push(numberIn(request.body));
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
