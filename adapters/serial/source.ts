import type { DeviceArrival } from '../../contracts/device-arrival.ts';
import { devicesInUse } from '../../contracts/device-profile/profile-in-use.ts';
import type { ConnectionState } from '../../core/component.ts';
import type { Arrival } from '../../core/message.ts';
import type { Delivery, Intake, Life, Source, SourceContext } from '../../core/source.ts';
import { takenBy } from '../../core/source-loop.ts';
import { pauseFor, unlessAborted, until } from '../../core/until.ts';
import type { SerialSourceConfig } from './config.ts';
import { DeviceLine, type SerialDevice } from './device-line.ts';
import { type Batch, FrameQueue } from './frame-queue.ts';

const firstPauseMs = 250;
const longestPauseMs = 30_000;

/** Listens to the devices of a profile. */
export class SerialSource implements Source {
  readonly #config: SerialSourceConfig;
  readonly #context: SourceContext;
  readonly #profile: string;
  readonly #devices: readonly SerialDevice[];
  readonly #states = new Map<string, ConnectionState>();
  #reported = '';

  /** Throws HubError `config-invalid` where the profile is of other devices, or has none of those that are named. */
  constructor(config: SerialSourceConfig, context: SourceContext) {
    const { profile, devices } = devicesInUse(context, config.profile, ['nonin', 'text', 'binary'], config.devices);
    this.#config = config;
    this.#context = context;
    this.#profile = profile.name;
    this.#devices = devices;
  }

  async run(intake: Intake, life: Life): Promise<void> {
    // What the store refuses for good ends all of it: the runtime tells, and starts it again or not.
    const failed = new AbortController();
    const drain = AbortSignal.any([life.drain, failed.signal]);
    const listening = this.#devices.map((device) => this.#listen(device, intake, drain, life.halt, failed));
    await Promise.race([Promise.all(listening), until(life.halt)]);
    this.#context.report('stopped', 0);
    if (failed.signal.aborted && !life.drain.aborted) throw failed.signal.reason;
  }

  async #listen(
    device: SerialDevice,
    intake: Intake,
    drain: AbortSignal,
    halt: AbortSignal,
    failed: AbortController,
  ): Promise<void> {
    const { clock, count } = this.#context;
    const queue = new FrameQueue(this.#config.queueFrames, this.#config.batchFrames);
    const storing = new Storing(queue, intake, this.#context, halt, (batch) => this.#arrivalOf(device, batch));
    const push = (frame: Parameters<FrameQueue['push']>[0]): void => {
      const { dropped } = queue;
      queue.push(frame, clock.now());
      if (queue.dropped > dropped) count('serial_dropped_total', queue.dropped - dropped);
      storing.wake();
    };
    const line = new DeviceLine(device, this.#context, {
      frame: (bytes) => push({ kind: 'serial', bytes: bytes.toString('base64') }),
      status: push,
      report: (state) => this.#report(device.id, state),
    });
    const stored = storing.run(drain).catch((thrown: unknown) => failed.abort(thrown));
    await line.listen(AbortSignal.any([drain, halt, storing.over]));
    storing.end();
    await stored;
  }

  #arrivalOf({ id, route }: SerialDevice, { receivedAt, frames }: Batch): Arrival {
    const arrival: DeviceArrival = { arrival: 1, device: id, profile: this.#profile, receivedAt, frames: [...frames] };
    return {
      raw: Buffer.from(JSON.stringify(arrival)),
      key: route.key,
      meta: { 'device.id': id, 'device.profile': this.#profile },
    };
  }

  #report(id: string, state: ConnectionState): void {
    this.#states.set(id, state);
    const states = [...this.#states.values()];
    const open = states.filter((each) => each === 'connected').length;
    const worst = states.find((each) => each === 'retrying') ?? (open > 0 ? 'connected' : state);
    const shown = `${worst} ${open}`;
    if (shown === this.#reported || state === 'stopped') return;
    this.#reported = shown;
    this.#context.report(worst, open);
  }
}

/** Has what waits in a queue stored, in order, one arrival at a time: meanwhile the queue gathers, and drops. */
class Storing {
  readonly #queue: FrameQueue;
  readonly #intake: Intake;
  readonly #context: SourceContext;
  readonly #halt: AbortSignal;
  readonly #arrivalOf: (batch: Batch) => Arrival;
  readonly #over = new AbortController();
  #wake = Promise.withResolvers<void>();
  #isEnding = false;
  #isFull = false;

  constructor(
    queue: FrameQueue,
    intake: Intake,
    context: SourceContext,
    halt: AbortSignal,
    arrivalOf: (batch: Batch) => Arrival,
  ) {
    this.#queue = queue;
    this.#intake = intake;
    this.#context = context;
    this.#halt = halt;
    this.#arrivalOf = arrivalOf;
  }

  /** Aborts when the channel takes nothing any more. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  wake(): void {
    this.#wake.resolve();
  }

  /** Nothing more comes: `run` resolves when what waits is stored. */
  end(): void {
    this.#isEnding = true;
    this.wake();
  }

  /** Throws what the intake throws, where trying again does not help. */
  async run(drain: AbortSignal): Promise<void> {
    while (!this.#halt.aborted && !this.over.aborted) {
      const batch = this.#queue.take();
      if (batch) await this.#store(this.#arrivalOf(batch), drain);
      else if (this.#isEnding) return;
      else {
        await unlessAborted(this.#wake.promise, this.#halt);
        this.#wake = Promise.withResolvers();
      }
    }
  }

  async #store(arrival: Arrival, drain: AbortSignal): Promise<void> {
    for (let failures = 0; !this.#halt.aborted && !this.over.aborted; failures++) {
      if (failures > 0) {
        // At the end nobody waits for a store that has no room.
        if (drain.aborted) return this.#context.count('serial_unstored_total');
        const pauseMs = Math.min(firstPauseMs * 2 ** Math.min(failures - 1, 10), longestPauseMs);
        await pauseFor(this.#context.clock, pauseMs, AbortSignal.any([drain, this.#halt]));
      }
      const delivery = await this.#taken(arrival);
      if (!delivery) continue;
      // What was handed over at the end is the channel's: nobody waits for its receipt.
      const receipts = await unlessAborted(delivery.receipts('stored'), AbortSignal.any([drain, this.#halt]));
      const receipt = receipts?.[0];
      // What is stored is ours, even as an error; what is not has no id.
      if (receipt?.outcome.status === 'error' && receipt.id === undefined) continue;
      this.#isFull = false;
      return;
    }
  }

  #taken(arrival: Arrival): Promise<Delivery | undefined> {
    return takenBy(this.#intake, [arrival], this.#halt, {
      refused: () => this.#over.abort(),
      full: (error) => {
        if (!this.#isFull) this.#context.log.warn({ code: error.code }, error.message);
        this.#isFull = true;
      },
    });
  }
}
