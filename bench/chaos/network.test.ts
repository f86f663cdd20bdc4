import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { Network } from './network.ts';

async function network() {
  const heard: string[] = [];
  let ended = 0;
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('data', (chunk) => {
      heard.push(chunk.toString());
      socket.write(`got ${chunk}`);
    });
    socket.on('end', () => ended++);
    socket.on('error', () => undefined);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const made = await Network.before((server.address() as AddressInfo).port);
  onTestFinished(async () => {
    await made[Symbol.asyncDispose]();
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const client = () => connect(made.port, '127.0.0.1').on('error', () => undefined);
  return { made, client, heard, ended: () => ended };
}

test('passes everything on both ways', async () => {
  const { client } = await network();
  const socket = client();
  socket.write('a');
  expect(String((await once(socket, 'data'))[0])).toBe('got a');
  socket.destroy();
});

test('a cut breaks what is open, and takes no connection until it is back', async () => {
  const { made, client } = await network();
  const open = client();
  open.write('a');
  await once(open, 'data');
  made.cut();
  await once(open, 'close');
  await once(client(), 'close');
  made.back();
  const again = client();
  again.write('b');
  expect(String((await once(again, 'data'))[0])).toBe('got b');
  again.destroy();
});

test('what is held arrives later, also when its sender has gone', async () => {
  const { made, client, heard, ended } = await network();
  const socket = client();
  socket.write('a');
  await once(socket, 'data');
  made.hold();
  socket.write('late');
  socket.destroy();
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(heard).toEqual(['a']);
  made.back();
  await expect.poll(() => heard).toEqual(['a', 'late']);
  await expect.poll(ended).toBe(1);
});
