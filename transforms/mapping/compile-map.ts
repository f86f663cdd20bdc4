import type { KnownMessages } from '../../contracts/hl7v2-path.ts';
import type { Erased } from '../../core/channel.ts';
import { compileFilter } from '../../core/config/filter.ts';
import type { Loaded } from '../../core/config/problem.ts';
import type { ReferenceSources } from '../../core/config/references.ts';
import { isMapping, type Place, YamlFile } from '../../core/config/yaml-file.ts';
import { describeThrown, HubError } from '../../core/errors.ts';
import type { Format } from '../../core/format.ts';
import type { Message } from '../../core/message.ts';
import { noTables, type TableSet } from '../../core/tables/table-set.ts';
import { UnknownCodes } from '../../core/tables/unknown-codes.ts';
import { type Zone, zoneNamed } from '../../core/time/zone.ts';
import { type Many, many, type TransformSpec } from '../../core/transform.ts';
import { ProtocolFault } from '../../protocols/fault.ts';
import { BUILT_VERSION, compileHeader } from './built-message.ts';
import { attempt, filterTables, type MapContext, type Scripts, spotOf, withKnownKeys } from './context.ts';
import { readSide, type Side } from './format-side.ts';
import { Hl7Definitions } from './hl7-definitions.ts';
import { hl7Source } from './hl7-source.ts';
import { type Hl7TargetOptions, hl7Target } from './hl7-target.ts';
import { jsonSource, jsonTarget } from './json-model.ts';
import { mapFile } from './map-schema.ts';
import { recordSource, recordTarget } from './record-model.ts';
import { compileRules, runAll } from './rules.ts';
import { type Act, type Loop, Run, type Scopes, type SourceModel, type Spot, type TargetModel } from './run.ts';
import { readReference } from './script.ts';
import { languageAt } from './source-path.ts';

/** What a map is compiled with; what is left out is not there. */
export interface MapOptions {
  /** Code tables as they are now: the map keeps them, and a reload needs a new map (rule 6). */
  readonly tables?: TableSet;
  /** The worklist of codes that tables do not have. */
  readonly unknown?: UnknownCodes;
  readonly scripts?: Scripts;
  /** Contracts that `from` and `to` may name beside hl7v2 and json. */
  readonly formats?: ReadonlyMap<string, Format<Erased>>;
  readonly references?: ReferenceSources;
  /** The IANA zone of the sender's profile, for times that say none. */
  readonly zone?: string;
  /** Its zone where that differs from site to site, by the payload; HL7 only. */
  readonly zoneOf?: (payload: Erased) => string | undefined;
  /** Looks at the paths into an HL7 source. Throws HubError `config-invalid` for one that its sender does not send. */
  readonly checkPath?: (text: string) => boolean;
  /** The ids of the formats that the channel takes the map for. */
  readonly expected?: { readonly from: string; readonly to: string };
}

export interface CompiledMap {
  readonly name: string;
  /** `bytes` where the map itself says the layout of the file that it reads. */
  readonly accepts: Format<Erased>;
  readonly produces: Format<Erased>;
  /** What it depends on beside its own text – code tables, references –, with hashes: part of its channel's version. */
  readonly uses: ReadonlyMap<string, string>;
  /**
   * Pure: the source is never changed, the clock is when the message was received. Throws HubError `step-failed` that names the map,
   * the line and the rule, and no content.
   */
  run(payload: Erased, message: Message<Erased>): unknown;
}

/**
 * Compiles the text of a `*.map.yaml`; every problem of the file comes in one go.
 * @param name the file's name in problems and errors
 */
export function compileMap(name: string, text: string, options: MapOptions = {}): Loaded<CompiledMap> {
  const file = new YamlFile(name, text);
  const map = file.problems.length > 0 ? undefined : compiled(file, options);
  const [first, ...others] = file.problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
  if (first) return { ok: false, problems: [first, ...others] };
  return { ok: true, value: map! };
}

/** The TypeScript files that a map names, as it writes them: from its own folder. */
export function scriptFiles(text: string): ReadonlySet<string> {
  const files = new Set<string>();
  const gather = (value: unknown) => {
    if (Array.isArray(value)) for (const each of value) gather(each);
    if (!isMapping(value)) return;
    const reference = typeof value.script === 'string' ? readReference(value.script) : undefined;
    if (reference) files.add(reference.file);
    for (const each of Object.values(value)) gather(each);
  };
  // Most maps name none, and reading one twice takes as long as reading two.
  if (text.includes('script')) gather(new YamlFile('', text).value);
  return files;
}

/** A compiled map as a step of a channel. */
export function mapSpec(map: CompiledMap): TransformSpec<Erased, Erased> {
  return Object.freeze({
    kind: 'transform' as const,
    type: 'mapping',
    config: { map: map.name },
    accepts: map.accepts,
    produces: map.produces,
    create: () => (payload: Erased, message: Message<Erased>) => map.run(payload, message),
  });
}

function compiled(file: YamlFile, options: MapOptions): CompiledMap | undefined {
  const keys = withKnownKeys(file, [], file.value, Object.keys(mapFile.shape));
  const read = file.read(mapFile, [], isMapping(keys) ? withoutInner(keys) : keys);
  if (!isMapping(keys)) return undefined;
  const name = typeof keys.map === 'string' ? keys.map : 'map';
  const formats = options.formats ?? new Map();
  const from = readSide(file, 'from', keys.from, name, formats);
  const to = readSide(file, 'to', keys.to, name, formats);
  if (options.expected) checkExpected(file, options.expected, from, to);
  const zone = zoneOf(file, read?.zone, options.zone);
  if (!from || !to) return undefined;

  const edits = from.kind === 'hl7v2' && to.kind === 'hl7v2' && keys.mode !== 'build';
  const sourceDefinitions = new Hl7Definitions(from.known, options.checkPath);
  const source = sourceOf(from, sourceDefinitions);
  let header: ReturnType<typeof compileHeader> | undefined;
  const target = targetOf(to, {
    definitions: new Hl7Definitions(to.known ?? (edits ? from.known : builtMessages(keys.message))),
    sourceDefinitions,
    substitute: read?.substitute,
    ...(!edits && { build: (run: Run) => header!(run) }),
  });
  const context: MapContext = {
    file,
    source,
    target,
    tables: options.tables ?? noTables,
    uses: new Map(),
    unknown: options.unknown ?? new UnknownCodes(),
    scripts: options.scripts ?? (() => undefined),
    references: options.references,
    twice: read?.twice ?? 'first',
    never: read?.never ?? 'later',
    produces: to.format.id,
    lets: new Map(),
    slots: { count: 0 },
    replaced: { value: false },
  };
  checkHeader(file, keys, to, edits);
  if (to.kind === 'hl7v2' && !edits)
    header = compileHeader(context, isMapping(keys.message) ? keys.message : {}, to.known?.version);
  const split = isMapping(keys.split) ? compileSplit(context, keys.split) : undefined;
  const acts = compileRules(context, ['rules'], keys.rules ?? [], split?.scopes ?? []);
  if (!read) return undefined;

  const zoneAt = zoneBy(zone, read.zone, from, options);
  const around = spotOf(file, ['rules'], 'making the result');
  const once = (run: Run): unknown => {
    run.spot = around;
    run.draft = target.start(run);
    runAll(acts, run);
    run.spot = around;
    return target.finish(run);
  };
  return {
    name,
    accepts: from.format,
    produces: to.format,
    uses: context.uses,
    run: (payload, message) => {
      let run: Run | undefined;
      try {
        run = new Run(message, source.open(from.decode ? from.decode(payload) : payload), zoneAt(payload));
        return split ? splitRun(run, split, once) : once(run);
      } catch (thrown) {
        throw located(thrown, file.file, name, run);
      }
    },
  };
}

/** What is read on its own, deeper down, is left out here: each mistake is told once. */
function withoutInner(keys: Readonly<Record<string, unknown>>): unknown {
  const { message, split, from, to, ...rest } = keys;
  return { ...(from !== undefined && { from: 'read' }), ...(to !== undefined && { to: 'read' }), ...rest };
}

/** The zone of a payload's times that say none. */
function zoneBy(
  zone: Zone | undefined,
  own: string | undefined,
  from: Side,
  { zoneOf: bySite }: MapOptions,
): (payload: Erased) => Zone | undefined {
  if (own !== undefined || !bySite || from.kind !== 'hl7v2') return () => zone;
  return (payload) => {
    const name = bySite(payload);
    return name === undefined ? zone : zoneNamed(name);
  };
}

function zoneOf(file: YamlFile, own: string | undefined, profile: string | undefined): Zone | undefined {
  const name = own ?? profile;
  if (name === undefined) return undefined;
  const zone = zoneNamed(name);
  if (!zone)
    file.problem(['zone'], 'value-invalid', `zone: there is no time zone ${name}: a name like Europe/Berlin is needed`);
  return zone;
}

function checkExpected(
  file: YamlFile,
  expected: { readonly from: string; readonly to: string },
  from: Side | undefined,
  to: Side | undefined,
): void {
  for (const [key, side] of [['from', from] as const, ['to', to] as const]) {
    if (!side || side.format.id === expected[key]) continue;
    file.problem([key], 'wiring-invalid', `${key}: it is ${side.format.id}, and the channel says ${expected[key]}`);
  }
}

/** What is known of messages that are built: their version, where it is the same for all of them. */
function builtMessages(message: unknown): KnownMessages {
  const version = isMapping(message) ? message.version : undefined;
  if (version === undefined) return { version: BUILT_VERSION };
  return typeof version === 'string' && !version.includes('${') ? { version } : {};
}

function sourceOf({ kind, types }: Side, definitions: Hl7Definitions): SourceModel {
  if (kind === 'hl7v2') return hl7Source(definitions);
  return kind === 'json' ? jsonSource : recordSource(types!);
}

function targetOf({ kind, types }: Side, options: Hl7TargetOptions): TargetModel {
  if (kind === 'hl7v2') return hl7Target(options);
  return kind === 'json' ? jsonTarget : recordTarget(types!);
}

function checkHeader(file: YamlFile, keys: Readonly<Record<string, unknown>>, to: Side, edits: boolean): void {
  if (keys.message !== undefined && (edits || to.kind !== 'hl7v2'))
    file.keyProblem(
      ['message'],
      'key-unknown',
      'message: it is for HL7 that is built: set MSH-3 and the others in rules',
    );
  if (keys.message !== undefined && !isMapping(keys.message))
    file.problem(['message'], 'value-invalid', 'message: the fields of MSH are needed');
  if (keys.mode === 'edit' && !edits) file.problem(['mode'], 'value-invalid', 'mode: only HL7 can be edited into HL7');
  if (keys.mode === 'build' && to.kind !== 'hl7v2') file.problem(['mode'], 'value-invalid', 'mode: it is for HL7');
}

interface Split {
  readonly loop: Loop;
  readonly scopes: Scopes;
  readonly spot: Spot;
}

function compileSplit(context: MapContext, given: Readonly<Record<string, unknown>>): Split | undefined {
  const { file } = context;
  const place: Place = ['split'];
  const keys = withKnownKeys(file, place, given, ['each', 'with', 'as', 'when']) as Readonly<Record<string, unknown>>;
  const read = file.read(mapFile.shape.split.unwrap(), place, keys);
  if (!read) return undefined;
  const slot = context.slots.count++;
  const loop = attempt(context, ['split', 'each'], 'path-invalid', () =>
    context.source.loop(read.each, read.with ?? [], read.as, slot, []),
  );
  if (!loop) return undefined;
  const scopes = [loop.scope];
  const spot = spotOf(file, place, `split into ${read.each}`);
  if (keys.when === undefined) return { loop, scopes, spot };
  const test = compileFilter(file, ['split', 'when'], keys.when, languageAt(context, scopes), filterTables(context));
  const each = (run: Run, body: Act) =>
    loop.each(run, () => {
      run.spot = spot;
      if (test(run, run.message)) body(run);
    });
  return { loop: { ...loop, each }, scopes, spot };
}

function splitRun(run: Run, { loop, spot }: Split, once: (run: Run) => unknown): Many<unknown> {
  const outputs: unknown[] = [];
  run.spot = spot;
  loop.each(run, () => {
    run.output = outputs.length;
    run.lets.length = 0;
    run.letWrites.length = 0;
    outputs.push(once(run));
  });
  return many(outputs);
}

/** The error with the place in the map; of foreign ones the class alone, since their text may quote content. */
function located(thrown: unknown, file: string, name: string, run: Run | undefined): HubError {
  const reason =
    thrown instanceof HubError || thrown instanceof ProtocolFault ? thrown.message : describeThrown(thrown);
  const spot = run?.spot;
  const at = spot ? `${file}:${spot.line}:${spot.column}, ${spot.doing}` : `${file}, reading the source`;
  return new HubError('step-failed', 'permanent', `mapping with ${name}, ${at}: ${reason}`, { cause: thrown });
}
