import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { MllpDecoder } from '../../protocols/mllp/decoder.ts';

/** One way in to the receiver. */
export interface ReceiverPort extends AsyncDisposable {
  readonly port: number;
}

/** Answers every message with AA and tells its control id and its connection's number, which `numbered` gives at its beginning. */
export async function receiverPort(
  numbered: () => number,
  received: (controlId: string, connection: number) => void,
): Promise<ReceiverPort> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ noDelay: true }, (socket) => {
    const connection = numbered();
    const decoder = new MllpDecoder(1024 ** 2);
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk: Buffer) => {
      for (const framed of decoder.decode(chunk)) {
        if (!Buffer.isBuffer(framed)) throw new Error('not a message');
        const id = framed.toString('latin1', 0, 256).split('|', 10)[9]!;
        received(id, connection);
        socket.write(`\x0bMSH|^~\\&|||||||ACK|R${id}|P|2.5.1\rMSA|AA|${id}\r\x1c\r`, 'latin1');
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}
