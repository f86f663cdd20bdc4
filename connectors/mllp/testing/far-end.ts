import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { Outgoing } from '../../../core/message.ts';
import { type FakeDestinationContext, fakeDestinationContext } from '../../../core/testing/contexts.ts';
import { outgoing } from '../../../core/testing/outgoing.ts';
import { type AckCode, acknowledge } from '../../../protocols/hl7v2/ack.ts';
import { readHeader } from '../../../protocols/hl7v2/header.ts';
import { type Hl7Message, parse } from '../../../protocols/hl7v2/message.ts';
import { MllpDecoder } from '../../../protocols/mllp/decoder.ts';
import { encodeFrame } from '../../../protocols/mllp/encoder.ts';
import { mllp } from '../mllp.ts';
import type { MllpDestination } from '../mllp-destination.ts';

/** Answers one message on its connection; what it does not answer stays unanswered. */
export type Answer = (message: Buffer, socket: Socket) => void;

/** A receiver under a test's control. */
export interface FarEnd extends AsyncDisposable {
  readonly port: number;
  /** MSH-10 of everything that came, in order. */
  readonly controlIds: readonly string[];
  readonly received: readonly Buffer[];
  readonly sockets: ReadonlySet<Socket>;
  /** Connections made so far. */
  readonly connections: number;
  answer: Answer;
}

export const acking =
  (code: AckCode = 'AA', input: Partial<Parameters<typeof acknowledge>[1]> = {}): Answer =>
  (message, socket) =>
    void socket.write(encodeFrame(acknowledge(message, { code, controlId: 'A1', now: 0, ...input })));

/** A TCP server that frames, on a free port unless one is given; `server` is another one (TLS) in its place. */
export async function farEnd(
  answer: Answer = acking(),
  server: Server = createServer(),
  event = 'connection',
  port = 0,
): Promise<FarEnd> {
  const sockets = new Set<Socket>();
  const controlIds: string[] = [];
  const received: Buffer[] = [];
  let connections = 0;
  server.on(event, (socket: Socket) => {
    connections++;
    sockets.add(socket);
    const decoder = new MllpDecoder(64 * 1024 ** 2);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk: Buffer) => {
      for (const framed of decoder.decode(chunk)) {
        if (!Buffer.isBuffer(framed)) continue;
        received.push(framed);
        controlIds.push(readHeader(framed)?.controlId ?? '');
        far.answer(framed, socket);
      }
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no TCP address');
  const far: FarEnd = {
    port: address.port,
    controlIds,
    received,
    sockets,
    get connections() {
      return connections;
    },
    answer,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
  return far;
}

export const text = (number: number | string, ack = '') =>
  `MSH|^~\\&|WEIR|HUB|LAB|NORTH|20260101120000||ORM^O01^ORM_O01|${number}|P|2.5.1|||${ack}\rPID|1||P1^^^NORTH^MR\r`;

export function order(number: number, ack = ''): Outgoing<Hl7Message> {
  const bytes = Buffer.from(text(number, ack));
  return outgoing({ number, payload: parse(bytes), bytes });
}

export function destinationTo(
  port: number,
  config: Partial<Parameters<typeof mllp>[0]> = {},
  endpoint: Readonly<Record<string, unknown>> = {},
): { readonly destination: MllpDestination; readonly context: FakeDestinationContext } {
  const context = fakeDestinationContext({
    endpoints: { lab: { kind: 'tcp-connect', host: '127.0.0.1', port, ...endpoint } },
  });
  return { destination: mllp({ endpoint: 'lab', ...config }).create(context) as MllpDestination, context };
}
