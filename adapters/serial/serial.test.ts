import { mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type PtyPair, ptys } from '../../clients/serial-port/testing/pty.ts';
import { deviceArrival } from '../../contracts/device-arrival.ts';
import { HubError } from '../../core/errors.ts';
import { noMeta } from '../../core/format.ts';
import type { Message } from '../../core/message.ts';
import { fakeSourceContext } from '../../core/testing/contexts.ts';
import { type FakeIntake, fakeIntake, positive } from '../../core/testing/fake-intake.ts';
import { ReadingMaker } from '../../transforms/device-to-reading/readings.ts';
import { serial } from './serial.ts';
import { arrivalsOf, deviceAt, framesOf, listening, nonin, profileOf, textPoints } from './testing/listening.ts';
import { noninPacket } from './testing/oximeter.ts';

const lines = await ptys();
const taking = (): FakeIntake => fakeIntake(() => positive);
const packet = noninPacket(72, 98);
const until = (check: () => void, timeout = 8_000) => vi.waitFor(check, { timeout, interval: 10 });

async function cable(): Promise<PtyPair> {
  const pair = await lines.pair();
  onTestFinished(() => pair[Symbol.asyncDispose]());
  return pair;
}

/** Sends packets at the pace of a module until the test ends, or `stop` is called. */
function talking(write: (bytes: Buffer) => void, bytes = packet): () => void {
  const timer = setInterval(() => write(bytes), 333);
  write(bytes);
  onTestFinished(() => clearInterval(timer));
  return () => clearInterval(timer);
}

describe.skipIf(lines.missing)('a device on a serial port', () => {
  it('is heard packet by packet, and its rates come out as they were sent: 130 and 260 a minute, too', async () => {
    const pair = await cable();
    const intake = taking();
    const profile = profileOf([pair.host]);
    const { isOpen, context } = listening(intake, profile);
    await isOpen();
    const device = await deviceAt(pair.device);
    for (const pulse of [72, 130, 260]) device.write(noninPacket(pulse, 97));
    await until(() => expect(framesOf(intake)).toHaveLength(3));
    expect(framesOf(intake)[0]).toEqual(noninPacket(72, 97));
    const maker = new ReadingMaker([profile]);
    const read = intake.arrivals.flatMap(({ raw, key }) => {
      expect(key).toBe('d-1');
      const arrival = deviceArrival.decode(raw, noMeta);
      const { receivedAt } = { receivedAt: 0 } as Message<unknown>;
      return maker.readingsOf(arrival, receivedAt).flatMap(({ readings }) => readings.map(({ value }) => value));
    });
    expect(read).toEqual([72, 97, 130, 97, 260, 97]);
    expect(context.counts).toMatchObject({ serial_frames_total: 3 });
    expect(context.counts.serial_discarded_bytes_total).toBeUndefined();
  });

  it('one-byte trickle: makes no difference', async () => {
    const pair = await cable();
    const intake = taking();
    await listening(intake, profileOf([pair.host])).isOpen();
    const device = await deviceAt(pair.device);
    for (const byte of packet) {
      device.write(Buffer.of(byte));
      await pause(2);
    }
    await until(() => expect(framesOf(intake)).toEqual([packet]));
  });

  it('garbage before, inside and after frames: is discarded and counted, and every whole packet is there', async () => {
    const pair = await cable();
    const intake = taking();
    const { context, isOpen } = listening(intake, profileOf([pair.host]));
    await isOpen();
    const device = await deviceAt(pair.device);
    const broken = Buffer.concat([packet.subarray(0, 62), Buffer.from('noise'), packet.subarray(62)]);
    for (const bytes of [Buffer.from([0xff, 0x01, 0x00]), packet, broken, Buffer.from([0x01]), packet])
      device.write(bytes);
    await until(() => expect(framesOf(intake)).toEqual([packet, packet]));
    expect(context.counts.serial_discarded_bytes_total).toBeGreaterThanOrEqual(3 + 125 + 5 + 1 - 5);
    expect(context.counts.serial_faults_total).toBeGreaterThan(0);
  });

  it('half a packet, then silence: it is lost, and the next one is not mixed with it', async () => {
    const pair = await cable();
    const intake = taking();
    const { context, isOpen } = listening(intake, profileOf([pair.host]));
    await isOpen();
    const device = await deviceAt(pair.device);
    device.write(packet.subarray(0, 65));
    await pause(500);
    // By its bytes alone it would complete the first half.
    device.write(noninPacket(190, 60).subarray(65));
    await pause(400);
    device.write(packet);
    await until(() => expect(framesOf(intake)).toEqual([packet]));
    expect(context.counts.serial_discarded_bytes_total).toBe(125);
  });

  it('wrong baud rate: bytes of which none becomes a frame are told as that, once, and once when it is over', async () => {
    const pair = await cable();
    const intake = taking();
    const { context, isOpen } = listening(intake, profileOf([pair.host], undefined, undefined, 2_000));
    await isOpen();
    const device = await deviceAt(pair.device);
    const stop = talking((bytes) => device.write(bytes), Buffer.alloc(60, 0xe6));
    await until(() => expect(framesOf(intake)).toEqual(['faulty']));
    expect(context.logged.at(-1)).toMatchObject({ level: 'warn', fields: { device: 'd-1', state: 'faulty' } });
    expect(context.logged.at(-1)!.text).toMatch(/no frame: baud/);
    await pause(2_100);
    expect(framesOf(intake)).toEqual(['faulty']);
    stop();
    device.write(packet);
    await until(() => expect(framesOf(intake)).toEqual(['faulty', 'answering', packet]));
  });

  it('silence: told once in an arrival of its own, its port opened again, and no value repeated', async () => {
    const pair = await cable();
    const intake = taking();
    const { context, isOpen } = listening(intake, profileOf([pair.host], undefined, undefined, 2_000));
    await isOpen();
    const device = await deviceAt(pair.device);
    device.write(packet);
    await until(() => expect(framesOf(intake)).toEqual([packet, 'silent']));
    await until(() => expect(context.logged.map(({ text }) => text).join()).toMatch(/nothing has come for 2000 ms/));
    await pause(2_100);
    expect(framesOf(intake)).toEqual([packet, 'silent']);
    await isOpen();
    talking((bytes) => device.write(bytes));
    await until(() => expect(framesOf(intake).slice(2, 4)).toEqual(['answering', packet]));
  });

  it('unplug: silent until it is plugged in again, then heard', async () => {
    const pair = await cable();
    const intake = taking();
    const { context, isOpen } = listening(intake, profileOf([pair.host]));
    await isOpen();
    await pair.unplug();
    await until(() => expect(context.reported.at(-1)).toEqual({ state: 'retrying', connections: 0 }));
    await until(() => expect(framesOf(intake)).toEqual(['silent']));
    await pair.plug();
    const device = await deviceAt(pair.device);
    talking((bytes) => device.write(bytes));
    await until(() => expect(framesOf(intake).slice(0, 3)).toEqual(['silent', 'answering', packet]));
  });

  it('renamed port: what its id leads to now is heard', async () => {
    const [first, second] = [await cable(), await cable()];
    const folder = mkdtempSync(join(tmpdir(), 'weir-by-id-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const link = join(folder, 'usb-oximeter');
    symlinkSync(first.host, link);
    const intake = taking();
    await listening(intake, profileOf([link])).isOpen();
    symlinkSync(second.host, `${link}.new`);
    renameSync(`${link}.new`, link);
    const device = await deviceAt(second.device);
    talking((bytes) => device.write(bytes));
    await until(() => expect(framesOf(intake)).toContainEqual(packet), 10_000);
  });

  it('one of three devices silent, another unplugged: the third loses nothing', async () => {
    const pairs = [await cable(), await cable(), await cable()];
    const intake = taking();
    await listening(intake, profileOf(pairs.map(({ host }) => host))).isOpen();
    await pairs[2]!.unplug();
    const device = await deviceAt(pairs[0]!.device);
    const sent = Array.from({ length: 60 }, (_, at) => noninPacket(60 + at, 90 + (at % 10)));
    for (const bytes of sent) {
      device.write(bytes);
      await pause(30);
    }
    await until(() => expect(framesOf(intake, 'd-1')).toEqual(sent));
    expect(framesOf(intake, 'd-2')).toEqual(['silent']);
  });

  it.each([
    ['lines', 'framing: { type: line, end: crlf }', 'half\r\n17\r\n18\r\n', ['17', '18']],
    [
      'frames between STX and ETX',
      'framing: { type: stx-etx }',
      '??\x0217\x03\x0218\x03',
      ['\x0217\x03', '\x0218\x03'],
    ],
  ])('%s are frames, too', async (_, framing, bytes, frames) => {
    const pair = await cable();
    const intake = taking();
    await listening(intake, profileOf([pair.host], framing, textPoints)).isOpen();
    (await deviceAt(pair.device)).write(Buffer.from(bytes, 'latin1'));
    await until(() => expect(framesOf(intake).map(String)).toEqual(frames));
  });

  it.each([
    ['of one length', 'type: fixed, length: 4, sync: [{ at: 0, value: 85 }]', [0x55, 1, 2, 3, 9, 0x55, 4, 5, 6]],
    [
      'that say their length',
      'type: length-prefixed, start: [170], lengthAt: 1, adds: 2',
      [0xaa, 2, 7, 8, 0xaa, 3, 1, 2, 3],
    ],
  ])('binary frames %s are, too', async (_, framing, bytes) => {
    const pair = await cable();
    const intake = taking();
    const points = "points: [{ id: value, type: u8, at: 2, unit: '1' }]";
    await listening(intake, profileOf([pair.host], `framing: { ${framing} }`, points)).isOpen();
    (await deviceAt(pair.device)).write(Buffer.from(bytes));
    await until(() =>
      expect(framesOf(intake)).toEqual([
        Buffer.from(bytes.slice(0, 4)),
        Buffer.from(bytes.slice(-(bytes[0] === 0xaa ? 5 : 4))),
      ]),
    );
  });
});

describe('a device behind a device server', () => {
  async function server() {
    const sockets = new Set<Socket>();
    const listens = createServer((socket) => sockets.add(socket.on('error', () => undefined)));
    await new Promise<void>((resolve) => listens.listen(0, '127.0.0.1', resolve));
    onTestFinished(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => listens.close(resolve));
    });
    const { port } = listens.address() as { readonly port: number };
    return {
      path: `tcp://127.0.0.1:${port}`,
      sockets,
      write: (bytes: Buffer) => sockets.forEach((each) => void each.write(bytes)),
    };
  }

  it('is heard as one on a port, and again after the connection was reset', async () => {
    const { path, sockets, write } = await server();
    const intake = taking();
    const { isOpen } = listening(intake, profileOf([path]));
    await isOpen();
    write(packet);
    await until(() => expect(framesOf(intake)).toEqual([packet]));
    for (const socket of sockets) {
      socket.resetAndDestroy();
      sockets.delete(socket);
    }
    await until(() => expect(sockets.size).toBe(1));
    write(packet);
    await until(() => expect(framesOf(intake)).toEqual([packet, packet]));
  });

  it('half-open TCP: after silenceMs the connection is made anew, whatever the old one says', async () => {
    const { path, sockets } = await server();
    const intake = taking();
    await listening(intake, profileOf([path])).isOpen();
    await until(() => expect(sockets.size).toBe(2), 5_000);
  });

  it('slow store: the oldest frames give way and are counted, and what the hub noticed stays', async () => {
    const { path, write } = await server();
    const intake = taking();
    const { context, isOpen } = listening(intake, profileOf([path], 'framing: { type: line }', textPoints, 400), {
      queueFrames: 10,
      batchFrames: 1_000,
    });
    await isOpen();
    intake.setRoom(false);
    write(Buffer.from('x\r\n0\r\n'));
    await until(() => expect(intake.waiting).toBe(1));
    await until(() => expect(context.reported.at(-1)?.state).toBe('retrying'));
    await isOpen();
    write(Buffer.from(`x\r\n${Array.from({ length: 100 }, (_, at) => `${at + 1}\r\n`).join('')}`));
    await until(() => expect(context.counts.serial_frames_total).toBe(101));
    intake.setRoom(true);
    await until(() => expect(framesOf(intake).map(String)).toContain('100'));
    const kept = framesOf(intake).map(String);
    const values = kept.filter((each) => /\d/.test(each)).map(Number);
    expect(kept.slice(0, 3)).toEqual(['0', 'silent', 'answering']);
    expect(values).toEqual([0, 93, 94, 95, 96, 97, 98, 99, 100]);
    expect(context.counts.serial_dropped_total).toBe(92);
  });

  it('a store that refuses for a while gets every frame in the end, in order', async () => {
    const { path, write } = await server();
    const intake = taking();
    for (let refusal = 0; refusal < 3; refusal++)
      intake.refuseNext(new HubError('store-full', 'transient', 'storing a batch: the quota is used up'));
    const { isOpen } = listening(intake, profileOf([path]));
    await isOpen();
    write(Buffer.concat([noninPacket(60, 90), noninPacket(61, 91)]));
    const packets = () => framesOf(intake).filter((each) => typeof each !== 'string');
    await until(() => expect(packets()).toEqual([noninPacket(60, 90), noninPacket(61, 91)]));
  });

  it('bad checksum, oversize frame: are discarded, counted, and no value; the frame behind is one', async () => {
    const { path, write } = await server();
    const intake = taking();
    const framing =
      'framing: { type: stx-etx, trailer: 1, maxBytes: 16, check: { algorithm: xor8, written: big-endian, from: 1 } }';
    const { context, isOpen } = listening(intake, profileOf([path], framing, textPoints));
    await isOpen();
    const frame = (text: string) => {
      const covered = Buffer.from(`${text}\x03`);
      return Buffer.concat([Buffer.of(2), covered, Buffer.of(covered.reduce((xor, byte) => xor ^ byte, 0))]);
    };
    const wrong = frame('17');
    wrong[wrong.length - 1]! ^= 1;
    write(Buffer.concat([wrong, frame('1'.repeat(40)), frame('18')]));
    await until(() => expect(framesOf(intake)).toEqual([frame('18')]));
    expect(context.counts.serial_faults_total).toBeGreaterThan(0);
    expect(context.counts.serial_frames_total).toBe(1);
  });

  it('frames that come together are one arrival, those that come apart are not', async () => {
    const { path, write } = await server();
    const intake = taking();
    await listening(intake, profileOf([path])).isOpen();
    write(Buffer.concat([packet, packet, packet]));
    await until(() => expect(framesOf(intake)).toHaveLength(3));
    await pause(300);
    write(packet);
    await until(() => expect(arrivalsOf(intake).map(({ frames }) => frames.length)).toEqual([3, 1]));
  });
});

it('takes no profile of devices that speak otherwise, and no device that the profile has not', () => {
  const create = (devices: readonly string[]) =>
    serial({ profile: 'p', devices: [...devices] }).create(
      fakeSourceContext({ deviceProfiles: [profileOf(['/dev/x'], nonin)] }),
    );
  expect(() => create(['d-2'])).toThrow(/has no device d-2/);
  expect(() => create(['d-1'])).not.toThrow();
});
