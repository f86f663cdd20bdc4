import type { ContentOf } from './keys.ts';

/** Where the device of a profile is asked: the same for all that share a connection or a serial line. */
export function modbusAddress(content: ContentOf<'modbus-tcp'> | ContentOf<'modbus-rtu'>) {
  if (content.kind === 'modbus-tcp') {
    const { host, port, maxOpen } = content.modbus;
    return { kind: 'tcp' as const, host, port, maxOpen };
  }
  const { path, baud, parity, stopBits } = content.modbus;
  return { kind: 'rtu' as const, port: { path, baud, dataBits: 8 as const, parity, stopBits } };
}
