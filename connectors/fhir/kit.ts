import type { Client } from 'fhir-kit-client';

/** A request as fhir-kit-client writes it: an address below the base of the server, and headers in lower case. */
export interface Composed {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What fhir-kit-client makes of an interaction, without sending it. */
export type Compose = (interaction: (client: Client) => Promise<unknown>) => Composed;

/**
 * fhir-kit-client, as far as it can be used. On the wire it would lose what a destination owes its messages: its `fetch` goes after
 * redirections (a POST that is answered with 302 becomes a GET, and counts as done), throws the same error whether or not anything was
 * sent, reads answers of any length, and takes neither our certificates nor a time after which nothing may begin. So it composes, and
 * the requester of `http` destinations sends. Its code is loaded where there is such a destination: that takes 30 ms.
 */
export async function kit(): Promise<Compose> {
  const { Client } = await import('fhir-kit-client');
  const client = new Client({ baseUrl: 'http://far.end' });
  let found: Composed | undefined;
  client.httpClient.request = async (method, url, options = {}) => {
    found = { method, path: below(url), headers: { accept: 'application/fhir+json', ...options.headers } };
    return { resourceType: 'Parameters' };
  };
  return (interaction) => {
    found = undefined;
    void interaction(client);
    if (!found) throw new TypeError('fhir-kit-client did not make a request of it at once');
    return found;
  };
}

/** The base itself goes without a slash at its end (hl7.org/fhir/R4/http.html#general). */
function below(url: string): string {
  if (url === '/' || url === '') return '';
  return url.startsWith('/') ? url : `/${url}`;
}
