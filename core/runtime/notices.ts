/** What hubs that share a store tell each other. */
export type Notice =
  | { readonly about: 'channel'; readonly channel: string }
  | { readonly about: 'destination'; readonly channel: string; readonly destination: string }
  | {
      readonly about: 'row';
      readonly channel: string;
      readonly destination: string;
      readonly seq: number;
      readonly n: number;
      readonly ready: boolean;
    };

/** Whether a channel is wanted running, paused or stopped has changed. */
export function channelNotice(channel: string): string {
  return JSON.stringify({ about: 'channel', channel } satisfies Notice);
}

/** Whether a destination is wanted started has changed. */
export function destinationNotice(channel: string, destination: string): string {
  return JSON.stringify({ about: 'destination', channel, destination } satisfies Notice);
}

/** Somebody has changed a row of a queue. */
export function rowNotice(channel: string, destination: string, seq: number, n: number, ready: boolean): string {
  return JSON.stringify({ about: 'row', channel, destination, seq, n, ready } satisfies Notice);
}

/** What a hub of the same version, or of another, has told: undefined where this one does not know it. */
export function readNotice(subject: string): Notice | undefined {
  const notice = JSON.parse(subject) as Notice;
  return ['channel', 'destination', 'row'].includes(notice.about) ? notice : undefined;
}
