import { createRequire } from 'node:module';
import type { StructureDefinition } from '@medplum/fhirtypes';
import { DefinitionFile } from './definition-file.ts';

type Core = typeof import('@medplum/core');

const structures = 'http://hl7.org/fhir/StructureDefinition/';
const load = createRequire(import.meta.url);

/** The definitions of FHIR R4, each read when it is first needed. One for the whole process: the validator has one table of types. */
export class Definitions {
  static #one: Definitions | undefined;
  /** Its code is 0.3 MB, and of no use to a hub that validates nothing. */
  readonly core: Core = load('@medplum/core') as Core;
  readonly #resources = new DefinitionFile('profiles-resources.json');
  readonly #known = new Set<string>();

  static get(): Definitions {
    Definitions.#one ??= new Definitions();
    return Definitions.#one;
  }

  private constructor() {
    const types = new DefinitionFile('profiles-types.json');
    for (const url of types.urls) this.#index(types.resource(url));
    for (const name of ['Resource', 'DomainResource']) this.need(name);
  }

  /** Makes the definition of a resource type known to the validator; false where R4 has none. */
  need(type: string): boolean {
    if (this.#known.has(type)) return true;
    const definition = this.#resources.resource(structures + type);
    if (definition === undefined) return false;
    this.#index(definition);
    this.#known.add(type);
    return true;
  }

  #index(definition: unknown): void {
    this.core.indexStructureDefinitionBundle([definition as StructureDefinition]);
  }
}
