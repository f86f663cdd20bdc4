import type { FieldInput } from '../input.ts';
import type { Hl7Message } from '../message.ts';
import type { CheckedPath, StructureName, TypedVersion } from './typed-path.ts';

/**
 * A message whose structure is known while compiling: a path to a segment, field or component that it does not have does not
 * compile. It reads and sets as `Hl7Message` does, by the same paths.
 * @param structure as in MSH-9.3, `ADT_A01`. That the message has it is for the caller to see to (`structureOf`): of any other
 *   the paths are absent
 */
export function typed<V extends TypedVersion, S extends StructureName<V>>(
  message: Hl7Message,
  structure: S,
  version: V,
): TypedMessage<V, S> {
  return new TypedMessage(message, structure, version);
}

export class TypedMessage<V extends TypedVersion, S extends StructureName<V>> {
  readonly message: Hl7Message;
  readonly structure: S;
  readonly version: V;

  constructor(message: Hl7Message, structure: S, version: V) {
    this.message = message;
    this.structure = structure;
    this.version = version;
  }

  /** As `Hl7Message.get`. */
  get<const P extends string>(path: CheckedPath<V, S, P> & P): string | null | undefined {
    return this.message.get(path);
  }

  /** As `Hl7Message.all`. */
  all<const P extends string>(path: CheckedPath<V, S, P> & P): string[] {
    return this.message.all(path);
  }

  /** As `Hl7Message.has`. */
  has<const P extends string>(path: CheckedPath<V, S, P> & P): boolean {
    return this.message.has(path);
  }

  /** As `Hl7Message.set`. */
  set<const P extends string>(path: CheckedPath<V, S, P> & P, value: FieldInput): TypedMessage<V, S> {
    return this.#with(this.message.set(path, value));
  }

  /** As `Hl7Message.setAll`. */
  setAll<const P extends string>(path: CheckedPath<V, S, P> & P, value: FieldInput): TypedMessage<V, S> {
    return this.#with(this.message.setAll(path, value));
  }

  /** As `Hl7Message.remove`. */
  remove<const P extends string>(path: CheckedPath<V, S, P> & P): TypedMessage<V, S> {
    return this.#with(this.message.remove(path));
  }

  #with(message: Hl7Message): TypedMessage<V, S> {
    return message === this.message ? this : new TypedMessage(message, this.structure, this.version);
  }
}
