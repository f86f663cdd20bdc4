import { type Channel, defineChannel, original, type Transforming } from '../builder.ts';
import { type ChannelDefinition, channelOptions, type Erased } from '../channel.ts';
import { HubError } from '../errors.ts';
import type { Format } from '../format.ts';
import type { SenderProfile } from '../profile.ts';
import type { SourceSpec } from '../source.ts';
import { withProfile } from '../with-profile.ts';
import { channelKeys } from './channel-keys.ts';
import {
  formatAfter,
  languageOf,
  type PartsContext,
  readSource,
  readSteps,
  unread,
  type YamlStep,
} from './channel-parts.ts';
import { checkTests } from './check-tests.ts';
import { among, type DestinationParts, readDestinations } from './destination-yaml.ts';
import { compileFilter } from './filter.ts';
import { type Loaded, loaded } from './problem.ts';
import { unknownName } from './registry.ts';
import { changed, withSender as withSenderFiles } from './step-files.ts';
import { dotted, isMapping, type Place } from './yaml-file.ts';

/** Reads a `*.channel.yaml`; every problem of the file comes in one go, save that wiring is only checked once the parts are right. */
export async function readChannelYaml(context: PartsContext): Promise<Loaded<ChannelDefinition>> {
  const { file } = context;
  const definition = file.problems.length > 0 ? undefined : await readChannel(context);
  const [first, ...others] = file.problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
  if (first) return { ok: false, problems: [first, ...others] };
  return loaded(definition!);
}

async function readChannel(given: PartsContext): Promise<ChannelDefinition | undefined> {
  const { file } = given;
  const raw = isMapping(file.value) ? file.value : {};
  const read = file.read(channelKeys, [], file.value);
  if (!isMapping(file.value)) return undefined;
  const plain = raw.source === undefined ? undefined : readSource(given, ['source'], raw.source);
  const format = readFormat(given, raw.format) ?? plain?.format ?? unread;
  const profile = readProfile(given, raw.profile, format);
  const source = plain && profile ? withSender(given, plain, profile) : plain;
  const context = profile ? { ...given, files: withSenderFiles(given.files, profile) } : given;
  const filter =
    raw.filter === undefined
      ? undefined
      : compileFilter(file, ['filter'], raw.filter, languageOf(context, format), context.files);
  const key = readKey(context, raw.key, format);
  const steps = await readSteps(context, ['steps'], raw.steps, format);
  const transformed = steps.reduce<Format<Erased> | undefined>((current, step) => formatAfter(step, current), format);
  const after = steps.some(({ kind }) => kind === 'transform')
    ? { ...context, files: changed(context.files) }
    : context;
  const destinations = await readDestinations(context, after, raw.destinations, format, transformed);
  const reply = await readSteps({ ...context, files: changed(context.files) }, ['reply'], raw.reply, format);
  checkNames(context, raw);
  checkValidation(context, raw, source, format);
  checkTests(file, raw.tests, isMapping(raw.destinations) ? Object.keys(raw.destinations) : []);
  if (!read || !source || file.problems.length > 0) return undefined;

  return wired(context, ['channel'], () => {
    const start = defineChannel(read.channel, among(channelOptions, read));
    let routing = typeof read.format === 'string' ? start.from(source, format) : start.from(source);
    if (filter) routing = routing.filter(filter);
    if (key) routing = routing.keyBy(key);
    let stage: Transforming<Erased, Erased> = routing;
    for (const step of steps) {
      const before = stage;
      const after = wired(context, step.place, () => withStep(before, step));
      if (!after) return undefined;
      stage = after;
    }
    let channel = withDestinations(context, stage, destinations);
    for (const step of reply) channel = channel && wired(context, step.place, () => withReply(channel!, step));
    return channel?.definition;
  });
}

/** Runs a call of the builder; what it objects to becomes a problem at `place`. */
function wired<T>({ file }: PartsContext, place: Place, build: () => T): T | undefined {
  try {
    return build();
  } catch (thrown) {
    if (!(thrown instanceof HubError)) throw thrown;
    file.problem(place, 'wiring-invalid', thrown.message);
    return undefined;
  }
}

function withStep(stage: Transforming<Erased, Erased>, step: YamlStep): Transforming<Erased, Erased> {
  if (step.kind === 'filter') return stage.filter(step.filter);
  if (typeof step.transform !== 'function') return stage.through(step.transform);
  return step.produces ? stage.through(step.transform, step.produces) : stage.through(step.transform);
}

function withDestinations(
  context: PartsContext,
  stage: Transforming<Erased, Erased>,
  destinations: readonly DestinationParts[],
): Channel<Erased, Erased> | undefined {
  let channel: Channel<Erased, Erased> | undefined;
  for (const { name, place, route, fromSource, options } of destinations) {
    const before: Pick<Channel<Erased, Erased>, 'to'> = channel ?? stage;
    const after = wired(context, place, () =>
      fromSource ? before.to(name, original<Erased>(route), options) : before.to(name, route, options),
    );
    if (after) channel = after;
  }
  return channel;
}

function readFormat({ file, registry }: PartsContext, id: unknown): Format<Erased> | undefined {
  if (typeof id !== 'string') return undefined;
  const format = registry.formats.get(id);
  if (!format)
    file.problem(['format'], 'component-unknown', `format: no format ${id}${unknownName(id, registry.formats.keys())}`);
  return format;
}

function readProfile(
  { file, files }: PartsContext,
  name: unknown,
  format: Format<Erased> | undefined,
): SenderProfile | undefined {
  if (typeof name !== 'string') return undefined;
  try {
    const profile = files.profile(name);
    if (!profile || !format || format === unread || profile.format === format.id) return profile;
    file.problem(['profile'], 'wiring-invalid', `profile: ${name} is about ${profile.format}, not ${format.id}`);
  } catch (thrown) {
    if (!(thrown instanceof HubError)) throw thrown;
    file.problem(['profile'], 'profile-unknown', `profile: ${thrown.message}`);
  }
  return undefined;
}

function withSender(context: PartsContext, source: SourceSpec<Erased>, profile: SenderProfile) {
  return wired(context, ['profile'], () => withProfile(source, profile));
}

function readKey(context: PartsContext, value: unknown, format: Format<Erased> | undefined) {
  const { file } = context;
  const paths = typeof value === 'string' ? [value] : value;
  if (!Array.isArray(paths) || !paths.every((each) => typeof each === 'string') || !format) return undefined;
  const language = languageOf(context, format);
  if (!language) {
    file.problem(['key'], 'path-invalid', `key: ${format.id} has no paths`);
    return undefined;
  }
  for (const [index, path] of paths.entries()) {
    try {
      language.path(path);
    } catch (thrown) {
      if (!(thrown instanceof HubError)) throw thrown;
      file.problem(typeof value === 'string' ? ['key'] : ['key', index], 'path-invalid', `${path}: ${thrown.message}`);
    }
  }
  return file.problems.length > 0 ? undefined : language.key(paths);
}

/** Any step but a split: a reply stays one. */
function withReply(channel: Channel<Erased, Erased>, step: YamlStep): Channel<Erased, Erased> {
  if (step.kind === 'filter')
    throw new HubError('config-invalid', 'permanent', 'reply: a reply is not filtered, it goes back');
  return typeof step.transform === 'function' ? channel.reply(step.transform) : channel.reply(step.transform);
}

/** What the builder says of the channel as a whole, at the key that it is about. */
function checkValidation(
  { file }: PartsContext,
  raw: Readonly<Record<string, unknown>>,
  source: SourceSpec<Erased> | undefined,
  format: Format<Erased>,
): void {
  const { validation, ackAfter = 'stored', replyFrom, mode, reply } = raw;
  if (mode === 'query' && replyFrom === undefined)
    file.problem(['mode'], 'wiring-invalid', 'mode: query needs replyFrom, the destination that answers');
  if (reply !== undefined && replyFrom === undefined)
    file.problem(['reply'], 'wiring-invalid', 'reply: there is no replyFrom whose answer it is');
  if (validation !== 'report' && validation !== 'reject') return;
  if (format !== unread && !format.validate && !source?.profile)
    file.problem(['validation'], 'wiring-invalid', `validation: nothing says what is wrong with ${format.id}`);
  if (validation === 'reject' && ackAfter === 'stored' && replyFrom === undefined && source?.acknowledges !== 'never')
    file.problem(
      ['validation'],
      'wiring-invalid',
      'validation: reject needs ackAfter transformed or settled, for after stored a message has been accepted',
    );
}

/** `ackOn` and `replyFrom` name destinations of this channel. */
function checkNames({ file }: PartsContext, raw: Readonly<Record<string, unknown>>): void {
  if (!isMapping(raw.destinations)) return;
  const names = new Set(Object.keys(raw.destinations));
  const check = (place: Place, name: unknown) => {
    if (typeof name !== 'string' || names.has(name)) return;
    file.problem(place, 'destination-unknown', `${dotted(place)}: no destination ${name}${unknownName(name, names)}`);
  };
  check(['replyFrom'], raw.replyFrom);
  if (Array.isArray(raw.ackOn)) for (const [index, name] of raw.ackOn.entries()) check(['ackOn', index], name);
}
