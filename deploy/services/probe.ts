import { once } from 'node:events';
import { connect } from 'node:net';

const patienceMs = 2_000;

/** Sends these bytes to a port of this machine and gives the first that come back. Rejects where none do within two seconds. */
export async function answerTo(port: number, request: Buffer | string): Promise<Buffer> {
  const socket = connect({ host: '127.0.0.1', port });
  try {
    const signal = AbortSignal.timeout(patienceMs);
    await once(socket, 'connect', { signal });
    socket.write(request);
    const [answer] = await once(socket, 'data', { signal });
    return answer as Buffer;
  } finally {
    socket.destroy();
  }
}

/** Rejects unless the answer begins like this. */
export async function expectAnswer(port: number, request: Buffer | string, begins: Buffer | string): Promise<void> {
  const answer = await answerTo(port, request);
  const wanted = Buffer.from(begins);
  if (!answer.subarray(0, wanted.length).equals(wanted)) throw new Error('the service answered with something else');
}
