import { fhirBundle } from '../../contracts/fhir.ts';
import type { Hl7Message } from '../../protocols/hl7v2/message.ts';
import { type ConvertOptions, convert } from '../../transforms/hl7v2-to-fhir/convert.ts';
import { type Explained, explain, type LeafReport } from '../../transforms/hl7v2-to-fhir/explain.ts';

/** When every message is taken to have come: what is the same for each is in none of the differences. */
const options: ConvertOptions = { receivedAt: Date.UTC(2026, 2, 2, 12) };

/** A message as the product converts it, by default. Throws what the converter throws, which must throw nothing. */
export function converted(message: Hl7Message): string {
  return written(convert(message, options));
}

export interface Accounted {
  /** The bundle as it is written. */
  readonly text: string;
  /** What the converter has to tell. */
  readonly issues: readonly { readonly code: string; readonly path: string }[];
  /** What became of each leaf, by its place; without those of which nothing is said that holds. */
  readonly accounts: ReadonlyMap<string, string>;
}

/** The same, with the report of what became of each leaf. */
export function accounted(message: Hl7Message): Accounted {
  const explained = explain(message, options);
  const known = new Set(['Bundle']);
  for (const { resource } of explained.bundle.entry ?? []) known.add(`${resource?.resourceType}/${resource?.id}`);
  const accounts = new Map<string, string>();
  for (const leaf of explained.leaves) {
    const account = accountOf(leaf, known);
    if (account !== undefined) accounts.set(leaf.path, account);
  }
  return { text: written(explained), issues: explained.issues, accounts };
}

/** A leaf that went somewhere went into a resource that is there; one that was left out was left out for a reason. */
function accountOf({ status, to, reason }: LeafReport, known: ReadonlySet<string>): string | undefined {
  switch (status) {
    case 'mapped':
    case 'kept': {
      const [first] = to;
      if (!first || to.some(({ resource }) => !known.has(resource))) return undefined;
      return `${status}: ${first.element}${first.rows.length > 0 ? ` by ${first.rows.join(', ')}` : ''}`;
    }
    case 'ignored':
      return reason === undefined ? undefined : `ignored: ${reason}`;
    case 'unmapped':
      return undefined;
    default:
      return status satisfies never;
  }
}

function written({ bundle }: Pick<Explained, 'bundle'>): string {
  return Buffer.from(fhirBundle.encode(bundle)).toString('utf8');
}
