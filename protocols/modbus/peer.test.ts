import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import modbusSerial from 'modbus-serial';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../../core/testing/free-port.ts';
import { SerialFault } from '../serial-framing/fault.ts';
import { FrameScanner } from '../serial-framing/scanner.ts';
import { bitAt, packBits } from './bits.ts';
import { ModbusFault } from './fault.ts';
import type { ModbusRequest, ModbusResponse } from './message.ts';
import { decodeRequest } from './request.ts';
import { encodeResponse } from './response.ts';
import { encodeRtu, readRtu, rtuRequests } from './rtu.ts';
import { encodeTcp, TcpDecoder } from './tcp.ts';
import { TcpExchanges } from './tcp-exchanges.ts';

const { default: PeerClient, ServerTCP: PeerServer } = modbusSerial;
const HOST = '127.0.0.1';
const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** A device with one table of registers and one of coils, made of our own codec. */
class Device {
  readonly registers = new Uint16Array(1_000).map((_, address) => address * 3);
  readonly coils = new Array<boolean>(1_000).fill(false).map((_, address) => address % 3 === 0);

  answer(pdu: Buffer): Buffer {
    const request = decodeRequest(pdu);
    if (request instanceof ModbusFault) throw new Error(request.reason);
    const response = encodeResponse(this.#carryOut(request));
    if (response instanceof ModbusFault) throw new Error(response.reason);
    return response;
  }

  #carryOut(request: ModbusRequest): ModbusResponse {
    switch (request.function) {
      case 'read-coils':
      case 'read-discrete-inputs': {
        const { address, quantity } = request;
        return { function: request.function, bits: packBits(this.coils.slice(address, address + quantity)) };
      }
      case 'read-holding-registers':
      case 'read-input-registers':
        if (request.address + request.quantity > this.registers.length)
          return { function: 'exception', of: 3, exception: 2 };
        return { function: request.function, registers: this.#read(request.address, request.quantity) };
      case 'write-coil':
        this.coils[request.address] = request.value;
        return request;
      case 'write-register':
        this.registers[request.address] = request.value;
        return request;
      case 'write-coils':
        for (let index = 0; index < request.quantity; index++) {
          this.coils[request.address + index] = bitAt(request.bits, index);
        }
        return { function: request.function, address: request.address, quantity: request.quantity };
      case 'write-registers':
        this.#write(request.address, request.registers);
        return { function: request.function, address: request.address, quantity: request.registers.length / 2 };
      case 'mask-write-register':
        this.registers[request.address] =
          (this.registers[request.address]! & request.and) | (request.or & ~request.and & 0xffff);
        return request;
      case 'read-write-registers':
        this.#write(request.writeAddress, request.registers);
        return { function: request.function, registers: this.#read(request.address, request.quantity) };
      default:
        throw new Error(`the peer asked for ${request.function}`);
    }
  }

  #read(address: number, quantity: number): Buffer {
    const bytes = Buffer.alloc(2 * quantity);
    for (let index = 0; index < quantity; index++) bytes.writeUInt16BE(this.registers[address + index]!, 2 * index);
    return bytes;
  }

  #write(address: number, registers: Buffer): void {
    for (let at = 0; at < registers.length; at += 2) this.registers[address + at / 2] = registers.readUInt16BE(at);
  }
}

/** Listens; every reply goes out in two pieces. */
async function serve(answers: () => (chunk: Buffer) => Buffer[]): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    const answer = answers();
    socket.on('data', (chunk) => {
      for (const reply of answer(chunk)) {
        socket.write(reply.subarray(0, 3));
        setImmediate(() => socket.write(reply.subarray(3)));
      }
    });
  });
  server.listen(0, HOST);
  await once(server, 'listening');
  open.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return (server.address() as AddressInfo).port;
}

function client(): InstanceType<typeof PeerClient> {
  const made = new PeerClient();
  made.setID(7);
  made.setTimeout(2_000);
  open.push(() => new Promise((resolve) => made.close(resolve)));
  return made;
}

async function asksEverything(by: InstanceType<typeof PeerClient>, device: Device): Promise<void> {
  expect((await by.readCoils(10, 20)).data.slice(0, 20)).toEqual(device.coils.slice(10, 30));
  expect((await by.readDiscreteInputs(0, 9)).data.slice(0, 9)).toEqual(device.coils.slice(0, 9));
  expect((await by.readHoldingRegisters(100, 125)).data).toEqual([...device.registers.subarray(100, 225)]);
  expect((await by.readInputRegisters(5, 1)).data).toEqual([15]);
  await by.writeCoil(1, true);
  expect(device.coils[1]).toBe(true);
  await by.writeRegister(2, 0xbeef);
  expect(device.registers[2]).toBe(0xbeef);
  await by.writeCoils(20, [true, false, true, true, false, false, false, false, true]);
  expect(device.coils.slice(20, 29)).toEqual([true, false, true, true, false, false, false, false, true]);
  await by.writeRegisters(30, [1, 2, 3]);
  expect([...device.registers.subarray(30, 33)]).toEqual([1, 2, 3]);
  await expect(by.readHoldingRegisters(990, 20)).rejects.toMatchObject({ modbusCode: 2 });
}

describe('against modbus-serial', () => {
  it('answers its client over TCP', async () => {
    const device = new Device();
    const port = await serve(() => {
      const decoder = new TcpDecoder();
      return (chunk) =>
        decoder.decode(chunk).map((frame) => {
          if (frame instanceof ModbusFault) throw new Error(frame.reason);
          return encodeTcp(frame.transaction, frame.unit, device.answer(frame.pdu));
        });
    });
    const asking = client();
    await asking.connectTCP(HOST, { port });
    await asksEverything(asking, device);
    // Its RTU port over sockets does not know this function.
    device.registers[4] = 0x12;
    await asking.maskWriteRegister(4, 0xf2, 0x25);
    expect(device.registers[4]).toBe(0x17);
  });

  it('answers its client in RTU frames', async () => {
    const device = new Device();
    const port = await serve(() => {
      const scanner = new FrameScanner(rtuRequests);
      return (chunk) =>
        scanner.decode(chunk).map((frame) => {
          if (frame instanceof SerialFault) throw new Error(frame.code);
          const { unit, pdu } = readRtu(frame);
          return encodeRtu(unit, device.answer(pdu));
        });
    });
    const asking = client();
    await asking.connectTelnet(HOST, { port });
    await asksEverything(asking, device);
  });

  it('asks its server over TCP', async () => {
    const device = new Device();
    const port = await freePort();
    const server = new PeerServer(
      {
        getCoil: (address: number) => device.coils[address]!,
        getDiscreteInput: (address: number) => device.coils[address]!,
        getHoldingRegister: (address: number) => device.registers[address]!,
        getInputRegister: (address: number) => device.registers[address]!,
        setCoil: (address: number, value: boolean) => {
          device.coils[address] = value;
        },
        setRegister: (address: number, value: number) => {
          device.registers[address] = value;
        },
      },
      { host: HOST, port, unitID: 7 },
    );
    await once(server, 'initialized');
    open.push(() => new Promise((resolve) => server.close(resolve)));
    const socket = connect(port, HOST);
    open.push(async () => socket.destroy());
    await once(socket, 'connect');

    const exchanges = new TcpExchanges(1);
    const ask = async (request: ModbusRequest): Promise<ModbusResponse> => {
      const sent = exchanges.request(7, request);
      if (sent instanceof ModbusFault) throw new Error(sent.reason);
      socket.write(sent.adu);
      while (true) {
        const [chunk] = (await once(socket, 'data')) as [Buffer];
        for (const event of exchanges.receive(chunk)) {
          if (event instanceof ModbusFault || event.kind === 'late') throw new Error('no answer');
          return event.response;
        }
      }
    };
    expect(await ask({ function: 'read-coils', address: 10, quantity: 20 })).toEqual({
      function: 'read-coils',
      bits: packBits(device.coils.slice(10, 30)),
    });
    expect(await ask({ function: 'read-discrete-inputs', address: 0, quantity: 2_000 - 1_000 })).toMatchObject({
      bits: packBits(device.coils),
    });
    const registers = Buffer.from(device.registers.buffer, 200, 250).swap16();
    const expected = Buffer.from(registers);
    registers.swap16();
    expect(await ask({ function: 'read-holding-registers', address: 100, quantity: 125 })).toMatchObject({
      registers: expected,
    });
    expect(await ask({ function: 'read-input-registers', address: 5, quantity: 1 })).toMatchObject({
      registers: Buffer.of(0, 15),
    });
    await ask({ function: 'write-coil', address: 1, value: true });
    await ask({ function: 'write-register', address: 2, value: 0xbeef });
    await ask({
      function: 'write-coils',
      address: 20,
      quantity: 9,
      bits: packBits([true, false, true, true, false, false, false, false, true]),
    });
    await ask({ function: 'write-registers', address: 30, registers: Buffer.of(0, 1, 0, 2, 0, 3) });
    expect([device.coils[1], device.registers[2]]).toEqual([true, 0xbeef]);
    expect(device.coils.slice(20, 29)).toEqual([true, false, true, true, false, false, false, false, true]);
    expect([...device.registers.subarray(30, 33)]).toEqual([1, 2, 3]);
    // It does not know this function.
    expect(await ask({ function: 'diagnostics', subfunction: 0, data: Buffer.of(1, 2) })).toMatchObject({
      function: 'exception',
      of: 8,
      exception: 1,
    });
  });
});
