/** A serial port and how its device talks, or the device server that has the port. */
export interface PortSettings {
  /**
   * Of this machine, best by its id (`/dev/serial/by-id/…`), which stays when other devices are plugged in; or `tcp://host:port` of a
   * device server, whose own settings then say baud and the rest.
   */
  readonly path: string;
  readonly baud: number;
  readonly dataBits: 7 | 8;
  readonly parity: 'none' | 'even' | 'odd';
  readonly stopBits: 1 | 2;
}
