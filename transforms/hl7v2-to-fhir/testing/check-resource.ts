import type { Elements } from '../compile/elements.ts';

type Element = Readonly<Record<string, unknown>>;

const PRIMITIVES: Readonly<Record<string, RegExp>> = {
  id: /^[A-Za-z0-9\-.]{1,64}$/,
  code: /^[^\s]+(\s[^\s]+)*$/,
  uri: /^\S+$/,
  url: /^\S+$/,
  canonical: /^\S+$/,
  oid: /^urn:oid:[0-2](\.(0|[1-9][0-9]*))+$/,
  uuid: /^urn:uuid:[0-9a-f-]{36}$/,
  date: /^\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?$/,
  dateTime:
    /^\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01])(T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?(Z|[+-]((0\d|1[0-3]):[0-5]\d|14:00)))?)?)?$/,
  instant:
    /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?(Z|[+-]((0\d|1[0-3]):[0-5]\d|14:00))$/,
  time: /^([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?$/,
  string: /^[\s\S]+$/,
  markdown: /^[\s\S]+$/,
};

/**
 * What is wrong with a resource by R4's definitions: elements that there are not, wrong types and cardinalities, primitives
 * that are not written as theirs are, codes outside a required value set, anything empty. Stricter than validators that
 * pass over primitives; none of invariants.
 */
export function checkResource(resource: Element, elements: Elements): string[] {
  const problems: string[] = [];
  const type = String(resource.resourceType);
  if (!elements.isResource(type)) return [`${type} is no resource`];
  if (resource.id !== undefined && !PRIMITIVES.id!.test(String(resource.id))) problems.push(`${type}.id is none`);
  checkElement(resource, type, type, elements, problems);
  return problems;
}

function checkElement(element: Element, at: string, path: string, elements: Elements, problems: string[]): void {
  const keys = Object.keys(element).filter((key) => key !== 'resourceType');
  if (keys.length === 0) problems.push(`${path} is empty`);
  const seen = new Set<string>();
  for (const key of keys) {
    const name = key.startsWith('_') ? key.slice(1) : key;
    const found = elementOf(at, name, elements);
    if (!found) {
      problems.push(`${path}.${name} is no element`);
      continue;
    }
    seen.add(found.declared);
    const choice = found.declared.endsWith('[x]') ? found.declared : undefined;
    if (
      choice &&
      keys.some(
        (other) => other !== key && other !== `_${key}` && `_${other}` !== key && isOf(other, choice, at, elements),
      )
    )
      problems.push(`${path}.${choice} has more than one value`);
    const value = element[key];
    if (key.startsWith('_')) {
      for (const each of Array.isArray(value) ? value : [value]) {
        if (each !== null) checkElement(each as Element, 'Element', `${path}.${name}`, elements, problems);
      }
      continue;
    }
    if (Array.isArray(value) !== found.array) {
      problems.push(`${path}.${name} is ${found.array ? 'no list' : 'a list'}`);
      continue;
    }
    if (Array.isArray(value) && value.length === 0) problems.push(`${path}.${name} is an empty list`);
    for (const each of Array.isArray(value) ? value : [value])
      checkValue(each, found, `${path}.${name}`, elements, problems);
  }
  for (const [name, fact] of elements.under(at))
    if (fact.required && !seen.has(name)) problems.push(`${path}.${name} is missing`);
  if (path.endsWith('extension') && element.url !== undefined && !keys.some((key) => /^_?value|^extension$/.test(key)))
    problems.push(`${path} has no value`);
}

interface Found {
  readonly declared: string;
  readonly array: boolean;
  readonly type: string;
  readonly at: string;
  readonly binding?: string | undefined;
}

function elementOf(parent: string, name: string, elements: Elements): Found | undefined {
  const fact = elements.of(`${parent}.${name}`);
  if (fact) {
    const type = fact.types[0] ?? 'Element';
    const inline = type === 'BackboneElement' || type === 'Element' || fact.sameAs !== undefined;
    return {
      declared: name,
      array: fact.array,
      type,
      binding: fact.binding,
      at: fact.sameAs ?? (inline ? `${parent}.${name}` : type),
    };
  }
  for (let end = name.length - 1; end > 0; end--) {
    const choice = elements.of(`${parent}.${name.slice(0, end)}[x]`);
    const type = choice?.types.find((each) => each[0]!.toUpperCase() + each.slice(1) === name.slice(end));
    if (choice && type)
      return { declared: `${name.slice(0, end)}[x]`, array: choice.array, type, at: type, binding: choice.binding };
  }
  if ((name === 'extension' || name === 'modifierExtension') && !elements.isResource(parent))
    return { declared: name, array: true, type: 'Extension', at: 'Extension' };
  if (name === 'id') return { declared: name, array: false, type: 'string', at: 'string' };
  return undefined;
}

function isOf(name: string, choice: string, parent: string, elements: Elements): boolean {
  return elementOf(parent, name.replace(/^_/, ''), elements)?.declared === choice;
}

function checkValue(
  value: unknown,
  { type, at, binding }: Found,
  path: string,
  elements: Elements,
  problems: string[],
): void {
  if (type === 'Resource') return;
  if (!elements.isPrimitive(type)) {
    if (typeof value !== 'object' || value === null) problems.push(`${path} is no ${type}`);
    else checkElement(value as Element, at, path, elements, problems);
    return;
  }
  switch (type) {
    case 'boolean':
      if (typeof value !== 'boolean') problems.push(`${path} is no boolean`);
      return;
    case 'decimal':
    case 'integer':
    case 'unsignedInt':
    case 'positiveInt':
      if (typeof value !== 'number' || !Number.isFinite(value)) problems.push(`${path} is no number`);
      else if (type !== 'decimal' && !Number.isInteger(value)) problems.push(`${path} is no whole number`);
      else if ((type === 'positiveInt' && value < 1) || (type === 'unsignedInt' && value < 0))
        problems.push(`${path} is too small`);
      return;
    case 'base64Binary':
      if (typeof value !== 'string' || value.length % 4 !== 0) problems.push(`${path} is no base64`);
      return;
  }
  if (typeof value !== 'string') {
    problems.push(`${path} is no text`);
    return;
  }
  const pattern = PRIMITIVES[type];
  if (value.trim() === '') problems.push(`${path} is empty`);
  else if (pattern && !pattern.test(value)) problems.push(`${path} is no ${type}`);
  else if (binding) {
    const codes = elements.codesOf(binding);
    if (codes && !codes.includes(value)) problems.push(`${path} is no code of ${binding}`);
  }
}

/** References of a bundle that lead to none of its entries, and ids that occur twice. */
export function danglingIn(bundle: {
  readonly entry?: readonly { readonly fullUrl?: string; readonly resource?: unknown }[];
}): string[] {
  const problems: string[] = [];
  const known = new Set<string>();
  for (const { fullUrl } of bundle.entry ?? []) {
    if (fullUrl === undefined || known.has(fullUrl)) problems.push('an entry has no id of its own');
    else known.add(fullUrl);
  }
  const visit = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, each] of Object.entries(value)) {
      if (key === 'reference' && typeof each === 'string' && !known.has(each)) problems.push(`${path} leads nowhere`);
      visit(each, `${path}.${key}`);
    }
  };
  for (const { resource } of bundle.entry ?? []) visit(resource, (resource as { resourceType: string }).resourceType);
  return problems;
}
