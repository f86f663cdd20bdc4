import { answerFault } from './answer.ts';
import { ModbusFault } from './fault.ts';
import type { ModbusRequest, ModbusResponse } from './message.ts';
import { encodeRequest } from './request.ts';
import { decodeResponse } from './response.ts';
import { encodeTcp, TcpDecoder, type TcpFrame } from './tcp.ts';

export interface TcpAnswer {
  readonly kind: 'answer';
  readonly transaction: number;
  readonly unit: number;
  readonly request: ModbusRequest;
  /** An exception too. */
  readonly response: ModbusResponse;
  /** The PDU as it came. */
  readonly pdu: Buffer;
}

/** The answer to a request that had been given up: it is nobody's value any more. */
export interface TcpLate {
  readonly kind: 'late';
  readonly transaction: number;
}

interface Open {
  readonly unit: number;
  readonly request: ModbusRequest;
  expired: boolean;
}

/**
 * A client's side of one TCP connection: gives requests their transaction ids, and responses the request that they answer.
 * A response that does not repeat transaction, unit and function of an open request, or brings another quantity than was
 * asked for, is a fault, and the last thing that comes: the connection must be closed (MODBUS Messaging on TCP/IP
 * V1.0b §4.4.2.3 only asks to drop it; a peer that mixes up answers is not to be believed afterwards). Never throws; has at most
 * `maxOpen` requests, those included that were given up and not answered. Knows no time: the owner calls `expire`.
 */
export class TcpExchanges {
  readonly #maxOpen: number;
  readonly #decoder = new TcpDecoder();
  readonly #open = new Map<number, Open>();
  #next = 1;
  #broken = false;

  constructor(maxOpen: number) {
    this.#maxOpen = maxOpen;
  }

  /** Whether a fault was told: the connection must be closed, nothing more comes. */
  get broken(): boolean {
    return this.#broken;
  }

  /** Requests that have no answer yet, given up or not. */
  get open(): number {
    return this.#open.size;
  }

  /**
   * The ADU to send for a request, and the transaction that its answer will have; modbus.busy where too many are open or
   * the connection is broken, or what is wrong with the request.
   */
  request(unit: number, request: ModbusRequest): { readonly transaction: number; readonly adu: Buffer } | ModbusFault {
    if (this.#broken || this.#open.size >= this.#maxOpen) {
      return new ModbusFault('modbus.busy', 'sending a request: too many are open on this connection');
    }
    if (!(Number.isInteger(unit) && unit >= 0 && unit <= 0xff)) {
      return new ModbusFault('modbus.bad-unit', 'sending a request: the unit is not 0 to 255');
    }
    const pdu = encodeRequest(request);
    if (pdu instanceof ModbusFault) return pdu;
    while (this.#open.has(this.#next)) this.#advance();
    const transaction = this.#next;
    this.#advance();
    this.#open.set(transaction, { unit, request, expired: false });
    return { transaction, adu: encodeTcp(transaction, unit, pdu) };
  }

  /** Gives a request up: its answer will be `late`. It stays open until then. */
  expire(transaction: number): void {
    const open = this.#open.get(transaction);
    if (open) open.expired = true;
  }

  /** The answers that end in this chunk, and the fault if there is one. */
  receive(chunk: Buffer): (TcpAnswer | TcpLate | ModbusFault)[] {
    const events: (TcpAnswer | TcpLate | ModbusFault)[] = [];
    for (const frame of this.#decoder.decode(chunk)) {
      if (this.#broken) break;
      const event = frame instanceof ModbusFault ? frame : this.#answer(frame);
      events.push(event);
      if (event instanceof ModbusFault) this.#broken = true;
    }
    return events;
  }

  #answer({ transaction, unit, pdu }: TcpFrame): TcpAnswer | TcpLate | ModbusFault {
    const open = this.#open.get(transaction);
    if (open === undefined) {
      return new ModbusFault(
        'modbus.wrong-transaction',
        'receiving a response: no open request has its transaction id',
      );
    }
    if (open.unit !== unit) {
      return new ModbusFault('modbus.wrong-unit', 'receiving a response: it is from another unit than was asked');
    }
    const response = decodeResponse(pdu);
    if (response instanceof ModbusFault) return response;
    const fault = answerFault(open.request, response);
    if (fault) return fault;
    this.#open.delete(transaction);
    if (open.expired) return { kind: 'late', transaction };
    return { kind: 'answer', transaction, unit, request: open.request, response, pdu };
  }

  #advance(): void {
    this.#next = this.#next === 0xffff ? 0 : this.#next + 1;
  }
}
