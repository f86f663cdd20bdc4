import { packBits } from '../bits.ts';
import type { ModbusRequest, ModbusResponse } from '../message.ts';

export const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const bits = (text: string) => packBits([...text].map((bit) => bit === '1'));

/**
 * The examples of MODBUS Application Protocol V1.1b3 §6, each request with its response as PDUs in hexadecimal. §6.13 and
 * §6.21, whose contents are the device's own, are made after their pattern.
 */
export const specificationExamples: readonly [
  what: string,
  request: string,
  message: ModbusRequest,
  response: string,
  answer: ModbusResponse,
][] = [
  [
    '§6.1',
    '01 0013 0013',
    { function: 'read-coils', address: 0x13, quantity: 19 },
    '01 03 CD6B05',
    { function: 'read-coils', bits: bits('1011001111010110101') },
  ],
  [
    '§6.2',
    '02 00C4 0016',
    { function: 'read-discrete-inputs', address: 0xc4, quantity: 22 },
    '02 03 ACDB35',
    { function: 'read-discrete-inputs', bits: hex('ACDB35') },
  ],
  [
    '§6.3',
    '03 006B 0003',
    { function: 'read-holding-registers', address: 0x6b, quantity: 3 },
    '03 06 022B 0000 0064',
    { function: 'read-holding-registers', registers: hex('022B00000064') },
  ],
  [
    '§6.4',
    '04 0008 0001',
    { function: 'read-input-registers', address: 8, quantity: 1 },
    '04 02 000A',
    { function: 'read-input-registers', registers: hex('000A') },
  ],
  [
    '§6.5',
    '05 00AC FF00',
    { function: 'write-coil', address: 0xac, value: true },
    '05 00AC FF00',
    { function: 'write-coil', address: 0xac, value: true },
  ],
  [
    '§6.6',
    '06 0001 0003',
    { function: 'write-register', address: 1, value: 3 },
    '06 0001 0003',
    { function: 'write-register', address: 1, value: 3 },
  ],
  ['§6.7', '07', { function: 'read-exception-status' }, '07 6D', { function: 'read-exception-status', status: 0x6d }],
  [
    '§6.8',
    '08 0000 A537',
    { function: 'diagnostics', subfunction: 0, data: hex('A537') },
    '08 0000 A537',
    { function: 'diagnostics', subfunction: 0, data: hex('A537') },
  ],
  [
    '§6.9',
    '0B',
    { function: 'read-event-counter' },
    '0B FFFF 0108',
    { function: 'read-event-counter', status: 0xffff, events: 0x108 },
  ],
  [
    '§6.10',
    '0C',
    { function: 'read-event-log' },
    '0C 08 0000 0108 0121 2000',
    { function: 'read-event-log', status: 0, events: 0x108, messages: 0x121, log: hex('2000') },
  ],
  [
    '§6.11',
    '0F 0013 000A 02 CD01',
    { function: 'write-coils', address: 0x13, quantity: 10, bits: hex('CD01') },
    '0F 0013 000A',
    { function: 'write-coils', address: 0x13, quantity: 10 },
  ],
  [
    '§6.12',
    '10 0001 0002 04 000A 0102',
    { function: 'write-registers', address: 1, registers: hex('000A0102') },
    '10 0001 0002',
    { function: 'write-registers', address: 1, quantity: 2 },
  ],
  ['§6.13', '11', { function: 'report-server-id' }, '11 02 7BFF', { function: 'report-server-id', id: hex('7BFF') }],
  [
    '§6.14',
    '14 0E 06 0004 0001 0002 06 0003 0009 0002',
    {
      function: 'read-file-records',
      ranges: [
        { file: 4, record: 1, quantity: 2 },
        { file: 3, record: 9, quantity: 2 },
      ],
    },
    '14 0C 05 06 0DFE0020 05 06 33CD0040',
    { function: 'read-file-records', ranges: [hex('0DFE0020'), hex('33CD0040')] },
  ],
  [
    '§6.15',
    '15 0D 06 0004 0007 0003 06AF04BE100D',
    { function: 'write-file-records', records: [{ file: 4, record: 7, registers: hex('06AF04BE100D') }] },
    '15 0D 06 0004 0007 0003 06AF04BE100D',
    { function: 'write-file-records', records: [{ file: 4, record: 7, registers: hex('06AF04BE100D') }] },
  ],
  [
    '§6.16',
    '16 0004 00F2 0025',
    { function: 'mask-write-register', address: 4, and: 0xf2, or: 0x25 },
    '16 0004 00F2 0025',
    { function: 'mask-write-register', address: 4, and: 0xf2, or: 0x25 },
  ],
  [
    '§6.17',
    '17 0003 0006 000E 0003 06 00FF00FF00FF',
    {
      function: 'read-write-registers',
      address: 3,
      quantity: 6,
      writeAddress: 0xe,
      registers: hex('00FF00FF00FF'),
    },
    '17 0C 00FE 0ACD 0001 0003 000D 00FF',
    { function: 'read-write-registers', registers: hex('00FE0ACD00010003000D00FF') },
  ],
  [
    '§6.18',
    '18 04DE',
    { function: 'read-fifo', address: 0x4de },
    '18 0006 0002 01B8 1284',
    { function: 'read-fifo', registers: hex('01B81284') },
  ],
  [
    '§6.21',
    '2B 0E 01 00',
    { function: 'read-device-identification', category: 1, object: 0 },
    '2B 0E 01 01 00 00 02 00 04 41434D45 02 05 56322E3131',
    {
      function: 'read-device-identification',
      category: 1,
      conformity: 1,
      objects: [
        { id: 0, value: Buffer.from('ACME') },
        { id: 2, value: Buffer.from('V2.11') },
      ],
    },
  ],
  [
    'an exception',
    '01 04A1 0001',
    { function: 'read-coils', address: 0x4a1, quantity: 1 },
    '81 02',
    { function: 'exception', of: 1, exception: 2 },
  ],
];
