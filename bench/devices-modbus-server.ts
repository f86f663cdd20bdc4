/** Devices of Modbus TCP in a process of their own: answers every read at once, and tells at its end when each connection was asked. */
import { createServer } from 'node:net';

/** An answer to a read of 16 registers; transaction and unit are those of the request. */
const answer = Buffer.alloc(9 + 32);
answer.writeUInt16BE(3 + 32, 4);
answer.set([4, 32], 7);

const askedAt = new Map<number, number[]>();
let connections = 0;
const server = createServer((socket) => {
  const times: number[] = [];
  askedAt.set(connections++, times);
  socket.setNoDelay(true);
  socket.on('error', () => undefined);
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    let at = 0;
    for (; at + 12 <= bytes.length; at += 12) {
      if (times.length < 1_000) times.push(performance.now());
      const reply = Buffer.from(answer);
      bytes.copy(reply, 0, at, at + 2);
      reply[6] = bytes[at + 6]!;
      reply[7] = bytes[at + 7]!;
      socket.write(reply);
    }
    rest = bytes.subarray(at);
  });
});
server.listen(0, '0.0.0.0', () => process.send!({ port: (server.address() as { port: number }).port }));
process.on('message', () => {
  process.send!({ asked: [...askedAt.values()] });
});
