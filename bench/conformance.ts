/**
 * `npm run conformance` – converts every message of our own fixtures and of the corpus beside the repository, and tells by type and
 * source: bundles that HAPI FHIR's validator and @medplum/core both find valid, references that lead nowhere, resources that
 * hold nothing, values that are found in the bundle, leaves accounted for, whether the same message is the same bytes again
 * (here and in another process), how many of the leaves that a rule took come back by `fhir-to-hl7v2`, and what throws; beside it
 * what Microsoft's converter and ReportStream expect of the same messages, by the same ruler. Exits 1 when a figure is not what is
 * asked. Needs Java 17; Maven, for the first time.
 *
 * `--type ADT^A01`, `--source reportstream` and `--file <path>` (more than once) look at some messages; `--show invalid` and
 * `--show missing` print what is wrong and what did not land, `--limit` of each. With `--show missing` alone no judge is asked.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { gatesOf } from './conformance/asked.ts';
import { invalid, missing } from './conformance/findings.ts';
import { type Measured, measure } from './conformance/measure.ts';
import { digestsElsewhere } from './conformance/other-process.ts';
import { measurePeers, peerTable } from './conformance/peers.ts';
import { corpusInputs, hasCorpus, ownInputs, peerPairs } from './conformance/sources.ts';
import { tableOf } from './conformance/table.ts';
import { judge } from './conformance/verdicts.ts';
import { report } from './gates.ts';

const { values: asked } = parseArgs({
  options: {
    type: { type: 'string', multiple: true, default: [] },
    source: { type: 'string', multiple: true, default: [] },
    file: { type: 'string', multiple: true, default: [] },
    show: { type: 'string', multiple: true, default: [] },
    limit: { type: 'string', default: '40' },
  },
});
const unknown = asked.show.find((each) => each !== 'invalid' && each !== 'missing');
if (unknown !== undefined) throw new Error(`reading --show: ${unknown} is neither invalid nor missing`);
const limit = Number(asked.limit);
if (!Number.isInteger(limit) || limit < 1) throw new Error('reading --limit: it is no number');
const whole = asked.type.length + asked.source.length + asked.file.length === 0;
const judging = asked.show.length === 0 || asked.show.includes('invalid');

const inputs =
  asked.file.length > 0
    ? asked.file.map((path) => ({ source: 'file', path: resolve(path) }))
    : [...ownInputs(), ...corpusInputs()];
const measured = inputs
  .filter(({ source }) => asked.source.length === 0 || asked.source.includes(source))
  .map(measure)
  .filter(({ type }) => asked.type.length === 0 || asked.type.includes(type));
if (measured.length === 0) throw new Error('looking for messages: there are none of that type and source');
if (whole && !hasCorpus) console.log('The corpus does not lie beside the repository: our own messages alone.\n');

const elsewhere = await digestsElsewhere(measured.map(({ path }) => path));
for (const [at, each] of measured.entries()) each.same &&= elsewhere[at] === each.digest;

const peers = whole ? measurePeers(peerPairs()) : [];
let peerIssues: Awaited<ReturnType<typeof judge>> | undefined;
if (judging) {
  const converted = measured.filter((each): each is Measured & { text: string } => each.text !== undefined);
  const texts = [...converted, ...peers].map(({ text }) => text);
  const issues = await judge(texts, (count) => console.log(`HAPI FHIR judges ${count} of ${texts.length} bundles\n`));
  for (const [at, each] of converted.entries()) each.issues = issues[at];
  peerIssues = issues.slice(converted.length);
}

const own = measured.filter(({ source }) => source === 'own');
const others = measured.filter(({ source }) => source !== 'own');
if (own.length > 0) console.log(`${tableOf('our own messages', own, ({ type }) => type)}\n`);
if (others.length > 0) {
  console.log(`${tableOf('by type', others, ({ type }) => type)}\n`);
  console.log(`${tableOf('by source', others, ({ source }) => source)}\n`);
}
if (peers.length > 0) console.log(`${peerTable(peers, peerIssues, measured)}\n`);
if (asked.show.includes('invalid')) console.log(`${invalid(measured, limit)}\n`);
if (asked.show.includes('missing')) console.log(`${missing(measured, limit)}\n`);
report('conformance', gatesOf(measured, peers, asked.type.length + asked.file.length === 0));
