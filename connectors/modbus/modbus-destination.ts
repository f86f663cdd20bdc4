import { setTimeout as pause } from 'node:timers/promises';
import type { Answered } from '../../clients/modbus/ask.ts';
import { addressOf, type EndpointUser, type ModbusEndpoint } from '../../clients/modbus/endpoint.ts';
import { sharedEndpoint } from '../../clients/modbus/shared-endpoints.ts';
import { modbusAddress } from '../../contracts/device-profile/modbus-address.ts';
import { devicesInUse } from '../../contracts/device-profile/profile-in-use.ts';
import type { DeviceWrite } from '../../contracts/device-write.ts';
import type { Destination, DestinationContext, WriteContext, WriteOutcome } from '../../core/destination.ts';
import { asHubError, HubError } from '../../core/errors.ts';
import type { Outgoing } from '../../core/message.ts';
import { exceptionMeaning } from '../../protocols/modbus/exceptions.ts';
import type { ModbusRequest } from '../../protocols/modbus/message.ts';
import type { ModbusDestinationConfig } from './config.ts';
import { type ModbusDevice, type WriteRequest, writeRequest } from './write-request.ts';

/** A device may take a moment until it has what it confirmed. */
const readBackPauseMs = 100;
const READ_BACKS = 3;
/** A request that could not go for so long has not begun: it is tried again. */
const longestWaitMs = 10_000;
const busyAgainAfterMs = 1_000;
const unreachedAgainAfterMs = 5_000;

const sent: WriteOutcome = { status: 'sent' };
const untried: WriteOutcome = { status: 'untried' };

/** Writes the values of a batch, to several devices at the same time, to one of them in order. */
export class ModbusDestination implements Destination<DeviceWrite> {
  readonly #config: ModbusDestinationConfig;
  readonly #context: DestinationContext;
  readonly #devices: ReadonlyMap<string, ModbusDevice>;
  readonly #endpoints = new Map<string, ReturnType<typeof sharedEndpoint>>();

  /** Throws HubError `config-invalid` where the profile is of other devices, or has none of those that are named. */
  constructor(config: ModbusDestinationConfig, context: DestinationContext) {
    this.#config = config;
    this.#context = context;
    const { devices } = devicesInUse(context, config.profile, ['modbus-tcp', 'modbus-rtu'], config.devices);
    this.#devices = new Map(devices.map((device) => [device.id, device]));
    context.report('idle');
  }

  async write(batch: readonly Outgoing<DeviceWrite>[], context: WriteContext): Promise<readonly WriteOutcome[]> {
    if (context.signal.aborted || performance.now() > context.notAfter) return batch.map(() => untried);
    const byDevice = Map.groupBy(batch, ({ payload }) => payload.device);
    const outcomes = new Map<Outgoing<DeviceWrite>, WriteOutcome>();
    await Promise.all(
      [...byDevice.values()].map(async (writes) => {
        for (const each of writes) outcomes.set(each, await this.#write(each.payload, context));
      }),
    );
    const result = batch.map((each) => outcomes.get(each) ?? untried);
    this.#context.count('modbus_written_total', result.filter(({ status }) => status === 'sent').length);
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#endpoints.values()].map((shared) => shared[Symbol.asyncDispose]()));
    this.#endpoints.clear();
    this.#context.report('stopped');
  }

  async #write(write: DeviceWrite, context: WriteContext): Promise<WriteOutcome> {
    if (context.signal.aborted || performance.now() > context.notAfter) return untried;
    const { device: id, validUntil } = write;
    const device = this.#devices.get(id);
    if (!device) return refusal('writing to a device: the profile has no such device');
    if (validUntil !== undefined && Date.parse(validUntil) <= this.#context.clock.now())
      return refusal(`writing to ${id}: its validUntil is over`);
    const made = writeRequest(device, write, this.#config.function === 'multiple');
    if (typeof made === 'string') return refusal(`writing to ${id}: ${made}`);
    let endpoint: ModbusEndpoint;
    try {
      endpoint = this.#endpointOf(device);
    } catch (thrown) {
      return { status: 'error', error: asHubError(thrown, 'config-invalid', `writing to ${id}`, 'transient') };
    }
    const answered = await this.#ask(endpoint, device, made.request, context);
    const outcome = outcomeOf(answered, `writing to ${id}`);
    return outcome === sent && this.#config.readBack ? this.#hasIt(endpoint, device, made, context) : outcome;
  }

  /** Whether the device has the value now. */
  async #hasIt(
    endpoint: ModbusEndpoint,
    device: ModbusDevice,
    { readBack, expected }: WriteRequest,
    context: WriteContext,
  ): Promise<WriteOutcome> {
    const doing = `reading back from ${device.id}`;
    for (let times = 1; ; times++) {
      const answered = await this.#ask(endpoint, device, readBack, context);
      if (answered.kind !== 'answer') return { status: 'uncertain', error: answered.error };
      const { response } = answered;
      if (response.function === 'exception') return outcomeOf(answered, doing);
      const bytes = 'bits' in response ? response.bits : 'registers' in response ? response.registers : Buffer.alloc(0);
      if (bytes.equals(expected)) return sent;
      if (times >= READ_BACKS || context.signal.aborted)
        return failure('write-failed', 'transient', `${doing}: it has another value than was written`);
      await pause(readBackPauseMs);
    }
  }

  async #ask(
    endpoint: ModbusEndpoint,
    { id, content }: ModbusDevice,
    request: ModbusRequest,
    { signal, notAfter }: WriteContext,
  ): Promise<Answered> {
    const now = this.#context.clock.monotonic();
    const given = Promise.withResolvers<Answered>();
    const error = new HubError('reply-timeout', 'transient', `writing to ${id}: given up before it was confirmed`);
    const giveUp = (): void => given.resolve({ kind: 'unanswered', error });
    signal.addEventListener('abort', giveUp, { once: true });
    const { unit, timeoutMs } = content.modbus;
    const asked = endpoint.ask(unit, request, {
      timeoutMs,
      notAfter: now + Math.min(notAfter - performance.now(), longestWaitMs),
    });
    try {
      return await Promise.race([asked, given.promise]);
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  /** Opened with the first write, and kept. */
  #endpointOf({ content }: ModbusDevice): ModbusEndpoint {
    const address = modbusAddress(content);
    const key = addressOf(address);
    const known = this.#endpoints.get(key);
    if (known) return known.endpoint;
    const { clock, random, log, count, report } = this.#context;
    const timeouts = [...this.#devices.values()]
      .filter((each) => addressOf(modbusAddress(each.content)) === key)
      .map((each) => each.content.modbus.timeoutMs);
    const user: EndpointUser = {
      ...{ clock, random, log, timeoutMs: Math.max(...timeouts) },
      count: (name, by) => count(name, by),
      report: (state) => report(state),
    };
    const shared = sharedEndpoint(address, user);
    this.#endpoints.set(key, shared);
    return shared.endpoint;
  }
}

function outcomeOf(answered: Answered, doing: string): WriteOutcome {
  if (answered.kind === 'unanswered') {
    const { code, message, scope } = answered.error;
    // That one device does not answer says nothing of the others.
    const isLine = code === 'connection-lost';
    return {
      status: 'uncertain',
      error: new HubError(code, 'transient', message, { scope: isLine ? scope : 'message' }),
    };
  }
  if (answered.kind === 'unsent')
    return answered.error.code === 'reply-timeout' ? untried : { status: 'error', error: answered.error };
  const { response } = answered;
  if (response.function !== 'exception') return sent;
  const { name, kind } = exceptionMeaning(response.exception);
  const message = `${doing}: exception ${response.exception} (${name})`;
  switch (kind) {
    case 'configuration':
      return failure('reply-negative', 'permanent', message);
    case 'retry':
      return failure('reply-negative', 'transient', message, busyAgainAfterMs);
    case 'device':
    case 'unit':
      return failure('reply-negative', 'transient', message, unreachedAgainAfterMs);
    default:
      return kind satisfies never;
  }
}

function refusal(message: string): WriteOutcome {
  return failure('write-failed', 'permanent', message);
}

function failure(code: HubError['code'], kind: HubError['kind'], message: string, retryAfterMs?: number): WriteOutcome {
  return {
    status: 'error',
    error: new HubError(code, kind, message),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}
