import { HubError } from '../../core/errors.ts';
import { addressOf, type EndpointSettings, type EndpointUser, ModbusEndpoint } from './endpoint.ts';

interface Shared {
  readonly endpoint: ModbusEndpoint;
  readonly settings: string;
  isClosing: boolean;
}

/** Of this process: devices take one connection, and a serial port one program, whoever wants to read or write there. */
const endpoints = new Map<string, Shared>();

/**
 * The endpoint at that address, which source and destination, of one channel or of several, have together. It is closed when the last
 * user has given it back. Throws HubError `config-invalid`, transient, where somebody has it with other settings: as long as that is so.
 */
export function sharedEndpoint(
  settings: EndpointSettings,
  user: EndpointUser,
): { readonly endpoint: ModbusEndpoint } & AsyncDisposable {
  const address = addressOf(settings);
  const written = JSON.stringify(settings);
  let shared = endpoints.get(address);
  if (shared && !shared.isClosing) {
    if (shared.settings !== written)
      throw new HubError(
        'config-invalid',
        'transient',
        `connecting to ${address}: a channel has it with other settings`,
        { scope: 'destination' },
      );
    shared.endpoint.attach(user);
  } else {
    shared = {
      endpoint: new ModbusEndpoint(settings, user, shared?.endpoint.closed),
      settings: written,
      isClosing: false,
    };
    endpoints.set(address, shared);
  }
  const held = shared;
  return {
    endpoint: held.endpoint,
    [Symbol.asyncDispose]: async () => {
      if (!held.endpoint.detach(user)) return;
      held.isClosing = true;
      await held.endpoint.closed;
      if (endpoints.get(address) === held) endpoints.delete(address);
    },
  };
}
