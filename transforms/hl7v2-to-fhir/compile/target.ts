/** What has to be known of R4 to read a target. */
export interface ElementFacts {
  of(path: string):
    | {
        readonly types: readonly string[];
        readonly array: boolean;
        readonly required: boolean;
        readonly binding?: string;
        readonly sameAs?: string;
        readonly references?: readonly string[];
      }
    | undefined;
  isResource(name: string): boolean;
  isPrimitive(name: string): boolean;
}

/**
 * Where a rule puts its value, resolved against R4: the steps from the resource on, `#` after those that are lists with
 * the number that tells the list's elements apart, `>Practitioner` where it goes on in a resource that is referred to.
 */
export interface Target {
  /** `name#1.given#`, `participant#1.individual>Practitioner`. */
  readonly steps: string;
  /** The type of the last one: `string`, `HumanName`, or of a resource. */
  readonly type: string;
  readonly binding?: string;
  /** By the name of a step that is one of a choice: the other names of it, at most one of which may stand. */
  readonly others?: Readonly<Record<string, readonly string[]>>;
  /** What a target of the form `x="code"` says. */
  readonly assignment?: string;
}

/**
 * Reads a target of the maps: `participant[1].individual(Practitioner.name).given[1]`.
 * @throws Error that says which step R4 does not have
 */
export function readTarget(text: string, resource: string, elements: ElementFacts): Target {
  const [, path = text, fixed] = /^([^=]*?)\s*=\s*"?([^"]*)"?$/.exec(text) ?? [];
  const steps: string[] = [];
  let at = resource;
  let type = resource;
  let binding: string | undefined;
  let references: readonly string[] | undefined;
  const others: Record<string, readonly string[]> = {};
  for (const token of tokensOf(path)) {
    if (token.resource !== undefined) {
      if (type !== 'Reference') throw new Error(`${at} is no reference to ${token.resource}`);
      if (!elements.isResource(token.resource)) throw new Error(`${token.resource} is no resource`);
      if (references && !references.includes(token.resource))
        throw new Error(`${steps.at(-1)} refers to ${references.join(', ')}, not to ${token.resource}`);
      steps.push(`>${token.resource}`);
      at = token.resource;
      type = token.resource;
      binding = undefined;
      continue;
    }
    if (token.name === 'reference' && type === 'Reference' && token.opens) continue;
    const found = elementNamed(at, token.name, elements);
    if (!found) throw new Error(`${at} has no element ${token.name}`);
    const previous = steps.at(-1);
    if (elements.isPrimitive(type) && previous) steps[steps.length - 1] = `_${previous}`;
    steps.push(found.array ? `${found.name}#${token.index ?? ''}` : found.name);
    if (found.others) others[found.name] = found.others;
    at = found.at;
    type = found.type;
    binding = found.binding;
    references = found.references;
  }
  return {
    steps: steps.join('.').replaceAll('.>', '>'),
    type,
    ...(binding && { binding }),
    ...(Object.keys(others).length > 0 && { others }),
    ...(fixed !== undefined && { assignment: fixed }),
  };
}

interface Token {
  readonly name: string;
  readonly index?: string;
  readonly resource?: string;
  /** A bracket follows. */
  readonly opens: boolean;
}

const PART = /\s*(?:([A-Za-z]+)(?:\[(\w+)\])?|([().]))/y;

function tokensOf(path: string): Token[] {
  const tokens: Token[] = [];
  let opened = false;
  let depth = 0;
  PART.lastIndex = 0;
  while (PART.lastIndex < path.length) {
    const found = PART.exec(path);
    if (!found) throw new Error(`"${path}" cannot be read`);
    const [, name, index, sign] = found;
    if (sign === '(') depth++;
    if (sign === ')') depth--;
    if (sign === '(') opened = true;
    else if (name !== undefined) {
      const opens = path[PART.lastIndex] === '(';
      if (opened) tokens.push({ name, resource: name, opens });
      else tokens.push({ name, opens, ...(index !== undefined && { index }) });
      opened = false;
    }
  }
  if (depth !== 0) throw new Error(`the brackets of "${path}" do not match`);
  return tokens;
}

export interface FoundElement {
  readonly name: string;
  /** What else the choice might be: at most one of them stands. */
  readonly others?: readonly string[];
  readonly at: string;
  readonly type: string;
  readonly array: boolean;
  readonly binding?: string;
  readonly references?: readonly string[];
}

/** An element of a type or element by its name, one of a choice too: `valueString`. */
export function elementNamed(parent: string, name: string, elements: ElementFacts): FoundElement | undefined {
  const direct = elements.of(`${parent}.${name}`);
  if (direct) {
    const { types, array, binding, sameAs, references } = direct;
    if (sameAs) return { name, at: sameAs, type: 'BackboneElement', array };
    const type = types[0] ?? 'Element';
    const inline = type === 'BackboneElement' || type === 'Element';
    const at = inline ? `${parent}.${name}` : type;
    return { name, at, type, array, ...(binding && { binding }), ...(references && { references }) };
  }
  for (let end = name.length - 1; end > 0; end--) {
    const choice = elements.of(`${parent}.${name.slice(0, end)}[x]`);
    const type = choice?.types.find((each) => each.toLowerCase() === name.slice(end).toLowerCase());
    if (!choice || !type) continue;
    const names = choice.types.map((each) => name.slice(0, end) + each[0]!.toUpperCase() + each.slice(1));
    const own = names[choice.types.indexOf(type)]!;
    const { array } = choice;
    // Each extension is an element of its own: nothing else can have put another value there.
    const others = parent === 'Extension' ? undefined : names.filter((other) => other !== own);
    return {
      name: own,
      at: type,
      type,
      array,
      ...(others && { others }),
      ...(choice.binding && { binding: choice.binding }),
      ...(choice.references && { references: choice.references }),
    };
  }
  // The elements of a primitive: its extensions.
  if (name === 'extension' && elements.isPrimitive(parent))
    return { name, at: 'Extension', type: 'Extension', array: true };
  if (name === 'extension' || name === 'id') {
    const element = elements.of(`Element.${name}`);
    if (element && !elements.isResource(parent)) return { name, at: 'Extension', type: 'Extension', array: true };
  }
  return undefined;
}
