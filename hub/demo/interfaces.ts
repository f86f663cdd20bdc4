import type { Feed } from './samples.ts';

/** Which channel takes which feed, and on which endpoint of `channels/env/demo.yaml`. */
export const interfaces: Readonly<Record<Feed, { readonly channel: string; readonly endpoint: string }>> = {
  adt: { channel: 'adt-inbound', endpoint: 'ehr-adt-in' },
  orders: { channel: 'orders-to-lab', endpoint: 'ehr-orders-in' },
  results: { channel: 'oru-inbound', endpoint: 'lab-oru-in' },
  appointments: { channel: 'siu-inbound', endpoint: 'scheduling-siu-in' },
  vaccinations: { channel: 'vxu-inbound', endpoint: 'ehr-vxu-in' },
  charges: { channel: 'dft-inbound', endpoint: 'ehr-dft-in' },
  portal: { channel: 'fhir-intake', endpoint: 'portal-fhir' },
};

export const feeds = Object.keys(interfaces) as Feed[];
