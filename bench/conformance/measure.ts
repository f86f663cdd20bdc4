import { readFileSync } from 'node:fs';
import { ProtocolFault } from '../../protocols/fault.ts';
import { Hl7Message, parse } from '../../protocols/hl7v2/message.ts';
import { type Accounted, accounted, converted } from './converted.ts';
import { digest } from './digest.ts';
import type { Issue } from './issue.ts';
import { type Leaf, leavesOf } from './leaves.ts';
import { danglingIn, emptyIn } from './references.ts';
import { type RoundTrip, roundTrip } from './round-trip.ts';
import { landed } from './ruler.ts';
import type { Input } from './sources.ts';

/** What became of one file. */
export interface Measured extends Input {
  /** `ADT^A01`; `(no message)` where the file holds none. */
  readonly type: string;
  /** The bundle; undefined where there is none. */
  readonly text: string | undefined;
  readonly digest: string;
  /** The code of the clear error that bytes give which are no message. */
  readonly refused: string | undefined;
  /** What must not be: that the converter throws. */
  readonly thrown: string | undefined;
  readonly reported: Accounted['issues'];
  /** What the judges find, when they have been asked. */
  issues: readonly Issue[] | undefined;
  readonly dangling: readonly string[];
  readonly empty: readonly string[];
  readonly values: number;
  readonly lost: readonly { readonly leaf: Leaf; readonly by: string | undefined }[];
  readonly leaves: number;
  readonly unaccounted: readonly Leaf[];
  /** What came back of it from FHIR; undefined where there is no way back to its type. */
  readonly back: RoundTrip | undefined;
  /** Whether the second conversion, in this process or another one, gave the same bytes. */
  same: boolean;
}

const nothing = {
  text: undefined,
  digest: '',
  refused: undefined,
  thrown: undefined,
  reported: [],
  issues: undefined,
  dangling: [],
  empty: [],
  values: 0,
  lost: [],
  leaves: 0,
  unaccounted: [],
  back: undefined,
  same: true,
};

/** Converts a file twice, once with the report of its leaves, and looks at what it became; asks no judge. Throws only where the file cannot be read. */
export function measure(input: Input): Measured {
  const message = read(input.path);
  if (!(message instanceof Hl7Message)) return { ...input, ...nothing, type: '(no message)', refused: message };
  const type = message.type || '(no type)';
  let first: Accounted;
  let again: string;
  let back: RoundTrip | undefined;
  try {
    first = accounted(message);
    again = converted(parse(Buffer.from(message.raw)));
    back = roundTrip(message);
  } catch (thrown) {
    const said = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    return { ...input, ...nothing, type, thrown: said.split('\n').slice(0, 4).join(' ') };
  }
  const { text, issues, accounts } = first;
  const leaves = leavesOf(message);
  const bundle: unknown = JSON.parse(text);
  const { values, lost } = landed(leaves, bundle);
  return {
    ...input,
    ...nothing,
    ...{ text, digest: digest(text), reported: issues, type, values },
    dangling: danglingIn(bundle),
    empty: emptyIn(bundle),
    lost: lost.map((leaf) => ({ leaf, by: accounts.get(leaf.place) })),
    leaves: leaves.length,
    back,
    unaccounted: leaves.filter(({ place }) => !accounts.has(place)),
    same: text === again,
  };
}

/** The message, or the code of what keeps the file from being one. */
function read(path: string): Hl7Message | string {
  try {
    return parse(readFileSync(path));
  } catch (thrown) {
    if (thrown instanceof ProtocolFault) return thrown.code;
    throw thrown;
  }
}
