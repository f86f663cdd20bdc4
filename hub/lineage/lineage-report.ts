import type { ChannelDefinition, StepDefinition } from '../../core/channel.ts';
import { asHubError, type ErrorRecord, errorRecord } from '../../core/errors.ts';
import type { Meta } from '../../core/format.ts';
import type { ElementLineage, LeafLineage, Lineage } from '../../core/lineage.ts';
import type { Message } from '../../core/message.ts';
import { compile, route, runSteps } from '../../core/runtime/compile.ts';
import type { RunnableStep } from '../../core/runtime/runnable-step.ts';
import { Slot, StepMessage } from '../../core/runtime/slot.ts';

/** A value, and with leave what it is. */
export interface ToldLeaf extends LeafLineage {
  readonly value?: string;
}

/** What one step made of one payload. */
export interface StepLineage {
  /** Whose step it is; absent of a step of the channel, which is one for every destination. */
  readonly destination?: string;
  readonly step: string;
  /** The steps before it that made something else of the message: paths are those of what they made. */
  readonly behind: readonly string[];
  readonly leaves: readonly ToldLeaf[];
  readonly elements: readonly ElementLineage[];
  readonly issues: Lineage['issues'];
}

/** What became of each value of a message in the transforms of its channel that can tell. */
export interface LineageReport {
  /** Absent of a file that was looked at without one. */
  readonly channel?: string;
  /** Of the definition that was asked. */
  readonly version?: string;
  /** The definition that the message was transformed by, where that is another one. */
  readonly transformedBy?: string;
  readonly type?: string;
  /** What ended it before its steps. */
  readonly ended?: 'filtered' | ErrorRecord;
  readonly steps: readonly StepLineage[];
  /** Destinations of which there is nothing to tell, and why. */
  readonly without: readonly { readonly destination: string; readonly why: string }[];
}

/** A definition as it was loaded. */
export interface Asked {
  readonly definition: ChannelDefinition;
  readonly version: string;
}

/** A message as it was received. */
export interface ReceivedMessage {
  readonly id: string;
  readonly seq: number;
  readonly raw: Uint8Array;
  readonly meta: Meta;
  readonly receivedAt: number;
  readonly type?: string;
  /** That it was transformed by. */
  readonly version?: string;
}

export interface LineageOptions {
  /** Of this destination only. */
  readonly destination?: string | undefined;
  /** Whether values are told, which are content. */
  readonly values?: boolean;
}

/** Takes a message through its channel as that would, and asks each step that can tell what it makes of which value. */
export async function lineageReport(
  { definition, version }: Asked,
  message: ReceivedMessage,
  options: LineageOptions = {},
): Promise<LineageReport> {
  const { name, steps } = definition;
  const about = {
    channel: name,
    version,
    ...(message.version !== undefined && message.version !== version && { transformedBy: message.version }),
    ...(message.type !== undefined && { type: message.type }),
  };
  const ended = (why: 'filtered' | ErrorRecord): LineageReport => ({ ...about, ended: why, steps: [], without: [] });
  const { id, seq, raw, meta, receivedAt } = message;
  const slot = new Slot(id, seq, raw, meta, receivedAt, undefined, undefined, undefined);
  const told: StepLineage[] = [];
  const walk = new Walk(slot, name, version, told, options.values === true);
  try {
    const compiled = compile(definition, version);
    if (!route(slot, compiled)) return ended('filtered');
    const original = compiled.received ? compiled.received(raw, meta) : slot.payload;
    const all = await walk.through(steps, compiled.steps, [slot.payload], undefined, []);
    const without: { destination: string; why: string }[] = [];
    for (const { definition: each, steps: runnable } of compiled.destinations) {
      if (options.destination !== undefined && each.name !== options.destination) continue;
      const fromSource = each.input === 'source';
      const before = told.length;
      const behind = fromSource ? [] : changing(steps);
      const left = await walk.through(each.steps, runnable, fromSource ? [original] : all, each.name, behind);
      if (told.length > before || (!fromSource && steps.some(tells))) continue;
      const why = left.length === 0 ? 'it does not get the message' : 'none of its steps tells what it makes of values';
      without.push({ destination: each.name, why });
    }
    return { ...about, steps: told, without };
  } catch (thrown) {
    return { ...ended(errorRecord(asHubError(thrown, 'step-failed', 'reading the message'))), steps: told };
  }
}

/** One message on its way through steps. */
class Walk {
  readonly #slot: Slot;
  readonly #channel: string;
  readonly #version: string;
  readonly #told: StepLineage[];
  readonly #values: boolean;

  constructor(slot: Slot, channel: string, version: string, told: StepLineage[], values: boolean) {
    this.#slot = slot;
    this.#channel = channel;
    this.#version = version;
    this.#told = told;
    this.#values = values;
  }

  /** Resolves with what is left of the payloads. */
  async through(
    steps: readonly StepDefinition[],
    runnable: readonly RunnableStep[],
    payloads: readonly unknown[],
    destination: string | undefined,
    behind: readonly string[],
  ): Promise<readonly unknown[]> {
    let [left, changed] = [payloads, behind];
    for (const [index, step] of steps.entries()) {
      const next: unknown[] = [];
      for (const payload of left) {
        const lineage = tells(step) && (await this.#ask(step, payload));
        if (lineage) this.#tell(lineage, step.name, destination, changed);
        next.push(...(await runSteps([runnable[index]!], this.#slot, this.#channel, this.#version, payload)));
      }
      if (step.kind === 'transform') changed = [...changed, step.name];
      left = next;
    }
    return left;
  }

  #ask(step: TellingStep, payload: unknown): Promise<Lineage> {
    const message = new StepMessage(this.#slot, this.#channel, this.#version, payload);
    return step.transform.lineage(payload, message);
  }

  #tell(lineage: Lineage, step: string, destination: string | undefined, behind: readonly string[]): void {
    const own = told(lineage, this.#values);
    this.#told.push({ ...(destination !== undefined && { destination }), step, behind, ...own });
  }
}

/** What a transform said, with values or without. */
export function told(
  { leaves, elements, issues, value }: Lineage,
  values: boolean,
): Pick<StepLineage, 'leaves' | 'elements' | 'issues'> {
  return { leaves: values ? leaves.map((leaf) => ({ ...leaf, value: value(leaf.path) })) : leaves, elements, issues };
}

interface TellingStep {
  readonly name: string;
  readonly transform: { lineage(payload: unknown, message: Message<unknown>): Promise<Lineage> };
}

function tells(step: StepDefinition): step is StepDefinition & TellingStep {
  return step.kind === 'transform' && typeof step.transform !== 'function' && step.transform.lineage !== undefined;
}

/** Names of the steps that make something else of a message. */
function changing(steps: readonly StepDefinition[]): readonly string[] {
  return steps.flatMap(({ kind, name }) => (kind === 'transform' ? [name] : []));
}
