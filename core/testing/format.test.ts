import { bytes } from '../format.ts';
import { describeFormat } from './format-suite.ts';

describeFormat({ format: bytes, samples: [new Uint8Array(), Uint8Array.of(0, 255, 10, 13), Buffer.from('text')] });
