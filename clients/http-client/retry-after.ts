import type { IncomingHttpHeaders } from 'node:http';

/**
 * How many milliseconds the far end wants to be left alone (RFC 9110 §10.2.3), at `now`; 0 where it says nothing that can be read. A
 * date is taken by the far end's own clock where the answer has one, for the two may differ.
 */
export function retryAfter(headers: IncomingHttpHeaders, now: number): number {
  const said = headers['retry-after']?.trim() ?? '';
  if (/^\d{1,12}$/.test(said)) return Number(said) * 1_000;
  const until = httpDate(said);
  if (until === undefined) return 0;
  return Math.max(0, until - (httpDate(headers.date ?? '') ?? now));
}

/** `Sun, 06 Nov 1994 08:49:37 GMT`, and the two forms that are obsolete (RFC 9110 §5.6.7). */
function httpDate(text: string): number | undefined {
  if (!/^[A-Z][a-z]{2,8},? .*\d\d:\d\d:\d\d/.test(text)) return undefined;
  const at = Date.parse(/GMT$/.test(text) ? text : `${text} GMT`);
  return Number.isNaN(at) ? undefined : at;
}
