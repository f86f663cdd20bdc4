import { addressOf, type EndpointUser } from '../../clients/modbus/endpoint.ts';
import { sharedEndpoint } from '../../clients/modbus/shared-endpoints.ts';
import { modbusAddress } from '../../contracts/device-profile/modbus-address.ts';
import { devicesInUse } from '../../contracts/device-profile/profile-in-use.ts';
import type { ConnectionState } from '../../core/component.ts';
import type { Arrival } from '../../core/message.ts';
import type { Delivery, Intake, Life, Source, SourceContext } from '../../core/source.ts';
import { takenBy } from '../../core/source-loop.ts';
import { pauseFor, unlessAborted } from '../../core/until.ts';
import { DevicePoller } from './device-poller.ts';

export interface ModbusSourceOptions {
  readonly profile: string;
  readonly devices?: readonly string[] | undefined;
}

/** Throws HubError `config-invalid` where the profile is of other devices, or has none of those that are named. */
export function modbusSource(options: ModbusSourceOptions, context: SourceContext): Source {
  const { profile, devices } = devicesInUse(context, options.profile, ['modbus-tcp', 'modbus-rtu'], options.devices);
  return { run: (intake, life) => new Polling(profile.name, devices, context, intake, life).run() };
}

const firstStorePauseMs = 250;
const longestStorePauseMs = 30_000;

type Devices = ReturnType<typeof devicesInUse<'modbus-tcp' | 'modbus-rtu'>>['devices'];

class Polling {
  readonly #profile: string;
  readonly #devices: Devices;
  readonly #context: SourceContext;
  readonly #intake: Intake;
  readonly #halt: AbortSignal;
  readonly #refused = new AbortController();
  readonly #stop: AbortSignal;
  readonly #halted = Promise.withResolvers<undefined>();
  readonly #failed = Promise.withResolvers<never>();
  readonly #states = new Map<EndpointUser, ConnectionState>();
  #reported = '';
  #isStoreFull = false;

  constructor(profile: string, devices: Devices, context: SourceContext, intake: Intake, { drain, halt }: Life) {
    this.#profile = profile;
    this.#devices = devices;
    this.#context = context;
    this.#intake = intake;
    this.#halt = halt;
    this.#stop = AbortSignal.any([drain, halt, this.#refused.signal]);
  }

  async run(): Promise<void> {
    const halted = (): void => this.#halted.resolve(undefined);
    if (this.#halt.aborted) halted();
    else this.#halt.addEventListener('abort', halted, { once: true });
    this.#failed.promise.catch(() => undefined);
    const lines = Map.groupBy(this.#devices, ({ content }) => addressOf(modbusAddress(content)));
    const endpoints: ReturnType<typeof sharedEndpoint>[] = [];
    const pollers: DevicePoller[] = [];
    try {
      for (const devices of lines.values()) {
        const user = this.#user(Math.max(...devices.map(({ content }) => content.modbus.timeoutMs)));
        const shared = sharedEndpoint(modbusAddress(devices[0]!.content), user);
        endpoints.push(shared);
        pollers.push(...devices.map((device) => new DevicePoller(device, shared.endpoint, this.#pollerOptions())));
      }
      const start = this.#context.clock.monotonic();
      for (const poller of pollers) poller.start(start);
      await Promise.race([aborted(this.#stop), this.#failed.promise]);
      await Promise.race([Promise.all(pollers.map((poller) => poller.stop())), this.#halted.promise]);
    } finally {
      this.#refused.abort();
      for (const poller of pollers) void poller.stop();
      this.#halt.removeEventListener('abort', halted);
      await Promise.all(endpoints.map((shared) => shared[Symbol.asyncDispose]()));
      this.#context.report('stopped');
    }
  }

  #user(timeoutMs: number): EndpointUser {
    const { clock, random, log, count } = this.#context;
    const user: EndpointUser = {
      ...{ clock, random, log, timeoutMs },
      count: (name, by) => count(name, by),
      report: (state) => {
        this.#states.set(user, state);
        this.#report();
      },
    };
    return user;
  }

  #pollerOptions() {
    return {
      profile: this.#profile,
      context: this.#context,
      stop: this.#stop,
      store: (arrival: Arrival) => this.#store(arrival),
      pause: (ms: number) => this.#pause(ms),
      failed: (thrown: unknown) => this.#failed.reject(thrown),
    };
  }

  /** Whether it is durable now. While the store has no room it is tried again, and its group is not polled. */
  async #store(arrival: Arrival): Promise<boolean> {
    for (let failures = 0; !this.#halt.aborted; failures++) {
      if (failures > 0) {
        await this.#pause(Math.min(firstStorePauseMs * 2 ** Math.min(failures - 1, 10), longestStorePauseMs));
        if (this.#stop.aborted) return false;
      }
      const delivery = await this.#taken(arrival);
      if (!delivery) continue;
      const receipts = await unlessAborted(delivery.receipts('stored'), this.#halt);
      const receipt = receipts?.[0];
      if (!receipt || receipt.outcome.status === 'draining') return false;
      // What is stored is ours, even as an error; what is not has no id.
      if (receipt.outcome.status === 'error' && receipt.id === undefined) continue;
      this.#isStoreFull = false;
      return true;
    }
    return false;
  }

  #taken(arrival: Arrival): Promise<Delivery | undefined> {
    return takenBy(this.#intake, [arrival], this.#halt, {
      refused: () => this.#refused.abort(),
      full: (error) => {
        if (!this.#isStoreFull) this.#context.log.warn({ code: error.code }, error.message);
        this.#isStoreFull = true;
      },
    });
  }

  #pause(ms: number): Promise<void> {
    return pauseFor(this.#context.clock, ms, this.#stop);
  }

  #report(): void {
    const states = [...this.#states.values()];
    const connected = states.filter((state) => state === 'connected').length;
    const state = connected > 0 ? 'reading' : states.includes('retrying') ? 'retrying' : 'connecting';
    const reported = `${state} ${connected}`;
    if (reported === this.#reported) return;
    this.#reported = reported;
    this.#context.report(state, connected);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
