import type { CodeSystem, CodeSystemConcept, ValueSet, ValueSetComposeInclude } from '@medplum/fhirtypes';
import { DefinitionFile } from './definition-file.ts';

/** The codes of a value set, as `system|code`, and without their system for elements that are of type code. */
export interface Codes {
  readonly codes: ReadonlySet<string>;
  readonly codings: ReadonlySet<string>;
}

/**
 * The value sets that FHIR R4 itself enumerates. Those that it takes from elsewhere (media types, languages, currencies), or says
 * by rule, are not known here.
 */
export class ValueSets {
  readonly #file = new DefinitionFile('valuesets.json');
  readonly #known = new Map<string, Codes | undefined>();

  /** Undefined for a value set that cannot be enumerated. @param canonical with or without `|` and its version */
  codesOf(canonical: string): Codes | undefined {
    const [url = ''] = canonical.split('|');
    if (!this.#known.has(url)) this.#known.set(url, this.#expanded(url));
    return this.#known.get(url);
  }

  #expanded(url: string): Codes | undefined {
    const set = this.#file.resource(url) as ValueSet | undefined;
    const { include, exclude } = set?.compose ?? {};
    if (!include || exclude) return undefined;
    const codes = new Set<string>();
    const codings = new Set<string>();
    for (const each of include) {
      const found = this.#included(each);
      if (!found) return undefined;
      for (const [system, code] of found) {
        codes.add(code);
        codings.add(`${system}|${code}`);
      }
    }
    return { codes, codings };
  }

  #included(include: ValueSetComposeInclude): Iterable<readonly [string, string]> | undefined {
    const { system, concept, filter, valueSet } = include;
    if (valueSet) return system === undefined && valueSet.length === 1 ? this.#ofSet(valueSet[0]!) : undefined;
    if (system === undefined || filter) return undefined;
    const concepts = concept ?? this.#conceptsOf(system);
    return concepts && flat(concepts).map((code) => [system, code] as const);
  }

  #ofSet(url: string): Iterable<readonly [string, string]> | undefined {
    const codings = this.codesOf(url)?.codings;
    return (
      codings && [...codings].map((each) => [each.split('|')[0] ?? '', each.slice(each.indexOf('|') + 1)] as const)
    );
  }

  /** Only of a code system that is there as a whole. */
  #conceptsOf(system: string): readonly CodeSystemConcept[] | undefined {
    const name = system.slice(system.lastIndexOf('/') + 1);
    const found = this.#file.resource(`http://hl7.org/fhir/CodeSystem/${name}`) as CodeSystem | undefined;
    return found?.url === system && found.content === 'complete' ? found.concept : undefined;
  }
}

function flat(
  concepts: readonly { readonly code?: string; readonly concept?: readonly CodeSystemConcept[] }[],
): string[] {
  return concepts.flatMap(({ code, concept = [] }) => [...(code === undefined ? [] : [code]), ...flat(concept)]);
}
