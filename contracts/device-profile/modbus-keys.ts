import { z } from 'zod';
import { named, numeric, plausible, scaling, text, unit } from './point-keys.ts';

const table = z.enum(['coils', 'discrete-inputs', 'holding-registers', 'input-registers']);
const everyMs = (least: number) => z.int().min(least).max(86_400_000);

const never = z.strictObject({
  table: table.describe('Of which table.'),
  address: z.int().min(0).max(65_535).describe('The first address, as it travels: from 0, whatever `addressing` says.'),
  quantity: z.int().min(1).max(65_536).default(1).describe('How many bits or registers.'),
});

const group = z.strictObject({
  everyMs: everyMs(10).describe('How often its points are read.'),
  phaseMs: z.int().min(0).default(0).describe('How much later than the other groups it begins.'),
});

const polling = {
  addressing: z
    .enum(['zero-based', 'one-based', 'modicon'])
    .describe(
      'How the manual counts: `zero-based` as addresses travel, `one-based` from 1, `modicon` 40001 for the first holding register. There is no default: a guess is off by one.',
    ),
  timeoutMs: z.int().min(10).max(60_000).default(1_000).describe('How long a unit may take to answer.'),
  maxGap: z.int().min(0).max(124).default(0).describe('So many addresses between two points are read with them.'),
  maxRegisters: z
    .int()
    .min(1)
    .max(125)
    .default(125)
    .describe('The most registers of one request; some devices take less.'),
  maxBits: z.int().min(1).max(2_000).default(2_000).describe('The most bits of one request.'),
  never: z.array(never).default([]).describe('What no request may touch: reading it changes or disturbs the device.'),
  groups: z
    .record(z.string().regex(/^[a-z][a-z0-9-]*$/, 'a name like fast'), group)
    .refine((groups) => Object.keys(groups).length > 0, 'at least one group')
    .describe('How often points are read, by a name that they give. Where there is one only, they need not name it.'),
};

export const modbusTcpSection = z
  .strictObject({
    host: text.describe('Name or address of the device, or of the gateway before it.'),
    port: z.int().min(1).max(65_535).default(502).describe('Its TCP port.'),
    maxOpen: z
      .int()
      .min(1)
      .max(16)
      .default(1)
      .describe(
        'So many units behind one gateway are asked at the same time, each with one request. Above 1 none waits for one that does not answer; many gateways lose a second request.',
      ),
    unit: z.int().min(0).max(255).describe('The unit id; 255 or 1 for most devices that are behind no gateway.'),
    ...polling,
  })
  .describe('How the device is reached and read.');

export const modbusRtuSection = z
  .strictObject({
    path: text.describe(
      'The serial port, best by its id: `/dev/serial/by-id/…`; `host:port` of a device server that passes the line’s bytes on.',
    ),
    baud: z.int().min(300).max(921_600).default(19_200).describe('Bits per second.'),
    parity: z
      .enum(['none', 'even', 'odd'])
      .default('even')
      .describe('As the device is set; the standard’s own is even.'),
    stopBits: z
      .union([z.literal(1), z.literal(2)])
      .default(1)
      .describe('2 where there is no parity.'),
    unit: z.int().min(1).max(247).describe('The unit id on its bus.'),
    ...polling,
  })
  .describe('How the device is reached and read.');

const read = z
  .strictObject({
    table: table.optional().describe('Which table; needed unless `addressing` is modicon.'),
    address: z
      .union([z.int(), z.string().regex(/^\d+$/)])
      .describe('The first address, as `addressing` counts; a text where it has six digits that begin with 0.'),
    group: z.string().optional().describe('How often it is read: one of `modbus.groups`.'),
  })
  .describe('Where in the device it stands.');

const order = z
  .enum(['ABCD', 'DCBA', 'BADC', 'CDAB'])
  .optional()
  .describe('In which order its bytes travel, A the most significant. Needed for numbers of several registers.');
const registers = (most: number) => z.int().min(1).max(most).describe('How many registers it takes.');
const wholeOrWhy = z.union([
  z.number(),
  z.strictObject({
    raw: z.number().describe('The raw number, before scale and offset.'),
    as: z.enum(['Inv', 'Oflw', 'Uflw']).describe('What it means: no value, over or under the range.'),
  }),
]);
const invalid = z
  .array(wholeOrWhy)
  .optional()
  .describe('Raw numbers by which the device says that it has no value: `0x7FFF`.');
const writable = z
  .boolean()
  .default(false)
  .describe(
    'Whether the destination `modbus` may write it: a coil or holding registers. Nothing is written otherwise.',
  );
const place = { ...named, read, writable };
const number = { ...place, ...numeric, ...scaling, order, invalid };

/** A point of a Modbus device; its type says which of the keys it has. */
export const modbusPointKeys = z.discriminatedUnion('type', [
  z.strictObject({
    ...number,
    type: z.enum(['u16', 'i16', 'u32', 'i32', 'u64', 'i64', 'f32', 'f64']).describe('What the registers hold.'),
  }),
  z.strictObject({
    ...number,
    type: z.literal('bcd').describe('Four decimal digits a register.'),
    registers: registers(4),
  }),
  z.strictObject({
    ...place,
    type: z.literal('bitfield').describe('Some bits of one or two registers, as a number.'),
    unit: unit.optional(),
    plausible: plausible.optional(),
    ...scaling,
    order,
    invalid,
    registers: registers(2).default(1),
    bit: z.int().min(0).max(31).describe('The lowest of its bits, 0 the least significant.'),
    width: z.int().min(1).max(32).describe('How many bits.'),
  }),
  z.strictObject({
    ...place,
    type: z.literal('bit').describe('A coil, a discrete input, or a bit of a register.'),
    bit: z.int().min(0).max(15).optional().describe('Of a register: which bit, 0 the least significant.'),
    order,
  }),
  z.strictObject({
    ...place,
    type: z.literal('enum').describe('A number that stands for a name.'),
    names: z
      .record(z.string().regex(/^\d+$/, 'a number'), z.string().min(1))
      .describe('The names by their numbers; another number is no value.'),
    order,
    invalid,
  }),
  z.strictObject({
    ...place,
    type: z.literal('ascii').describe('Two characters a register.'),
    registers: registers(125),
    order,
  }),
]);

export type ModbusTcpSection = z.output<typeof modbusTcpSection>;
export type ModbusRtuSection = z.output<typeof modbusRtuSection>;
export type ModbusSection = ModbusTcpSection | ModbusRtuSection;
export type ModbusPointKeys = z.output<typeof modbusPointKeys>;
