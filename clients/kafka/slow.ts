/** Brokers answer within milliseconds, and a fetch that finds nothing within a quarter of a second. */
const slowMs = 3_000;

/**
 * Tells, unless it is cleared before, that there is no answer yet: long before the request is given up, which may well be answered
 * after all.
 */
export function whenSlow(tell: (what: Error) => void, afterMs = slowMs): NodeJS.Timeout {
  return setTimeout(() => tell(new Error('no answer yet')), afterMs);
}
