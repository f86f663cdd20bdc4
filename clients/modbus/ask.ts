import { HubError } from '../../core/errors.ts';
import type { ModbusRequest, ModbusResponse } from '../../protocols/modbus/message.ts';

/** What became of a request. */
export type Answered =
  /** An exception is an answer, too. */
  | { readonly kind: 'answer'; readonly response: ModbusResponse }
  /** It went out, and nobody knows what became of it: no answer in time, the line was lost, or what came was no answer to it. */
  | { readonly kind: 'unanswered'; readonly error: HubError }
  /** It did not go out: the line is down, or there was no time left. */
  | { readonly kind: 'unsent'; readonly error: HubError };

/** A request that waits to be sent, or for its answer. */
export interface Ask {
  readonly unit: number;
  readonly request: ModbusRequest;
  readonly timeoutMs: number;
  /** On the monotonic clock: it is not sent later. */
  readonly notAfter: number;
  readonly settle: (answered: Answered) => void;
}

/** The requests that are under way on one open line. */
export interface Exchanges {
  /** Whether a request to this unit may go now. */
  isFree(unit: number): boolean;
  send(ask: Ask): void;
  /** The line is gone: nothing that is under way is answered any more. */
  end(error: HubError): void;
}

/** What exchanges tell the endpoint whose line they have. */
export interface Told {
  /** Something may be sent that could not go before. */
  free(): void;
  /** Bytes have come. */
  heard(): void;
  /** A request was not answered in time. */
  timedOut(): void;
  /** The line is of no use any more. */
  broken(error: HubError): void;
  count(name: string, by?: number): void;
}

/** About a line or a unit: it may pass by itself. */
export function modbusError(code: HubError['code'], message: string): HubError {
  return new HubError(code, 'transient', message, { scope: 'destination' });
}

export function unansweredInTime(where: string, { unit, timeoutMs }: Pick<Ask, 'unit' | 'timeoutMs'>): HubError {
  return modbusError('reply-timeout', `asking unit ${unit} at ${where}: no answer within ${timeoutMs} ms`);
}
