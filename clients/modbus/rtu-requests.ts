import type { Clock } from '../../core/component.ts';
import { HubError } from '../../core/errors.ts';
import { ModbusFault } from '../../protocols/modbus/fault.ts';
import { RtuExchange, type RtuLine } from '../../protocols/modbus/rtu-exchange.ts';
import type { Line } from '../serial-port/line.ts';
import { afterReading } from './after-reading.ts';
import { type Ask, type Exchanges, modbusError, type Told, unansweredInTime } from './ask.ts';

/**
 * Requests over a serial line: one at a time. After one that was not answered nothing goes until the line has been quiet long enough,
 * so that no late answer is taken for the next one's.
 */
export class RtuRequests implements Exchanges {
  readonly #line: Line;
  readonly #clock: Clock;
  readonly #told: Told;
  readonly #exchange: RtuExchange;
  #pending: Ask | undefined;
  #discarded = 0;
  #cancel: () => void = () => undefined;

  /** @param settings its timeout is read anew for each request */
  constructor(line: Line, settings: RtuLine, clock: Clock, told: Told) {
    this.#line = line;
    this.#clock = clock;
    this.#told = told;
    this.#exchange = new RtuExchange(settings);
    line.read((chunk) => this.#receive(chunk));
  }

  isFree(): boolean {
    if (this.#pending) return false;
    const wait = this.#exchange.readyAt - this.#clock.monotonic();
    if (wait <= 0) return true;
    this.#after(wait, () => this.#told.free());
    return false;
  }

  send(ask: Ask): void {
    const now = this.#clock.monotonic();
    const adu = this.#exchange.request(ask.unit, ask.request, now);
    if (adu instanceof ModbusFault) {
      const message = `asking unit ${ask.unit} at ${this.#line.where}: ${adu.reason}`;
      const error =
        adu.code === 'modbus.busy'
          ? modbusError('refused', message)
          : new HubError('config-invalid', 'permanent', message);
      ask.settle({ kind: 'unsent', error });
      return;
    }
    this.#pending = ask;
    this.#line.write(adu);
    this.#tickLater();
  }

  end(error: HubError): void {
    this.#cancel();
    this.#take()?.settle({ kind: 'unanswered', error });
  }

  #receive(chunk: Buffer): void {
    this.#told.heard();
    this.#events(this.#exchange.receive(chunk, this.#clock.monotonic()));
    const { discarded } = this.#exchange;
    if (discarded > this.#discarded) {
      this.#told.count('modbus_discarded_bytes_total', discarded - this.#discarded);
      this.#discarded = discarded;
    }
  }

  #tickLater(): void {
    const { deadline } = this.#exchange;
    if (deadline === undefined) return;
    this.#after(deadline - this.#clock.monotonic(), () => {
      this.#events(this.#exchange.tick(this.#clock.monotonic()));
      // A timer may be early by a fraction of a millisecond.
      this.#tickLater();
    });
  }

  #events(events: ReturnType<RtuExchange['tick']>): void {
    for (const event of events) {
      switch (event.kind) {
        case 'noise':
          this.#told.count('modbus_noise_total');
          break;
        case 'answer':
          this.#cancel();
          this.#take()?.settle({ kind: 'answer', response: event.response });
          this.#told.free();
          break;
        case 'timeout': {
          const ask = this.#take();
          ask?.settle({ kind: 'unanswered', error: unansweredInTime(this.#line.where, ask) });
          this.#told.timedOut();
          this.#told.free();
          break;
        }
        case 'refused': {
          this.#cancel();
          this.#told.count('modbus_faults_total');
          const message = `asking unit ${event.unit} at ${this.#line.where}: ${event.fault.reason}`;
          this.#take()?.settle({ kind: 'unanswered', error: modbusError('reply-invalid', message) });
          this.#told.free();
          break;
        }
        default:
          event satisfies never;
      }
    }
  }

  #take(): Ask | undefined {
    const ask = this.#pending;
    this.#pending = undefined;
    return ask;
  }

  #after(ms: number, due: () => void): void {
    this.#cancel();
    this.#cancel = afterReading(this.#clock, Math.max(1, Math.ceil(ms)), due);
  }
}
