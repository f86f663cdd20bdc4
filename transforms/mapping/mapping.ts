import { dirname, join } from 'node:path/posix';
import { z } from 'zod';
import type { Erased } from '../../core/channel.ts';
import type { Loaded } from '../../core/config/problem.ts';
import type { FileStep, StepFiles } from '../../core/config/step-files.ts';
import { describeIssues } from '../../core/define.ts';
import { HubError } from '../../core/errors.ts';
import { bytes, type Format } from '../../core/format.ts';
import type { TransformSpec } from '../../core/transform.ts';
import type { Scripts } from './context.ts';

const config = z.strictObject({
  file: z
    .string()
    .regex(/\.map\.yaml$/, 'the path of a *.map.yaml')
    .describe('The map, from the folder of the channel file; its own scripts are from the folder of the map.'),
  zone: z
    .string()
    .optional()
    .describe(
      'The IANA zone of the sender: of times that say none, where the map does not name a zone itself; that of the sender’s profile if absent.',
    ),
});

/** What a map takes and gives. A YAML channel learns it from the map; TypeScript has to know it to check what fits. */
export interface MapFormats<I, O> {
  readonly from: Format<I>;
  readonly to: Format<O>;
}

/**
 * Changes messages by a map that an analyst writes: `transforms.mapping({ file: 'lab.map.yaml' }, { from: hl7v2, to: hl7v2 })`. The
 * map is read when the channel is loaded; that its formats are others is a problem then. It may name the formats given here as if
 * they were shipped. Throws HubError `config-invalid`.
 */
function spec<I, O>(given: z.input<typeof config>, formats?: MapFormats<I, O>): FileStep<I, O> {
  const read = config.safeParse(given);
  if (!read.success)
    throw new HubError('config-invalid', 'permanent', `configuring mapping: ${describeIssues(read.error)}`);
  return Object.freeze({
    kind: 'transform' as const,
    type: 'mapping',
    config: read.data,
    // Before it is loaded; a YAML channel is wired with what it loads.
    accepts: formats?.from ?? (bytes as Format<Erased>),
    produces: formats?.to ?? (bytes as Format<Erased>),
    create: () => {
      const what = `mapping with ${read.data.file}: the map comes with its channel file, which a hub loads`;
      throw new HubError('config-invalid', 'permanent', what);
    },
    load: (files: StepFiles) => load(read.data, files, formats),
  });
}

async function load(
  { file, zone }: z.output<typeof config>,
  files: StepFiles,
  expected: MapFormats<Erased, Erased> | undefined,
): Promise<Loaded<TransformSpec<Erased, Erased>>> {
  const shown = files.shown(file);
  // 90 ms that a hub without maps does not spend at its start.
  const { compileMap, mapSpec, scriptFiles } = await import('./compile-map.ts');
  let text: string;
  try {
    text = await files.text(file);
  } catch (thrown) {
    return failure(shown, 'file-unreadable', reason(thrown));
  }
  const modules = new Map<string, Readonly<Record<string, unknown>>>();
  for (const script of scriptFiles(text)) {
    try {
      modules.set(script, await files.script(join(dirname(file), script)));
    } catch (thrown) {
      return failure(shown, 'code-failed', `${script}: ${reason(thrown)}`);
    }
  }
  const scripts: Scripts = (path, name) => {
    const exported = modules.get(path)?.[name];
    return typeof exported === 'function' ? (exported as (...given: readonly never[]) => unknown) : undefined;
  };
  const { tables, unknown, references, zoneOf, checkPath } = files;
  const senders = zone ?? files.zone;
  const compiled = compileMap(shown, text, {
    ...{ tables, unknown, references, scripts, ...(senders !== undefined && { zone: senders }) },
    ...(zone === undefined && zoneOf && { zoneOf }),
    ...(checkPath && { checkPath }),
    formats: expected ? withFormats(files.formats, expected) : files.formats,
    ...(expected && { expected: { from: expected.from.id, to: expected.to.id } }),
  });
  if (!compiled.ok) return compiled;
  for (const [what, hash] of compiled.value.uses) files.note(what, hash);
  return { ok: true, value: mapSpec(compiled.value) };
}

function withFormats(formats: StepFiles['formats'], { from, to }: MapFormats<Erased, Erased>): StepFiles['formats'] {
  return new Map([...formats, [from.id, from], [to.id, to]]);
}

function failure(file: string, code: 'file-unreadable' | 'code-failed', message: string): Loaded<never> {
  return { ok: false, problems: [{ file, line: 1, column: 1, code, message }] };
}

function reason(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The component; in TypeScript its formats are needed. */
export const mapping = Object.assign(
  spec as <I, O>(given: z.input<typeof config>, formats: MapFormats<I, O>) => FileStep<I, O>,
  {
    kind: 'transform' as const,
    type: 'mapping',
    summary:
      'Changes messages by a map in a file of its own: HL7 in place, or HL7, JSON, delimited and fixed-width text into each other.',
    config,
    examples: [
      { title: 'The laboratory’s own codes and layout', config: { file: 'lab.map.yaml' } },
      {
        title: 'One map for two hospitals in different zones',
        config: { file: 'maps/lab.map.yaml', zone: 'Europe/Lisbon' },
      },
    ] as const,
  },
);
