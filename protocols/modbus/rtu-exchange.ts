import { SerialFault } from '../serial-framing/fault.ts';
import { FrameScanner } from '../serial-framing/scanner.ts';
import { answerFault } from './answer.ts';
import { ModbusFault } from './fault.ts';
import type { ModbusRequest, ModbusResponse } from './message.ts';
import { encodeRequest } from './request.ts';
import { decodeResponse } from './response.ts';
import { encodeRtu, RTU_MAX_BYTES, RTU_UNITS, readRtu, responseLength, rtuResponseTo } from './rtu.ts';
import { RTU_BITS, rtuTiming, transmissionUs } from './rtu-timing.ts';

export interface RtuLine {
  readonly baud: number;
  /** 11 where it is left out. */
  readonly bitsPerCharacter?: number;
  /** How long a unit may think, from the end of the request to the beginning of its response. */
  readonly responseTimeoutMs: number;
  /** How long the line stays quiet after a request to all units (unit 0), which nobody answers; 100 to 200 is usual. */
  readonly turnaroundMs: number;
}

export type RtuEvent =
  | {
      readonly kind: 'answer';
      readonly unit: number;
      readonly request: ModbusRequest;
      /** An exception too. */
      readonly response: ModbusResponse;
      /** The ADU as it came. */
      readonly raw: Buffer;
    }
  /** Nothing came in time that answers the request; the line stays quiet until `readyAt`. */
  | { readonly kind: 'timeout'; readonly unit: number; readonly request: ModbusRequest }
  /** A frame came that is right but does not answer the request; the line stays quiet until `readyAt`. */
  | { readonly kind: 'refused'; readonly unit: number; readonly request: ModbusRequest; readonly fault: ModbusFault }
  /** Bytes came that are no frame; the request goes on. */
  | { readonly kind: 'noise'; readonly fault: SerialFault };

/**
 * A client's side of one serial line: one request at a time, and no late answer taken for the next one's. After a time-out
 * whatever still comes is thrown away, and nothing is sent until the line has been quiet for the response timeout and for
 * 3.5 characters since the last byte. Has no clock: `now` is in milliseconds of any steady one. Never throws; holds at most two frames.
 */
export class RtuExchange {
  readonly #line: RtuLine;
  readonly #silenceMs: number;
  #pending: { unit: number; request: ModbusRequest; scanner: FrameScanner; deadline: number } | undefined;
  #readyAt = Number.NEGATIVE_INFINITY;
  #discarded = 0;

  constructor(line: RtuLine) {
    this.#line = line;
    this.#silenceMs = rtuTiming(line.baud, line.bitsPerCharacter ?? RTU_BITS).betweenFramesUs / 1_000;
  }

  /** When the pending request times out: `tick` is to be called then. undefined where there is none. */
  get deadline(): number | undefined {
    return this.#pending?.deadline;
  }

  /** From when on a request may be sent, where none is pending; may move while bytes come in. */
  get readyAt(): number {
    return this.#readyAt;
  }

  /** Bytes that came while nothing was asked and were thrown away. */
  get discarded(): number {
    return this.#discarded;
  }

  /**
   * The ADU to send now; modbus.busy where a request is pending or the line has to stay quiet until `readyAt`. A request
   * to unit 0 has no answer and is not pending; it must be one that writes.
   */
  request(unit: number, request: ModbusRequest, now: number): Buffer | ModbusFault {
    if (this.#pending || now < this.#readyAt) {
      return new ModbusFault('modbus.busy', 'sending a request: the line is not free');
    }
    if (!(Number.isInteger(unit) && unit >= 0 && unit <= RTU_UNITS) || (unit === 0 && !canBroadcast(request))) {
      return new ModbusFault(
        'modbus.bad-unit',
        `sending a request: the unit is not 1 to ${RTU_UNITS}, or 0 for a write`,
      );
    }
    const pdu = encodeRequest(request);
    if (pdu instanceof ModbusFault) return pdu;
    const adu = encodeRtu(unit, pdu);
    const sentAt = now + this.#transmissionMs(adu.length);
    if (unit === 0) {
      this.#readyAt = sentAt + Math.max(this.#line.turnaroundMs, this.#silenceMs);
      return adu;
    }
    const scanner = new FrameScanner(rtuResponseTo(unit, request));
    const responseMs = this.#transmissionMs(responseLength(request) ?? RTU_MAX_BYTES);
    this.#pending = { unit, request, scanner, deadline: sentAt + this.#line.responseTimeoutMs + responseMs };
    return adu;
  }

  /** What has come in by `now`. */
  receive(chunk: Buffer, now: number): RtuEvent[] {
    const pending = this.#pending;
    if (!pending) {
      this.#discarded += chunk.length;
      this.#readyAt = Math.max(this.#readyAt, now + this.#silenceMs);
      return [];
    }
    const events: RtuEvent[] = [];
    for (const found of pending.scanner.decode(chunk)) {
      if (found instanceof SerialFault) {
        events.push({ kind: 'noise', fault: found });
        continue;
      }
      this.#discarded += pending.scanner.buffered;
      events.push(this.#settle(found, now));
      return events;
    }
    // Only now: an answer that came in time but was read late is still this request's.
    events.push(...this.tick(now));
    return events;
  }

  /** What has happened by `now` without anything coming in: a time-out, and what became no frame until then. */
  tick(now: number): RtuEvent[] {
    const pending = this.#pending;
    if (!pending || now < pending.deadline) return [];
    const events: RtuEvent[] = [];
    for (const found of pending.scanner.silence()) {
      if (!(found instanceof SerialFault)) return [...events, this.#settle(found, now)];
      events.push({ kind: 'noise', fault: found });
    }
    const { unit, request } = pending;
    this.#stayQuiet(now);
    return [...events, { kind: 'timeout', unit, request }];
  }

  #settle(frame: Buffer, now: number): RtuEvent {
    const { unit, request } = this.#pending!;
    const response = decodeResponse(readRtu(frame).pdu);
    const fault = response instanceof ModbusFault ? undefined : answerFault(request, response);
    if (response instanceof ModbusFault || fault) {
      this.#stayQuiet(now);
      return { kind: 'refused', unit, request, fault: response instanceof ModbusFault ? response : fault! };
    }
    this.#pending = undefined;
    this.#readyAt = now + this.#silenceMs;
    return { kind: 'answer', unit, request, response, raw: frame };
  }

  #stayQuiet(now: number): void {
    this.#pending = undefined;
    this.#readyAt = now + Math.max(this.#line.responseTimeoutMs, this.#silenceMs);
  }

  #transmissionMs(bytes: number): number {
    return transmissionUs(bytes, this.#line.baud, this.#line.bitsPerCharacter ?? RTU_BITS) / 1_000;
  }
}

/** Requests that all units carry out without an answer (MODBUS over Serial Line V1.02 §2.1). */
function canBroadcast(request: ModbusRequest): boolean {
  switch (request.function) {
    case 'write-coil':
    case 'write-register':
    case 'write-coils':
    case 'write-registers':
    case 'mask-write-register':
    case 'write-file-records':
      return true;
    default:
      return false;
  }
}
