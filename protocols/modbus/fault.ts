/** Every reason for which the Modbus codec refuses its input. Closed. */
export type ModbusFaultCode =
  /** A request asks for more than its function allows, or for nothing. A server answers it with exception 3. */
  | 'modbus.bad-quantity'
  /** A request goes beyond address 65,535, or an address is not written as its base requires. A server answers exception 2. */
  | 'modbus.bad-address'
  /** A unit id is out of range for its line. */
  | 'modbus.bad-unit'
  /** A value cannot be written in its type, or a field of a PDU has a value that the specification does not allow. */
  | 'modbus.bad-value'
  /** A function code that is not known here. A server answers it with exception 1. */
  | 'modbus.unknown-function'
  /** A PDU is shorter or longer than its function and its own counts say. */
  | 'modbus.bad-length'
  /** TCP: the protocol identifier is not 0. */
  | 'modbus.bad-protocol'
  /** TCP: the length in the header is not 2 to 254. */
  | 'modbus.bad-header-length'
  /** TCP: no open request has this transaction id. */
  | 'modbus.wrong-transaction'
  /** A response comes from another unit than was asked. */
  | 'modbus.wrong-unit'
  /** A response has another function code than the request. */
  | 'modbus.wrong-function'
  /** A response repeats other values than the request had, or brings another quantity than was asked for. */
  | 'modbus.wrong-echo'
  /** Nothing may be sent now: too many requests are open, or the line has to stay quiet. */
  | 'modbus.busy'
  /** A point cannot be read: longer than a request may be, or inside of what must never be read. */
  | 'modbus.unreadable-point';

/**
 * What is wrong, as a value: the codec never throws. The reason says what was being done and what was wrong, never a
 * register's content: it may be logged.
 */
export class ModbusFault {
  readonly code: ModbusFaultCode;
  readonly reason: string;

  constructor(code: ModbusFaultCode, reason: string) {
    this.code = code;
    this.reason = reason;
  }
}
