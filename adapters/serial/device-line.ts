import { keepOpen } from '../../clients/serial-port/keep-open.ts';
import { type Line, lineError } from '../../clients/serial-port/line.ts';
import { deviceServer, openLine } from '../../clients/serial-port/open-line.ts';
import type { DeviceStatus } from '../../contracts/device-arrival.ts';
import type { DeviceOf } from '../../contracts/device-profile/profile-in-use.ts';
import type { ConnectionState } from '../../core/component.ts';
import type { SourceContext } from '../../core/source.ts';
import { until } from '../../core/until.ts';
import { type Scanned, SerialFault } from '../../protocols/serial-framing/fault.ts';
import { framerOf } from './framer.ts';

export type SerialDevice = DeviceOf<'nonin' | 'text' | 'binary'>;

export interface LineListener {
  frame(bytes: Buffer): void;
  status(status: DeviceStatus): void;
  report(state: ConnectionState): void;
}

const connectMs = 10_000;
/** No device pauses so long inside of a frame; a device server gathers bytes, and the network is on the way. */
const gapMs = 200;
const serverGapMs = 1_000;
/** A timer may be due before what has come meanwhile is read. */
const secondLookMs = 50;

/** The line of one device, opened again whenever it is lost or silent, and what comes over it as frames. */
export class DeviceLine {
  readonly #device: SerialDevice;
  readonly #context: SourceContext;
  readonly #listener: LineListener;
  readonly #gapMs: number;
  #state: DeviceStatus['state'] = 'answering';
  #frameAt: number;
  #heardAt: number;
  /** Bytes that came since the last frame and are none. */
  #garbage = 0;

  constructor(device: SerialDevice, context: SourceContext, listener: LineListener) {
    this.#device = device;
    this.#context = context;
    this.#listener = listener;
    this.#gapMs = deviceServer(device.content.serial.path) ? serverGapMs : gapMs;
    this.#frameAt = this.#heardAt = context.clock.monotonic();
  }

  /** Listens until `signal` aborts; resolves when the port is closed. */
  async listen(signal: AbortSignal): Promise<void> {
    const { clock, random, log } = this.#context;
    const { id, content } = this.#device;
    const { path } = content.serial;
    const cancel = this.#watch();
    await keepOpen({
      ...{ clock, random, signal },
      ...(!deviceServer(path) && { path }),
      open: (stop) => openLine(content.serial, { clock, timeoutMs: connectMs, signal: stop }),
      use: (line) => this.#use(line, signal),
      report: (state) => this.#listener.report(state),
      failed: (error) => log.warn({ device: id, code: error.code }, error.message),
    });
    cancel();
  }

  async #use(line: Line, signal: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    const { framing, silenceMs } = this.#device.content.serial;
    const framer = framerOf(framing);
    this.#heardAt = clock.monotonic();
    let counted = 0;
    let cancelGap: () => void = () => undefined;
    let isWaiting = false;
    const take = (scanned: readonly Scanned[]): void => {
      this.#take(scanned, framer.discarded - counted);
      counted = framer.discarded;
    };
    const gap = (afterMs: number): void => {
      isWaiting = true;
      cancelGap = clock.timer(afterMs, () => {
        const left = this.#heardAt + this.#gapMs + secondLookMs - clock.monotonic();
        if (left > 0) return gap(left);
        isWaiting = false;
        take(framer.silence());
      });
    };
    // The watchdog does not wait for the driver to say that the line is down: many never do.
    const watch = (afterMs: number): (() => void) => {
      let cancel = clock.timer(afterMs, () => {
        const left = this.#heardAt + silenceMs - clock.monotonic();
        if (left > 0) cancel = watch(left);
        else
          line.destroy(lineError('reply-timeout', `reading from ${line.where}: nothing has come for ${silenceMs} ms`));
      });
      return () => cancel();
    };
    const unwatch = watch(silenceMs);
    line.read((chunk) => {
      this.#heardAt = clock.monotonic();
      take(framer.decode(chunk));
      if (!isWaiting) gap(this.#gapMs);
    });
    await until(line.lost, signal);
    cancelGap();
    unwatch();
    take(framer.silence());
  }

  #take(scanned: readonly Scanned[], discarded: number): void {
    const { count, clock } = this.#context;
    let lost = discarded;
    for (const each of scanned) {
      if (each instanceof SerialFault) {
        lost += each.content.length;
        count('serial_faults_total');
        continue;
      }
      this.#frameAt = clock.monotonic();
      this.#garbage = 0;
      if (this.#state !== 'answering') this.#tell('answering', 'frames come again');
      count('serial_frames_total');
      this.#listener.frame(each);
    }
    if (lost === 0) return;
    this.#garbage += lost;
    count('serial_discarded_bytes_total', lost);
  }

  /** Looks again and again whether frames come, whatever the port says. */
  #watch(): () => void {
    const { clock } = this.#context;
    const { silenceMs } = this.#device.content.serial;
    let cancel: () => void = () => undefined;
    const look = (afterMs: number): void => {
      cancel = clock.timer(afterMs, () => {
        const left = this.#frameAt + silenceMs - clock.monotonic();
        if (left > 0) return look(left);
        this.#judge(silenceMs);
        look(silenceMs);
      });
    };
    look(silenceMs);
    return () => cancel();
  }

  #judge(silenceMs: number): void {
    const isTalking = this.#garbage > 0 && this.#context.clock.monotonic() - this.#heardAt < silenceMs;
    if (isTalking)
      this.#tell('faulty', 'bytes come, but no frame: baud, dataBits, parity or stopBits, or the framing, is another');
    else this.#tell('silent', `no frame within ${silenceMs} ms`);
  }

  #tell(state: DeviceStatus['state'], reason: string): void {
    if (state === this.#state) return;
    this.#state = state;
    const { id } = this.#device;
    this.#context.log[state === 'answering' ? 'info' : 'warn']({ device: id, state }, `listening to ${id}: ${reason}`);
    this.#listener.status({ kind: 'status', state, reason });
  }
}
