import type { Line } from '../../../clients/serial-port/line.ts';
import { HubError } from '../../../core/errors.ts';
import { ModbusFault } from '../../../protocols/modbus/fault.ts';
import { FUNCTION_CODES } from '../../../protocols/modbus/functions.ts';
import { decodeRequest } from '../../../protocols/modbus/request.ts';
import { encodeResponse } from '../../../protocols/modbus/response.ts';
import { encodeRtu, readRtu, rtuRequests } from '../../../protocols/modbus/rtu.ts';
import { encodeTcp, TcpDecoder } from '../../../protocols/modbus/tcp.ts';
import { FrameScanner } from '../../../protocols/serial-framing/scanner.ts';
import { ModbusImage } from './modbus-image.ts';
import type { Of, SimulateOptions } from './playing.ts';
import { eachLine } from './way.ts';

type Playing = Of<'modbus-tcp' | 'modbus-rtu'>;

const DEVICE_FAILURE = 4;
const garbage = Buffer.from('00ff55aa0102030405060708', 'hex');

/** Units behind one TCP port, or on one serial line, which answer by their profile. */
export async function playModbus(
  kind: 'modbus-tcp' | 'modbus-rtu',
  playing: readonly Playing[],
  options: SimulateOptions,
): Promise<void> {
  const units = new Map<number, { readonly playing: Playing; readonly image: ModbusImage }>();
  for (const each of playing) {
    const { unit } = each.device.content.modbus;
    const other = units.get(unit);
    if (other)
      throw new HubError(
        'config-invalid',
        'permanent',
        `simulating ${each.device.id} and ${other.playing.device.id}: both are unit ${unit}; --device names those to play`,
      );
    units.set(unit, { playing: each, image: new ModbusImage(each.device.content) });
  }

  const answer = (unit: number, pdu: Buffer): Buffer | undefined => {
    const known = units.get(unit);
    if (!known || known.playing.isFaulty('silence')) return undefined;
    const request = decodeRequest(pdu);
    if (request instanceof ModbusFault) return undefined;
    known.image.show(known.playing.values());
    const response = known.playing.isFaulty('exception')
      ? { function: 'exception' as const, of: FUNCTION_CODES[request.function], exception: DEVICE_FAILURE }
      : known.image.answer(request);
    const encoded = encodeResponse(response);
    options.sent(1);
    return encoded instanceof ModbusFault ? undefined : encoded;
  };
  const isGarbled = (unit: number) => units.get(unit)?.playing.isFaulty('garbage') === true;

  const overTcp = (line: Line): void => {
    const decoder = new TcpDecoder();
    line.read((chunk) => {
      for (const frame of decoder.decode(chunk)) {
        if (frame instanceof ModbusFault) return line.destroy();
        const pdu = answer(frame.unit, frame.pdu);
        if (pdu) line.write(isGarbled(frame.unit) ? garbage : encodeTcp(frame.transaction, frame.unit, pdu));
      }
    });
  };
  const overRtu = (line: Line): void => {
    const scanner = new FrameScanner(rtuRequests);
    line.read((chunk) => {
      for (const found of scanner.decode(chunk)) {
        if (!Buffer.isBuffer(found)) continue;
        const { unit, pdu } = readRtu(found);
        const response = answer(unit, pdu);
        if (response) line.write(isGarbled(unit) ? garbage : encodeRtu(unit, response));
      }
    });
  };
  await eachLine(
    options.way ?? { kind: 'listen', port: 0 },
    kind === 'modbus-tcp' ? overTcp : overRtu,
    options.ready,
    options.signal,
  );
}
