import type { ElementFacts } from '../compile/target.ts';
import compiled from '../generated/elements.json' with { type: 'json' };

type Row = readonly [
  types: readonly string[],
  kind: number,
  binding: string,
  sameAs: string,
  references: readonly string[],
];

const table = compiled as unknown as Readonly<Record<string, Readonly<Record<string, Row>>>>;
const facts = new Map<string, ReturnType<ElementFacts['of']>>();

/** What R4 says of the elements of the resources that are made of messages, and of the types in them. */
export const elementTable: ElementFacts = {
  of(path) {
    if (!facts.has(path)) facts.set(path, read(path));
    return facts.get(path);
  },
  isResource: (name) => Object.hasOwn(table, name) && Object.hasOwn(table[name]!, 'meta'),
  isPrimitive: (name) => /^[a-z]/.test(name),
};

/** The elements that a resource, a type or an element of one has to have: `Patient.link`. */
export function requiredUnder(path: string): readonly string[] {
  let found = required.get(path);
  if (!found) {
    const [owner, inner] = divided(path);
    const prefix = inner === '' ? '' : `${inner}.`;
    found = Object.entries(table[owner] ?? {}).flatMap(([name, [, kind]]) => {
      const own = name.startsWith(prefix) ? name.slice(prefix.length) : '';
      return kind >= 2 && own !== '' && !own.includes('.') ? own : [];
    });
    required.set(path, found);
  }
  return found;
}

const required = new Map<string, readonly string[]>();

/** The names of the elements directly under a path, for suggestions. */
export function namesUnder(path: string): readonly string[] {
  const [owner, inner] = divided(path);
  const prefix = inner === '' ? '' : `${inner}.`;
  return Object.keys(table[owner] ?? {}).flatMap((name) => {
    const own = name.startsWith(prefix) ? name.slice(prefix.length) : '';
    return own === '' || own.includes('.') ? [] : own;
  });
}

/** The resources that rules may be about. */
export const resourceNames: readonly string[] = Object.keys(table).filter((name) => elementTable.isResource(name));

function divided(path: string): readonly [owner: string, inner: string] {
  const at = path.indexOf('.');
  return at < 0 ? [path, ''] : [path.slice(0, at), path.slice(at + 1)];
}

function read(path: string): ReturnType<ElementFacts['of']> {
  const [owner, inner] = divided(path);
  const rows = table[owner];
  const row = rows && Object.hasOwn(rows, inner) ? rows[inner] : undefined;
  if (!row) return undefined;
  const [types, kind, binding, sameAs, references] = row;
  return {
    types,
    array: kind % 2 === 1,
    required: kind >= 2,
    ...(binding !== '' && { binding }),
    ...(sameAs !== '' && { sameAs }),
    ...(references.length > 0 && { references }),
  };
}
