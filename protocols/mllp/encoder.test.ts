import { describe, expect, it } from 'vitest';
import { ProtocolFault } from '../fault.ts';
import { encodeFrame, frameText } from './encoder.ts';

describe('an MLLP encoder', () => {
  it('puts content between 0x0B and 0x1C 0x0D', () => {
    expect(encodeFrame(Buffer.from('MSH|'))).toEqual(Buffer.from('\x0bMSH|\x1c\r'));
  });

  it('does the same with a text', () => {
    expect(frameText('MSH|ä')).toBe('\x0bMSH|ä\x1c\r');
    expect(frameText('')).toBe('\x0b\x1c\r');
  });

  it.each([0x0b, 0x1c])('refuses content with byte %i, and says where', (byte) => {
    const content = Buffer.from([0x41, byte, 0x42]);
    expect(() => encodeFrame(content)).toThrow(ProtocolFault);
    expect(() => encodeFrame(content)).toThrow(expect.objectContaining({ code: 'mllp.reserved-byte', offset: 1 }));
    expect(() => frameText(content.toString('latin1'))).toThrow(
      expect.objectContaining({ code: 'mllp.reserved-byte', offset: 1 }),
    );
  });
});
