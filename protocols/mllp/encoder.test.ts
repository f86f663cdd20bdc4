import { describe, expect, it } from 'vitest';
import { ProtocolFault } from '../fault.ts';
import { encodeFrame, encodeFrames } from './encoder.ts';

describe('an MLLP encoder', () => {
  it('puts content between 0x0B and 0x1C 0x0D', () => {
    expect(encodeFrame(Buffer.from('MSH|'))).toEqual(Buffer.from('\x0bMSH|\x1c\r'));
  });

  it('puts several frames behind each other', () => {
    expect(encodeFrames([Buffer.from('a'), Buffer.alloc(0), Buffer.from('b')])).toEqual(
      Buffer.from('\x0ba\x1c\r\x0b\x1c\r\x0bb\x1c\r'),
    );
  });

  it.each([0x0b, 0x1c])('refuses content with byte %i, and says where', (byte) => {
    const content = Buffer.from([0x41, byte, 0x42]);
    expect(() => encodeFrame(content)).toThrow(ProtocolFault);
    expect(() => encodeFrame(content)).toThrow(expect.objectContaining({ code: 'mllp.reserved-byte', offset: 1 }));
  });
});
