import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { bitAt, packBits } from '../../../protocols/modbus/bits.ts';
import { ModbusFault } from '../../../protocols/modbus/fault.ts';
import { FUNCTION_CODES } from '../../../protocols/modbus/functions.ts';
import type { ModbusRequest, ModbusResponse } from '../../../protocols/modbus/message.ts';
import { decodeRequest } from '../../../protocols/modbus/request.ts';
import { encodeResponse } from '../../../protocols/modbus/response.ts';
import { encodeRtu, readRtu, rtuRequests } from '../../../protocols/modbus/rtu.ts';
import { encodeTcp, TcpDecoder } from '../../../protocols/modbus/tcp.ts';
import { FrameScanner } from '../../../protocols/serial-framing/scanner.ts';

export interface Asked {
  readonly unit: number;
  readonly request: ModbusRequest;
  /** On the clock of `performance.now()`. */
  readonly at: number;
  readonly socket: Socket;
  /** Sends bytes as they are. */
  raw(bytes: Uint8Array): void;
  /** Sends the answer, framed as the line does. */
  answer(response: ModbusResponse): void;
  /** What a healthy device answers. */
  usual(): ModbusResponse;
}

/**
 * Devices behind one TCP port, of Modbus TCP or, as behind a device server, of RTU. Each unit has 1,000 registers, whose numbers are
 * three times their addresses, and 1,000 coils. Tests take over with `behave`.
 */
export class SimulatedDevices implements AsyncDisposable {
  readonly registers = Uint16Array.from({ length: 1_000 }, (_, address) => address * 3);
  readonly coils = Array.from({ length: 1_000 }, (_, address) => address % 3 === 0);
  readonly asked: Asked[] = [];
  readonly sockets = new Set<Socket>();
  connections = 0;
  /** What becomes of a request; the usual answer unless a test says otherwise. */
  behave: (asked: Asked) => void = (asked) => asked.answer(asked.usual());
  readonly #kind: 'tcp' | 'rtu';
  #server: Server;
  #port = 0;

  private constructor(kind: 'tcp' | 'rtu') {
    this.#kind = kind;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async start(kind: 'tcp' | 'rtu' = 'tcp', port = 0): Promise<SimulatedDevices> {
    const devices = new SimulatedDevices(kind);
    devices.#port = port;
    await devices.listen();
    return devices;
  }

  get port(): number {
    return this.#port;
  }

  /** Listens on the same port again. */
  async listen(): Promise<void> {
    this.#server = createServer((socket) => this.#serve(socket));
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Ends every connection and takes no other. */
  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #serve(socket: Socket): void {
    this.connections += 1;
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => undefined);
    socket.setNoDelay(true);
    if (this.#kind === 'rtu') this.#serveRtu(socket);
    else this.#serveTcp(socket);
  }

  #serveTcp(socket: Socket): void {
    const decoder = new TcpDecoder();
    socket.on('data', (chunk: Buffer) => {
      for (const frame of decoder.decode(chunk)) {
        if (frame instanceof ModbusFault) return void socket.destroy();
        const { transaction, unit, pdu } = frame;
        this.#take(socket, unit, pdu, (response) => encodeTcp(transaction, unit, response));
      }
    });
  }

  #serveRtu(socket: Socket): void {
    const scanner = new FrameScanner(rtuRequests);
    socket.on('data', (chunk: Buffer) => {
      for (const found of scanner.decode(chunk)) {
        if (!Buffer.isBuffer(found)) continue;
        const { unit, pdu } = readRtu(found);
        this.#take(socket, unit, pdu, (response) => encodeRtu(unit, response));
      }
    });
  }

  #take(socket: Socket, unit: number, pdu: Buffer, framed: (pdu: Buffer) => Buffer): void {
    const request = decodeRequest(pdu);
    if (request instanceof ModbusFault) throw new Error(request.reason);
    const raw = (bytes: Uint8Array): void => {
      if (!socket.destroyed) socket.write(bytes);
    };
    const asked: Asked = {
      ...{ unit, request, at: performance.now(), socket, raw },
      answer: (response) => {
        const encoded = encodeResponse(response);
        if (encoded instanceof ModbusFault) throw new Error(encoded.reason);
        raw(framed(encoded));
      },
      usual: () => this.#usual(request),
    };
    this.asked.push(asked);
    this.behave(asked);
  }

  #usual(request: ModbusRequest): ModbusResponse {
    switch (request.function) {
      case 'read-coils':
      case 'read-discrete-inputs': {
        const { address, quantity } = request;
        return { function: request.function, bits: packBits(this.coils.slice(address, address + quantity)) };
      }
      case 'read-holding-registers':
      case 'read-input-registers': {
        const bytes = Buffer.alloc(2 * request.quantity);
        for (let index = 0; index < request.quantity; index++)
          bytes.writeUInt16BE(this.registers[request.address + index] ?? 0, 2 * index);
        return { function: request.function, registers: bytes };
      }
      case 'write-coil':
        this.coils[request.address] = request.value;
        return request;
      case 'write-register':
        this.registers[request.address] = request.value;
        return request;
      case 'write-coils':
        for (let index = 0; index < request.quantity; index++)
          this.coils[request.address + index] = bitAt(request.bits, index);
        return { function: request.function, address: request.address, quantity: request.quantity };
      case 'write-registers':
        for (let index = 0; index < request.registers.length / 2; index++)
          this.registers[request.address + index] = request.registers.readUInt16BE(2 * index);
        return { function: request.function, address: request.address, quantity: request.registers.length / 2 };
      default:
        return { function: 'exception', of: FUNCTION_CODES[request.function], exception: 1 };
    }
  }
}

export function exception({ request }: Asked, code: number): ModbusResponse {
  return { function: 'exception', of: FUNCTION_CODES[request.function], exception: code };
}
