import type { Feed } from './samples.ts';

/** Which channel takes which feed, and on which endpoint of `channels/env/demo.yaml`. */
export const interfaces: Readonly<Record<Feed, { readonly channel: string; readonly endpoint: string }>> = {
  adt: { channel: 'adt-inbound', endpoint: 'ehr-adt-in' },
  orders: { channel: 'orders-to-lab', endpoint: 'ehr-orders-in' },
  results: { channel: 'oru-inbound', endpoint: 'lab-oru-in' },
};
