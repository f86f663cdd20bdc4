/**
 * The limit beside which `bench:mllp` measures: a server that does nothing but frame, append to a file, fdatasync and acknowledge.
 * Messages that come while an fdatasync runs share the next one.
 */
import { fdatasync, openSync, writevSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { answerParent, settings } from './parent.ts';

const { directory, port } = settings<{ readonly directory: string; readonly port: number }>();
const file = openSync(join(directory, 'bare.log'), 'a');
let contents: Buffer[] = [];
let waiting: { readonly socket: Socket; readonly ack: string }[] = [];
let syncing = false;

const server = createServer({ noDelay: true }, (socket) => {
  let part: Buffer | undefined;
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    let bytes = part ? Buffer.concat([part, chunk]) : chunk;
    part = undefined;
    for (let end = bytes.indexOf(0x1c); end >= 0; end = bytes.indexOf(0x1c)) {
      take(socket, bytes.subarray(bytes.indexOf(0x0b) + 1, end));
      bytes = bytes.subarray(end + 2);
    }
    if (bytes.length > 0) part = bytes;
    if (!syncing) setImmediate(commit);
    syncing = true;
  });
});

function take(socket: Socket, message: Buffer): void {
  const msh = message.toString('latin1', 0, message.indexOf(0x0d)).split('|');
  contents.push(message);
  waiting.push({
    socket,
    ack: `\x0bMSH|^~\\&|${msh[4]}|${msh[5]}|${msh[2]}|${msh[3]}|${msh[6]}||ACK|${msh[9]}|P|2.5.1\rMSA|AA|${msh[9]}\r\x1c\r`,
  });
}

function commit(): void {
  if (contents.length === 0) {
    syncing = false;
    return;
  }
  const acknowledged = waiting;
  writevSync(file, contents);
  contents = [];
  waiting = [];
  fdatasync(file, (error) => {
    if (error) throw error;
    for (const { socket, ack } of acknowledged) socket.write(ack, 'latin1');
    commit();
  });
}

server.listen(port, '127.0.0.1', () => answerParent({}));
