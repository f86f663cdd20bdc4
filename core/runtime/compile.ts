import type { ChannelDefinition, StepDefinition } from '../channel.ts';
import { asHubError, HubError } from '../errors.ts';
import { describeFindings, type Finding } from '../finding.ts';
import type { Format } from '../format.ts';
import type { Message } from '../message.ts';
import type { SenderProfile } from '../profile.ts';
import { isMany } from '../transform.ts';
import { profileOf } from '../with-profile.ts';
import type { CompiledChannel } from './compiled.ts';
import type { RunnableStep } from './runnable-step.ts';
import { type Slot, StepMessage } from './slot.ts';
import { guarded } from './step-guard.ts';

function runnable(step: StepDefinition): RunnableStep {
  if (step.kind === 'filter') {
    const passes = typeof step.filter === 'function' ? step.filter : step.filter.create();
    return { kind: 'filter', name: step.name, passes };
  }
  const run = typeof step.transform === 'function' ? step.transform : step.transform.create();
  return { kind: 'transform', name: step.name, run };
}

export function compile(definition: ChannelDefinition, version: string): CompiledChannel {
  const profile = profileOf(definition.source);
  return {
    definition,
    version,
    format: profile ? { ...definition.format, decode: (raw, meta) => profile.decode(raw, meta) } : definition.format,
    validate: validatorOf(definition, profile),
    reply: definition.reply && {
      format: definition.format,
      steps: definition.reply.steps.map(runnable),
      produces: definition.reply.format,
    },
    received: profile && ((raw, meta) => profile.received(raw, meta)),
    filters: definition.filters.map(runnable),
    steps: definition.steps.map(runnable),
    destinations: definition.destinations.map((each) => ({
      name: each.name,
      definition: each,
      steps: each.steps.map(runnable),
    })),
  };
}

function validatorOf({ options, format }: ChannelDefinition, profile: SenderProfile | undefined) {
  if (options.validation === 'off') return undefined;
  const { validate } = profile?.validate ? profile : format;
  return validate as ((payload: unknown) => readonly Finding[]) | undefined;
}

/**
 * The route stage: decode, filters, keys, in seq order, before any transform (rule 2). Answers false where a filter drops the
 * message. Throws HubError.
 */
export function route(slot: Slot, compiled: CompiledChannel): boolean {
  const { definition, version } = compiled;
  slot.compiled = compiled;
  slot.payload = decode(slot, compiled.format);
  if (slot.arrivalKey !== undefined) slot.keys = [slot.arrivalKey];
  let message: Message<unknown> | undefined;
  if (compiled.filters.length > 0) {
    message = new StepMessage(slot, definition.name, version, slot.payload);
    for (const step of compiled.filters) {
      if (step.kind === 'filter' && !attempt(step.name, () => step.passes(slot.payload, message!))) return false;
    }
  }
  if (compiled.validate) validated(slot, compiled);
  if (definition.key) {
    message ??= new StepMessage(slot, definition.name, version, slot.payload);
    try {
      setKeys(slot, definition.key(slot.payload, message));
    } catch (thrown) {
      throw asHubError(thrown, 'step-failed', 'choosing the key');
    }
  }
  slot.laneKeys = slot.keys;
  return true;
}

/** Throws HubError `validation-failed` where a message with errors is refused. */
function validated(slot: Slot, { validate, definition }: CompiledChannel): void {
  const findings = attempt('validation', () => validate!(slot.payload));
  if (findings.length === 0) return;
  slot.findings = findings;
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  if (errors === 0) return;
  const told = describeFindings(findings);
  if (definition.options.validation === 'reject')
    throw new HubError('validation-failed', 'permanent', `validating: ${errors} errors: ${told}`);
  slot.found = { ...slot.found, 'validation.errors': String(errors), 'validation.findings': told };
}

function decode(slot: Slot, format: Format<unknown>): unknown {
  try {
    return format.decode(slot.raw, slot.meta);
  } catch (thrown) {
    throw asHubError(thrown, 'decode-failed', `decoding ${format.id}`);
  }
}

function setKeys(slot: Slot, keys: string | readonly string[]): void {
  if (typeof keys === 'string') {
    if (keys !== '') slot.keys = [keys];
    return;
  }
  const filled = keys.filter((key) => key !== '');
  const [first, ...rest] = filled.length > 1 ? [...new Set(filled)] : filled;
  if (first !== undefined) slot.keys = [first, ...rest];
}

function attempt<R>(name: string, run: () => R): R {
  try {
    return run();
  } catch (thrown) {
    throw asHubError(thrown, 'step-failed', `running ${name}`);
  }
}

/** What steps make of one payload: the outputs, none where it was filtered; a promise where a step was asynchronous. */
export type Outputs = readonly unknown[] | Promise<readonly unknown[]>;

const filtered: readonly unknown[] = [];

/** Runs steps over a payload. Throws, or rejects with, HubError `step-failed`. */
export function runSteps(
  steps: readonly RunnableStep[],
  slot: Slot,
  channel: string,
  version: string,
  payload: unknown,
  from = 0,
): Outputs {
  let current = payload;
  for (let at = from; at < steps.length; at++) {
    const step = steps[at]!;
    const message = new StepMessage(slot, channel, version, current);
    let result: unknown;
    try {
      result = step.kind === 'filter' ? step.passes(current, message) : step.run(current, message);
    } catch (thrown) {
      throw asHubError(thrown, 'step-failed', `running ${step.name}`);
    }
    if (step.kind === 'filter') {
      if (!result) return filtered;
      continue;
    }
    if (result instanceof Promise) {
      return result.then(
        (value) => guardedBranch(value, steps, slot, channel, version, at + 1),
        (thrown) => {
          throw asHubError(thrown, 'step-failed', `running ${step.name}`);
        },
      );
    }
    if (isMany(result)) return branch(result, steps, slot, channel, version, at + 1);
    if (result === undefined)
      throw new HubError('step-failed', 'permanent', `running ${step.name}: it returned nothing`);
    current = result;
  }
  return [current];
}

/** After an asynchronous step nobody guards what comes: each message does so by itself. */
function guardedBranch(...given: Parameters<typeof branch>): Outputs {
  const [, , slot] = given;
  const timeoutMs = slot.compiled?.definition.options.limits.stepTimeoutMs ?? 0;
  let outputs: Outputs = filtered;
  const run = () => {
    outputs = branch(...given);
  };
  try {
    guarded(timeoutMs, run);
  } catch (thrown) {
    // The process stood still: steps are pure (rule 6), and run once more.
    if (!(thrown instanceof HubError && thrown.code === 'step-timeout' && thrown.kind === 'transient')) throw thrown;
    guarded(timeoutMs, run);
  }
  return outputs;
}

/** Goes on with each output of a step that made several. */
function branch(
  value: unknown,
  steps: readonly RunnableStep[],
  slot: Slot,
  channel: string,
  version: string,
  from: number,
): Outputs {
  if (!isMany(value)) {
    if (value === undefined)
      throw new HubError('step-failed', 'permanent', `running step ${from}: it returned nothing`);
    return runSteps(steps, slot, channel, version, value, from);
  }
  const results = value.outputs.map((output) => runSteps(steps, slot, channel, version, output, from));
  return results.some((each) => each instanceof Promise)
    ? Promise.all(results).then((all) => all.flat())
    : (results as (readonly unknown[])[]).flat();
}
