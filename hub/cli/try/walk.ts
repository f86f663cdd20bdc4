import { messageArrival } from '../../../adapters/mllp/message-arrival.ts';
import type { MllpDestinationConfig } from '../../../connectors/mllp/config.ts';
import { prepare } from '../../../connectors/mllp/prepared.ts';
import type { DestinationDefinition, Erased, StepDefinition } from '../../../core/channel.ts';
import type { LoadedChannel } from '../../../core/config/channels-folder.ts';
import type { Registry } from '../../../core/config/registry.ts';
import type { Place } from '../../../core/config/yaml-file.ts';
import { asHubError, type ErrorRecord, errorRecord, HubError } from '../../../core/errors.ts';
import type { Format } from '../../../core/format.ts';
import type { Outgoing } from '../../../core/message.ts';
import { compile, route } from '../../../core/runtime/compile.ts';
import type { RunnableStep } from '../../../core/runtime/runnable-step.ts';
import { OutgoingMessage, Slot, StepMessage } from '../../../core/runtime/slot.ts';
import type { TableSet } from '../../../core/tables/table-set.ts';
import { isMany } from '../../../core/transform.ts';
import { readHeader } from '../../../protocols/hl7v2/header.ts';
import { decide } from '../filters/filter-reasons.ts';
import { readFilter } from '../filters/filter-tree.ts';
import { type ChannelSource, sourceOf } from '../offline/channel-source.ts';
import { differences, laidOut } from '../offline/difference.ts';
import type { OfflineFolder } from '../offline/folder.ts';
import type { DestinationTrace, StepTrace, Trace } from './trace.ts';

/** What payloads are on their way with. */
interface Flow {
  readonly payload: unknown;
  readonly format: Format<Erased>;
}

/** Takes one message through a channel, step by step; nothing is sent, stored or counted. */
export class Walk {
  readonly #channel: LoadedChannel;
  readonly #source: ChannelSource;
  readonly #registry: Registry;
  readonly #tables: TableSet;
  readonly #now: number;

  constructor(channel: LoadedChannel, { directory, registry, tables }: OfflineFolder, now: number) {
    this.#channel = channel;
    this.#source = sourceOf(directory, channel);
    this.#registry = registry;
    this.#tables = tables;
    this.#now = now;
  }

  /** @param only of these destinations; all if not given */
  async message(raw: Buffer, n: number, only?: string): Promise<Trace> {
    const { definition, version } = this.#channel;
    const compiled = compile(definition, version);
    const slot = this.#slot(raw, n);
    const message = `message ${n}${slot.meta['hl7.type'] ? `, ${slot.meta['hl7.type']}` : ''}`;
    const empty = { message, keys: [], steps: [], destinations: [] };
    let passes: boolean;
    try {
      passes = route(slot, compiled);
    } catch (thrown) {
      return { ...empty, route: this.#route(slot), ended: record(thrown) };
    }
    const began = { ...empty, route: this.#route(slot), keys: slot.keys.filter((key) => key !== '') };
    if (!passes) return { ...began, ended: 'filtered' };
    const steps: StepTrace[] = [];
    const { received } = compiled;
    const start: Flow = { payload: slot.payload, format: definition.format };
    // As it came, without what the profile of the sender puts right.
    const original: Flow = { ...start, payload: received ? received(slot.raw, slot.meta) : slot.payload };
    const flows = await this.#run(slot, definition.steps, compiled.steps, [], [start], steps);
    if (!Array.isArray(flows)) return { ...began, steps, ended: flows as ErrorRecord };
    const destinations: DestinationTrace[] = [];
    for (const { definition: each, steps: runnable } of compiled.destinations) {
      if (only !== undefined && each.name !== only) continue;
      destinations.push(await this.#destination(slot, each, runnable, each.input === 'source' ? [original] : flows));
    }
    return { ...began, steps, destinations };
  }

  #slot(raw: Buffer, n: number): Slot {
    const header = this.#channel.definition.format.id === 'hl7v2' ? readHeader(raw) : undefined;
    const meta = header ? (messageArrival(raw, header, 'weir try').meta ?? {}) : {};
    const id = `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`;
    return new Slot(id, n, raw, meta, this.#now, undefined, undefined, undefined);
  }

  /** The channel's filter, with its reasons where it is written in YAML, and what validation found. */
  #route(slot: Slot): readonly StepTrace[] {
    const { definition, version } = this.#channel;
    if (slot.payload === undefined) return [];
    const own = this.#decision(definition.format, ['filter'], slot.payload);
    const filters = own
      ? [{ step: 'filter of the channel', ...own }]
      : definition.filters.map((filter) => this.#asked(slot, filter, version));
    const { findings = [] } = slot;
    if (findings.length === 0) return filters;
    const because = findings.map(({ severity, path, message }) => `${severity} ${path}${path && ': '}${message}`);
    return [
      ...filters,
      { step: 'validation', passes: findings.every(({ severity }) => severity !== 'error'), because },
    ];
  }

  #asked(slot: Slot, { name, filter }: StepDefinition & { readonly kind: 'filter' }, version: string): StepTrace {
    const predicate = typeof filter === 'function' ? filter : filter.create();
    const message = new StepMessage(slot, this.#channel.definition.name, version, slot.payload);
    try {
      const passes = predicate(slot.payload as Erased, message as never);
      return { step: `filter ${name}`, passes, because: [`${name} says ${passes ? 'yes' : 'no'}`] };
    } catch (thrown) {
      return { step: `filter ${name}`, error: record(thrown) };
    }
  }

  async #destination(
    slot: Slot,
    definition: DestinationDefinition,
    runnable: readonly RunnableStep[],
    starts: readonly Flow[],
  ): Promise<DestinationTrace> {
    const { name, to, format } = definition;
    const steps: StepTrace[] = [];
    const about = { destination: name, type: to.type, steps };
    const flows = await this.#run(slot, definition.steps, runnable, ['destinations', name], starts, steps);
    if (!Array.isArray(flows)) return { ...about, result: 'error', outputs: [], error: flows as ErrorRecord };
    if (flows.length === 0) return { ...about, result: 'filtered', outputs: [] };
    try {
      const outputs = flows.map(({ payload }, n) => this.#bytes(slot, definition, format, payload, n));
      return { ...about, result: 'gets', outputs };
    } catch (thrown) {
      return { ...about, result: 'error', outputs: [], error: record(thrown) };
    }
  }

  #bytes(
    slot: Slot,
    { name, to }: DestinationDefinition,
    format: Format<Erased>,
    payload: unknown,
    n: number,
  ): Uint8Array {
    const { definition, version } = this.#channel;
    const of = { ...slot, channel: definition.name, version, replayOf: undefined };
    const outgoing = new OutgoingMessage(of, name, n, format, { payload });
    if (to.type !== 'mllp') return outgoing.bytes;
    return prepare(outgoing as Outgoing<Erased>, to.config as MllpDestinationConfig).frame.subarray(1, -2);
  }

  /** Runs steps over payloads, each step over all before the next. Resolves with what is left of them, or with the error of a step. */
  async #run(
    slot: Slot,
    definitions: readonly StepDefinition[],
    runnable: readonly RunnableStep[],
    place: Place,
    starts: readonly Flow[],
    traces: StepTrace[],
  ): Promise<readonly Flow[] | ErrorRecord> {
    let flows = starts;
    for (const [index, step] of runnable.entries()) {
      const after: Flow[] = [];
      for (const flow of flows) {
        const trace = await this.#step(slot, definitions[index]!, step, this.#placeOf(place, index), flow, after);
        traces.push(trace);
        if (trace.error) return trace.error;
      }
      flows = after;
    }
    return flows;
  }

  async #step(
    slot: Slot,
    definition: StepDefinition,
    step: RunnableStep,
    place: Place,
    { payload, format }: Flow,
    after: Flow[],
  ): Promise<StepTrace> {
    const message = new StepMessage(slot, this.#channel.definition.name, this.#channel.version, payload);
    try {
      if (step.kind === 'filter') {
        const passes = step.passes(payload, message);
        if (passes) after.push({ payload, format });
        const decision = this.#decision(format, place, payload);
        return { step: 'filter', passes, because: decision?.because ?? [`${step.name} says ${passes ? 'yes' : 'no'}`] };
      }
      const made = await step.run(payload, message);
      if (made === undefined)
        throw new HubError('step-failed', 'permanent', `running ${step.name}: it returned nothing`);
      const outputs = isMany(made) ? made.outputs : [made];
      const produces = definition.kind === 'transform' ? definition.produces : format;
      const before = format.encode(payload as Erased);
      for (const output of outputs) after.push({ payload: output, format: produces });
      return {
        step: nameOf(definition),
        outputs: outputs.map((output) => compared(before, format, produces.encode(output as Erased), produces)),
      };
    } catch (thrown) {
      return { step: nameOf(definition), error: record(thrown, `running ${step.name}`) };
    }
  }

  #decision(format: Format<Erased>, place: Place, payload: unknown) {
    const { yaml } = this.#source;
    const tree = yaml && readFilter(yaml, place, this.#source.at(...place));
    const language = this.#registry.languages.get(format.id);
    return tree && language ? decide(tree, payload, language, this.#tables, this.#now) : undefined;
  }

  /** Where the filter of a step stands in a YAML channel; the steps of a destination begin with its filter and its split. */
  #placeOf(place: Place, index: number): Place {
    const before =
      place.length === 0 ? [] : ['filter', 'split'].filter((key) => this.#source.at(...place, key) !== undefined);
    const own = before[index];
    return own === undefined ? [...place, 'steps', index - before.length, 'filter'] : [...place, own];
  }
}

/** Of a map its own name, of another step that of its component or function. */
function nameOf(step: StepDefinition): string {
  if (step.kind === 'filter' || typeof step.transform === 'function' || step.transform.type !== 'mapping')
    return step.name;
  return `the map ${(step.transform.config as { readonly map?: string }).map ?? ''}`.trim();
}

function compared(before: Uint8Array, from: Format<Erased>, after: Uint8Array, to: Format<Erased>) {
  if (from.id !== to.id) return { differences: [], whole: laidOut(after) };
  return { differences: differences(before, after, to) };
}

function record(thrown: unknown, doing = 'reading the message'): ErrorRecord {
  return errorRecord(asHubError(thrown, 'step-failed', doing));
}
