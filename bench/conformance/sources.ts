import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readCsv } from '../../transforms/hl7v2-to-fhir/compile/csv.ts';

/** A file that should hold a message. */
export interface Input {
  /** `own`, or the project that a message of the corpus comes from. */
  readonly source: string;
  readonly path: string;
}

/** What another converter makes of a message. */
export interface Pair {
  readonly peer: string;
  readonly input: string;
  readonly expected: string;
}

const fixtures = [
  new URL('../../test-fixtures/hl7v2-to-fhir/', import.meta.url),
  new URL('../../test-fixtures/hl7v2/', import.meta.url),
];
const corpus = new URL('../../../shared/data/hl7-corpus/', import.meta.url);

export const ownFixtures = fixtures[0]!;
export const hasCorpus = existsSync(corpus);

/** Our own messages, in the order of their names. */
export function ownInputs(): Input[] {
  return fixtures.flatMap((folder) => filesIn(folder).map((path) => ({ source: 'own', path })));
}

/** The public messages that lie beside the repository; none where they do not. */
export function corpusInputs(): Input[] {
  if (!hasCorpus) return [];
  return filesIn(corpus).map((path) => {
    const [source = ''] = path.slice(fileURLToPath(corpus).length).split('/');
    return { source: sourceOf(source), path };
  });
}

/** What Microsoft's converter and ReportStream make of messages of the corpus: expected outputs of their own tests. */
export function peerPairs(): Pair[] {
  if (!hasCorpus) return [];
  const [, ...rows] = readCsv(readFileSync(new URL('expected/PAIRS.csv', corpus), 'utf8'));
  return rows.flatMap(([input = '', expected = '', direction = '', repo = '', , , note = '']) => {
    const peer = peerOf(repo, note);
    if (peer === undefined || !direction.startsWith('v2->fhir')) return [];
    return [{ peer, input: inCorpus(input), expected: inCorpus(expected) }];
  });
}

/** `CDCgov+prime-reportstream` is `prime-reportstream`; where that says nothing it is its owner. */
function sourceOf(folder: string): string {
  const [owner = '', project = ''] = folder.split('+');
  return owner === 'microsoft' || project === '' || project === 'hl7v2' ? owner : project;
}

/** The drafts of the maps' own authors are no converter's output. */
function peerOf(repo: string, note: string): string | undefined {
  if (repo === 'microsoft/FHIR-Converter') return 'microsoft';
  if (repo === 'CDCgov/prime-reportstream') return note.includes('inventory') ? 'reportstream, fields' : 'reportstream';
  return undefined;
}

function inCorpus(path: string): string {
  return fileURLToPath(corpus) + path;
}

function filesIn(folder: URL): string[] {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.hl7'));
  return files.sort().map((name) => fileURLToPath(folder) + name);
}
