import { fakeDestinationContext } from '../../core/testing/contexts.ts';
import { describeDestination } from '../../core/testing/destination-suite.ts';
import { email } from './email.ts';
import { mailServer } from './testing/mail-server.ts';

const config = { endpoint: 'mail', from: 'weir@hospital.example', to: ['lab@hospital.example'], subject: 'A message' };

describeDestination<unknown>({
  name: 'email',
  spec: email(config),
  message: (number) => ({ payload: undefined, bytes: Buffer.from(String(number)) }),
  async setUp() {
    const server = await mailServer();
    const endpoint = { kind: 'smtp', host: '127.0.0.1', port: server.port, security: 'none' } as const;
    const destination = email(config).create(fakeDestinationContext({ endpoints: { mail: endpoint } }));
    return {
      destination,
      received: async () =>
        server.mails.map(({ text }) => Number(Buffer.from(text.split('\r\n\r\n')[1] ?? '', 'base64').toString())),
      async failAt(_batch, position) {
        let mails = 0;
        server.say = (command) => (command === '.' && mails++ === position ? '554 not this one' : undefined);
        return async () => {
          server.say = () => undefined;
        };
      },
      async hold() {
        server.say = (command) => (command === '.' ? 'silence' : undefined);
        return async () => {
          server.say = () => undefined;
        };
      },
      async [Symbol.asyncDispose]() {
        await destination[Symbol.asyncDispose]();
        await server[Symbol.asyncDispose]();
      },
    };
  },
});
