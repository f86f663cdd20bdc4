/** How a service that the settings turn on stands at a hub. */
export interface ServiceStanding {
  readonly service: string;
  /** Of several hubs one runs it. */
  readonly runs: boolean;
  /** How far it is behind what is published, where it runs. */
  readonly behindMs: number;
}

/** How services stand of which several hubs told. */
export function servicesTogether(all: readonly ServiceStanding[]): readonly ServiceStanding[] {
  return [...Map.groupBy(all, ({ service }) => service)].map(([service, each]) => ({
    service,
    runs: each.some(({ runs }) => runs),
    behindMs: Math.max(...each.map(({ runs, behindMs }) => (runs ? behindMs : 0))),
  }));
}
