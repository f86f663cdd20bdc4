type Json = Readonly<Record<string, unknown>>;

interface Entry {
  readonly fullUrl?: string;
  readonly resource?: Json;
}

/** Where references of a bundle lead to none of its resources, nor to an address elsewhere: `Observation.subject`. */
export function danglingIn(bundle: unknown): string[] {
  const entries = entriesOf(bundle);
  const known = new Set<string>();
  for (const { fullUrl, resource } of entries) {
    if (fullUrl !== undefined) known.add(fullUrl);
    if (resource?.id !== undefined) known.add(`${resource.resourceType}/${resource.id}`);
  }
  const dangling: string[] = [];
  for (const { resource } of entries) {
    const contained = new Set((asList(resource?.contained) as Json[]).map(({ id }) => `#${id}`));
    visit(resource, String(resource?.resourceType), (reference, path) => {
      const leads = reference.startsWith('#') ? contained.has(reference) : known.has(reference);
      if (!leads && !/^https?:\/\//.test(reference)) dangling.push(path);
    });
  }
  return dangling;
}

/** Elements that every resource may have, and those that only say what it belongs to. */
const SURROUNDINGS = new Set(['resourceType', 'id', 'meta', 'implicitRules', 'language']);
const BELONGS = new Set(['subject', 'patient', 'encounter', 'context', 'beneficiary', 'account', 'basedOn']);

/** Resources that hold nothing of their own, and lists, objects and texts that hold nothing. */
export function emptyIn(bundle: unknown): string[] {
  const empty = hollow(bundle, 'Bundle');
  for (const { resource = {} } of entriesOf(bundle)) {
    const own = Object.keys(resource).filter((key) => !SURROUNDINGS.has(key) && !BELONGS.has(key));
    if (own.length === 0) empty.push(String(resource.resourceType));
  }
  return empty;
}

/** `null` stands in a list of primitives where one has only an extension. */
function hollow(value: unknown, path: string, inList = false): string[] {
  if (typeof value === 'string') return value.trim() === '' ? [path] : [];
  if (value === null) return inList ? [] : [path];
  if (typeof value !== 'object') return [];
  const parts = Array.isArray(value) ? value.map((each) => [path, each] as const) : named(value as Json, path);
  if (parts.length === 0) return [path];
  return parts.flatMap(([at, each]) => hollow(each, at, Array.isArray(value)));
}

function named(value: Json, path: string): (readonly [string, unknown])[] {
  const begin = typeof value.resourceType === 'string' ? value.resourceType : path;
  return Object.entries(value).map(([key, each]) => [`${begin}.${key}`, each] as const);
}

function visit(value: unknown, path: string, found: (reference: string, path: string) => void): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, each] of Object.entries(value)) {
    const at = Array.isArray(value) ? path : `${path}.${key}`;
    if (key === 'reference' && typeof each === 'string') found(each, path);
    else visit(each, at, found);
  }
}

function entriesOf(bundle: unknown): readonly Entry[] {
  return asList((bundle as { readonly entry?: unknown } | null)?.entry) as Entry[];
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
