import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { astmPython } from '../../deploy/services/astm-python.ts';
import { build } from './build.ts';
import { cutIntoFrames, encodeFrame, type Packing } from './frame.ts';

const python = await astmPython();

const read = `
import collections, collections.abc, json, sys
collections.Iterable = collections.abc.Iterable
from astm import codec
frames = [frame.encode('latin-1') for frame in json.load(sys.stdin)]
chunks, records = [], []
for frame in frames:
    chunks.append(frame)
    if codec.is_chunked_message(frame):
        continue
    whole = codec.join(chunks) if len(chunks) > 1 else frame
    chunks = []
    records += codec.decode_message(whole, 'latin-1')[1]
json.dump(records, sys.stdout)
`;

/** Its records: a field is null, a text, components, or repetitions of components. */
function readByPeer(frames: readonly Buffer[]): unknown {
  const input = JSON.stringify(frames.map((frame) => frame.toString('latin1')));
  const { status, stdout, stderr } = spawnSync('python3', ['-c', read], {
    input,
    encoding: 'utf8',
    timeout: 20_000,
    env: { ...process.env, PYTHONPATH: python.path },
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return JSON.parse(stdout);
}

describe.skipIf(python.missing)('the Python package astm-2025', () => {
  const message = build({
    header: { sender: ['weir', '1'], processingId: 'P', time: '20260302081500' },
    records: [
      { type: 'P', laboratoryId: 'p1', name: ['Müller', 'Anna'] },
      {
        type: 'O',
        specimenId: 's1',
        testId: {
          repeats: [
            ['', '', '', 'A'],
            ['', '', '', 'B'],
          ],
        },
      },
      { type: 'R', testId: ['', '', '', 'A'], value: '5.40', unit: 'mmol/L' },
      { type: 'C', source: 'I', text: 'x'.repeat(700) },
    ],
  });
  const test = (code: string) => [null, null, null, code];
  const expected = [
    [
      'H',
      [[null], [null, '&']],
      null,
      null,
      ['weir', '1'],
      null,
      null,
      null,
      null,
      null,
      null,
      'P',
      null,
      '20260302081500',
    ],
    ['P', '1', null, 'p1', null, ['Müller', 'Anna']],
    ['O', '1', 's1', null, [test('A'), test('B')]],
    ['R', '1', test('A'), '5.40', 'mmol/L'],
    ['C', '1', 'I', 'x'.repeat(700)],
    ['L', '1', 'N'],
  ];

  it.each<[Packing, number]>([
    ['record', 240],
    ['message', 240],
    ['message', 63_993],
  ])('reads what is sent by %s in frames of %i bytes', (packing, textBytes) => {
    const content = Buffer.from(message.raw);
    const frames = cutIntoFrames(content, textBytes, packing).map(({ start, end, last }, at) =>
      encodeFrame(at + 1, content.subarray(start, end), last),
    );
    expect(readByPeer(frames)).toEqual(expected);
  });
});
