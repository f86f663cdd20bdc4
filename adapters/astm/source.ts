import type { Socket } from 'node:net';
import { linkOptions } from '../../clients/astm-link/config.ts';
import type { Decision, LinkDriver, Receiving } from '../../clients/astm-link/driver.ts';
import { type HeldLink, holdLink, socketLine } from '../../clients/astm-link/shared-link.ts';
import { dialectIn } from '../../contracts/device-profile/astm-keys.ts';
import { devicesInUse } from '../../contracts/device-profile/profile-in-use.ts';
import { asHubError, HubError } from '../../core/errors.ts';
import { FaultQuota } from '../../core/fault-quota.ts';
import { allowList } from '../../core/net/allow-list.ts';
import { TlsGate } from '../../core/net/tls-gate.ts';
import type { Receipt } from '../../core/outcome.ts';
import type { Intake, Life, Source, SourceContext } from '../../core/source.ts';
import { unlessAborted, until } from '../../core/until.ts';
import type { Dialect } from '../../protocols/astm/dialect.ts';
import { type AstmMessage, parse } from '../../protocols/astm/message.ts';
import { Answering } from './answering.ts';
import { type Analyzer, arrivalOf, faultOf } from './arrival.ts';
import type { AstmSourceConfig } from './config.ts';

/** While the store takes nothing, a message is refused only after this time: it would come again at once (rule 11). */
const refuseAfterMs = 1_000;

/** Receives from one analyzer. */
export class AstmSource implements Source {
  readonly #config: AstmSourceConfig;
  readonly #context: SourceContext;
  readonly #analyzer: Analyzer;
  readonly #answering: Answering;
  readonly #quota: FaultQuota;
  /** Messages that are being decided on or answered. */
  readonly #open = new Set<Promise<unknown>>();

  /** Throws HubError `config-invalid`. */
  constructor(config: AstmSourceConfig, context: SourceContext) {
    const { id, charset, dialect } = analyzerOf(config, context);
    this.#config = config;
    this.#context = context;
    this.#analyzer = { id, charset };
    this.#answering = new Answering(config, context, dialect, charset);
    this.#quota = new FaultQuota(config.faultsPerMinute, () => context.clock.monotonic());
  }

  async run(intake: Intake, life: Life): Promise<void> {
    const { log, report } = this.#context;
    const { endpoint } = this.#config;
    const options = linkOptions(this.#config.link);
    const held = holdLink(this.#config, this.#context, options, {
      report: (state) => report(state, state === 'connected' ? 1 : 0),
      failed: (error) => log.warn({ code: error.code }, error.message),
    });
    held.receive(this.#receiving(held, intake, life.halt), options);
    const listening = endpoint === undefined ? undefined : await this.#listen(endpoint, held, life);
    await until(life.drain, life.halt);
    listening?.[Symbol.dispose]();
    held.receive(undefined);
    while (this.#open.size > 0 && !life.halt.aborted) await Promise.race([...this.#open, until(life.halt)]);
    await Promise.race([held.driver?.decided, until(life.halt)]);
    const released = held[Symbol.asyncDispose]();
    await Promise.race([released, until(life.halt)]);
    report('stopped', 0);
  }

  #receiving(held: HeldLink, intake: Intake, halt: AbortSignal): Receiving {
    const { count } = this.#context;
    return {
      message: (content) => this.#tracked(this.#take(content, held.driver, intake, halt)),
      incomplete: (code, content) => {
        count('astm_incomplete_total');
        if (this.#quota.take()) void this.#tracked(this.#keep(code, content, held.driver?.where ?? '', intake, halt));
        else count('astm_faults_unkept_total');
      },
      fault: (code) => {
        count('astm_faults_total');
        if (code === 'astm.late-decision') count('astm_late_total');
      },
    };
  }

  /** Resolves with how the analyzer is answered; what it asks is answered after that. */
  async #take(raw: Buffer, driver: LinkDriver | undefined, intake: Intake, halt: AbortSignal): Promise<Decision> {
    const message = this.#read(raw);
    const arrival = arrivalOf(raw, message, this.#analyzer, driver?.where ?? '');
    const asked = this.#answering.isAsked(message);
    this.#context.count('astm_messages_total');
    try {
      const delivery = await intake.accept([arrival], halt);
      const { promise, resolve } = Promise.withResolvers<Receipt>();
      const settled = Promise.withResolvers<Receipt>();
      // An analyzer that asks waits for the answer, which comes after the acknowledgement: that is not held back by it.
      delivery.on(asked ? 'stored' : this.#context.ackAfter, (_, receipt) => resolve(receipt));
      if (asked && this.#config.queries === 'reply') delivery.on('settled', (_, receipt) => settled.resolve(receipt));
      const decision = await this.#decision(await unlessAborted(promise, halt));
      if (asked && driver && decision === 'accept')
        void this.#tracked(this.#answering.answer(message, driver, settled.promise, halt));
      return decision;
    } catch (thrown) {
      if (halt.aborted) return 'leave';
      const error = asHubError(thrown, 'store-failed', 'handing a message to the channel', 'transient');
      return this.#decision({ outcome: { status: 'error', error } });
    }
  }

  /** What the channel keeps as an error is acknowledged: an analyzer cannot mend it, and would send it again and again. */
  async #decision(receipt: Receipt | undefined): Promise<Decision> {
    if (!receipt || receipt.outcome.status === 'draining') return 'leave';
    const { outcome, id } = receipt;
    if (outcome.status !== 'error' || (id !== undefined && outcome.error.code !== 'cancelled')) return 'accept';
    if (outcome.error.code === 'draining') return 'leave';
    this.#context.count('astm_refused_total');
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#context.clock.timer(refuseAfterMs, resolve);
    await promise;
    cancel();
    return 'refuse';
  }

  async #keep(
    code: 'astm.incomplete' | 'astm.oversize',
    raw: Buffer,
    peer: string,
    intake: Intake,
    halt: AbortSignal,
  ): Promise<void> {
    try {
      await intake.accept([faultOf(code, raw, this.#analyzer, peer)], halt);
    } catch {
      this.#context.count('astm_faults_unkept_total');
    }
  }

  #read(raw: Buffer): AstmMessage | undefined {
    const { charset } = this.#analyzer;
    try {
      return parse(raw, charset === undefined ? {} : { charset });
    } catch {
      // The channel says what is wrong with it; here it has to be kept all the same.
      return undefined;
    }
  }

  async #tracked<T>(work: Promise<T>): Promise<T> {
    this.#open.add(work);
    try {
      return await work;
    } finally {
      this.#open.delete(work);
    }
  }

  async #listen(name: string, held: HeldLink, { drain }: Life): Promise<Disposable> {
    const context = this.#context;
    const endpoint = context.endpoint('tcp-listen', name);
    const allowed = allowList(endpoint.allow);
    const refuse = (socket: Socket): void => {
      context.count('astm_refused_connections_total');
      socket.on('error', () => undefined);
      socket.destroy();
    };
    const open = (socket: Socket): void => {
      const peer = socket.remoteAddress;
      if (peer === undefined || drain.aborted) {
        refuse(socket);
        return;
      }
      const line = socketLine(socket, peer, context.clock);
      if (held.adopt(line, peer)) return;
      // One analyzer has one line: where it is, results of another would pass for its own.
      line.destroy(new HubError('refused', 'transient', `connected to ${peer}: another analyzer is on this endpoint`));
      context.count('astm_refused_connections_total');
    };
    const gate = endpoint.tls && (await TlsGate.open(endpoint.tls, { context, counters: 'astm', admit: open }));
    const listener = await context.listen(name);
    const handling = listener.handle((socket) => {
      if (!allowed(socket.remoteAddress ?? '') || (gate?.shaking ?? 0) > mostShaking) refuse(socket);
      else if (gate) void gate.secure(socket);
      else open(socket);
    });
    return {
      [Symbol.dispose]: () => {
        handling[Symbol.dispose]();
        gate?.close();
      },
    };
  }
}

const mostShaking = 8;

function analyzerOf(
  { profile, device, charset }: AstmSourceConfig,
  context: SourceContext,
): Analyzer & { readonly dialect: Partial<Dialect> } {
  if (profile === undefined) return { id: device ?? context.channel, charset, dialect: {} };
  const { devices } = devicesInUse(context, profile, ['astm'], device === undefined ? undefined : [device]);
  const [only, ...others] = devices;
  if (!only || others.length > 0)
    throw new HubError(
      'config-invalid',
      'permanent',
      `starting ${context.channel}: profile ${profile} has several devices: device says which one it is`,
    );
  return { id: only.id, charset: only.content.astm.charset ?? charset, dialect: dialectIn(only.content.astm) };
}
