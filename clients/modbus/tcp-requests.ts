import type { Clock } from '../../core/component.ts';
import { HubError } from '../../core/errors.ts';
import { ModbusFault } from '../../protocols/modbus/fault.ts';
import { TcpExchanges } from '../../protocols/modbus/tcp-exchanges.ts';
import type { Line } from '../serial-port/line.ts';
import { afterReading } from './after-reading.ts';
import { type Ask, type Exchanges, modbusError, type Told, unansweredInTime } from './ask.ts';

/** So many requests that were given up and never answered are kept in mind; then the connection is made anew. */
const GIVEN_UP = 64;

interface Open {
  readonly ask: Ask;
  readonly deadline: number;
}

/**
 * Requests over a connection of Modbus TCP: one to each unit at a time, and `maxOpen` of them together. What is no answer to a request
 * ends the connection.
 */
export class TcpRequests implements Exchanges {
  readonly #line: Line;
  readonly #maxOpen: number;
  readonly #clock: Clock;
  readonly #told: Told;
  readonly #exchanges: TcpExchanges;
  readonly #open = new Map<number, Open>();
  readonly #units = new Set<number>();
  /** Too many were given up on this connection: it takes no others, and ends behind those that are under way. */
  #wornOut = false;
  /** When the next deadline is looked at; later ones do not move it. */
  #wakeAt = Number.POSITIVE_INFINITY;
  #cancelWake: () => void = () => undefined;

  constructor(line: Line, maxOpen: number, clock: Clock, told: Told) {
    this.#line = line;
    this.#maxOpen = maxOpen;
    this.#clock = clock;
    this.#told = told;
    this.#exchanges = new TcpExchanges(maxOpen + GIVEN_UP);
    line.read((chunk) => this.#receive(chunk));
  }

  isFree(unit: number): boolean {
    if (this.#exchanges.open >= this.#maxOpen + GIVEN_UP) {
      this.#wornOut = true;
      this.#breakIfWornOut();
    }
    return !this.#wornOut && this.#open.size < this.#maxOpen && !this.#units.has(unit);
  }

  send(ask: Ask): void {
    const { unit, request, timeoutMs, settle } = ask;
    const made = this.#exchanges.request(unit, request);
    if (made instanceof ModbusFault) {
      const message = `asking unit ${unit} at ${this.#line.where}: ${made.reason}`;
      const isBusy = made.code === 'modbus.busy';
      settle({
        kind: 'unsent',
        error: isBusy ? modbusError('refused', message) : new HubError('config-invalid', 'permanent', message),
      });
      return;
    }
    const deadline = this.#clock.monotonic() + timeoutMs;
    this.#open.set(made.transaction, { ask, deadline });
    this.#units.add(unit);
    this.#line.write(made.adu);
    if (deadline < this.#wakeAt) this.#wake(deadline, timeoutMs);
  }

  end(error: HubError): void {
    this.#cancelWake();
    const open = [...this.#open.values()];
    this.#open.clear();
    this.#units.clear();
    for (const { ask } of open) ask.settle({ kind: 'unanswered', error });
  }

  #receive(chunk: Buffer): void {
    this.#told.heard();
    for (const event of this.#exchanges.receive(chunk)) {
      if (event instanceof ModbusFault) {
        this.#told.count('modbus_faults_total');
        this.#told.broken(modbusError('reply-invalid', `reading from ${this.#line.where}: ${event.reason}`));
        return;
      }
      if (event.kind === 'late') {
        this.#told.count('modbus_late_answers_total');
        continue;
      }
      const open = this.#open.get(event.transaction);
      if (!open) continue;
      this.#forget(event.transaction, open);
      open.ask.settle({ kind: 'answer', response: event.response });
    }
    this.#told.free();
  }

  #forget(transaction: number, { ask }: Open): void {
    this.#open.delete(transaction);
    this.#units.delete(ask.unit);
    this.#breakIfWornOut();
  }

  #breakIfWornOut(): void {
    if (!this.#wornOut || this.#open.size > 0) return;
    const what = 'too many questions were not answered: connecting anew';
    this.#told.broken(modbusError('connection-lost', `connected to ${this.#line.where}: ${what}`));
  }

  #wake(at: number, afterMs: number): void {
    this.#cancelWake();
    this.#wakeAt = at;
    this.#cancelWake = afterReading(this.#clock, Math.ceil(afterMs), () => this.#expire());
  }

  #expire(): void {
    this.#wakeAt = Number.POSITIVE_INFINITY;
    const now = this.#clock.monotonic();
    let next = Number.POSITIVE_INFINITY;
    for (const [transaction, open] of this.#open) {
      if (open.deadline > now) {
        next = Math.min(next, open.deadline);
        continue;
      }
      this.#exchanges.expire(transaction);
      this.#forget(transaction, open);
      open.ask.settle({ kind: 'unanswered', error: unansweredInTime(this.#line.where, open.ask) });
      this.#told.timedOut();
    }
    if (this.#line.lost.aborted) return;
    if (next < Number.POSITIVE_INFINITY) this.#wake(next, next - now);
    this.#told.free();
  }
}
