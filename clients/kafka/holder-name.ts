/**
 * What brokers know the holder of a lease by: the same at each hub that takes it, so that the newest one fences those before it. `/` is in
 * no name of a channel or destination.
 */
export function holderName({ channel, destination }: { readonly channel: string; readonly destination?: string }) {
  return destination === undefined ? `weir/${channel}` : `weir/${channel}/${destination}`;
}
