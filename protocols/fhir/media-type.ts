/** Types under which FHIR's JSON goes (hl7.org/fhir/R4/http.html#mime-type), and plain JSON. */
const jsonTypes: ReadonlySet<string> = new Set(['application/fhir+json', 'application/json', 'text/json']);
/** What `_format` may say for the same. */
const jsonFormats: ReadonlySet<string> = new Set([...jsonTypes, 'json']);
const version = /^4\.0(?:\.1)?$/;

interface MediaType {
  /** Lower case. */
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** Whether a body of this content type can be read: JSON in UTF-8, of FHIR R4 where it says of which version. */
export function isTaken(contentType: string): boolean {
  const { type, parameters } = mediaType(contentType);
  return jsonTypes.has(type) && isOurs(parameters) && /^utf-?8$/i.test(parameters.get('charset') ?? 'utf-8');
}

/**
 * The content type of an answer: `application/fhir+json` unless plain JSON alone is asked for. Undefined where what is asked for
 * cannot be given. What `_format` says goes before `Accept`.
 */
export function answeredAs(accept: string | undefined, format: string | null): string | undefined {
  // A plus sign that is not encoded is read as a blank: `_format=application/fhir+json`.
  if (format !== null) return jsonFormats.has(mediaType(format.replace(' ', '+')).type) ? fhirJson : undefined;
  if (accept === undefined || accept.trim() === '') return fhirJson;
  const asked = accept
    .split(',')
    .map(mediaType)
    .filter(({ parameters }) => Number(parameters.get('q') ?? 1) > 0 && isOurs(parameters))
    .map(({ type }) => type);
  if (asked.some((type) => type === fhirJson || type === '*/*' || type === 'application/*')) return fhirJson;
  return asked.find((type) => jsonTypes.has(type));
}

const fhirJson = 'application/fhir+json';

function isOurs(parameters: ReadonlyMap<string, string>): boolean {
  const asked = parameters.get('fhirversion');
  return asked === undefined || version.test(asked);
}

function mediaType(text: string): MediaType {
  const [type = '', ...rest] = text.split(';');
  const parameters = rest.map((each): [string, string] => {
    const [name = '', ...value] = each.split('=');
    return [
      name.trim().toLowerCase(),
      value
        .join('=')
        .trim()
        .replace(/^"(.*)"$/, '$1'),
    ];
  });
  return { type: type.trim().toLowerCase(), parameters: new Map(parameters) };
}
