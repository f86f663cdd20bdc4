import { defineConnector } from '../../core/define.ts';
import { config } from './config.ts';
import { HttpDestination } from './http-destination.ts';

/**
 * Makes an HTTP request of each message (RFC 9110) and reads its answer: a message is sent when the far end says so by its
 * status; what else it says is looked up in `response`. The bytes go as they are, with the effect id as idempotency key, so that
 * a far end that looks at it does not act twice. `wait` is an error of the destination: messages wait until it is over.
 */
export const http = defineConnector({
  type: 'http',
  summary: 'Makes an HTTP request of each message and reads what its answer means (RFC 9110).',
  accepts: 'any',
  // One message a call: with several, the slowest answer of a batch would hold up the others.
  batching: 'independent',
  maxBatch: 1,
  concurrency: (c) => c.connections,
  effect: 'atLeastOnce',
  config,
  examples: [
    {
      title: 'Results to the portal, under the number of the order',
      config: {
        endpoint: 'portal',
        method: 'PUT',
        path: '/results/${meta.orderNumber}',
        contentType: 'application/json',
        auth: { bearer: 'portal-token' },
      },
    },
    {
      title: 'A far end that knows its callers by OAuth 2 and says 409 to what it has',
      config: {
        endpoint: 'registry',
        path: '/events?source=${channel}',
        headers: { 'X-Source': '${channel}' },
        auth: { oauth2: 'registry-login' },
        response: { '409': 'sent', '5xx': 'retry' },
      },
    },
  ],
  create: (c, context) => new HttpDestination(c, context),
});
