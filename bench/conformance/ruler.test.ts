import { describe, expect, it } from 'vitest';
import { parse } from '../../protocols/hl7v2/message.ts';
import { leavesOf } from './leaves.ts';
import { measurePeers } from './peers.ts';
import { landed } from './ruler.ts';
import { hasCorpus, peerPairs } from './sources.ts';

const header = 'MSH|^~\\&|EHR|HOSP|||20260302081500+0100||ADT^A01|1|P|2.5.1\r';
const message = (segments: string) => parse(Buffer.from(`${header}${segments}\r`));

/** Of the values of a segment those that are lost in a resource. */
function lost(segment: string, resource: unknown): string[] {
  const leaves = leavesOf(message(segment)).filter(({ place }) => !place.startsWith('MSH'));
  return landed(leaves, resource).lost.map(({ path, text }) => `${path} ${text}`);
}

describe('leaves', () => {
  it('are all that is populated, decoded, blanks and emptiness left out', () => {
    const leaves = leavesOf(message('PID|1||4711^^^HOSP&1.2.3&ISO~ ||Be\\T\\rger^""^  |\x02|'));
    expect(leaves.filter(({ place }) => place.startsWith('PID')).map(({ path, text }) => `${path} ${text}`)).toEqual([
      ...['PID-1 1', 'PID-3 4711', 'PID-3.4 HOSP', 'PID-3.4.2 1.2.3', 'PID-3.4.3 ISO', 'PID-5 Be&rger', 'PID-5.2 ""'],
    ]);
    expect(leaves.filter(({ encoding }) => encoding).map(({ text }) => text)).toEqual(['|', '^~\\&']);
  });
});

describe('the ruler', () => {
  it('finds words, not parts of words, whatever their case and blanks', () => {
    const resource = { name: [{ text: 'Dr. BERGER-Haller,  Anna\nMaria' }] };
    expect(lost('PID|||||berger^Anna Maria^aria^HAL', resource)).toEqual(['PID-5.3 aria', 'PID-5.4 HAL']);
  });

  it('finds dates and times by their digits, to the precision that was sent', () => {
    const resource = { birthDate: '1958-04-17', issued: '2026-03-02T08:15:00.125+01:00', start: '07:31:00' };
    expect(lost('PID|195804|19580417|20260302081500.1250+0100|0731', resource)).toEqual([]);
    expect(lost('PID|195805|1958041700|20260302081501|0732', resource)).toHaveLength(4);
  });

  it('finds numbers by what they are', () => {
    expect(lost('OBX|13.40|007.5|7.6', { value: 13.4, low: { value: 7.5 } })).toEqual(['OBX-3 7.6']);
  });

  it('finds texts in attachments, and long ones whatever their line breaks', () => {
    const long = 'word '.repeat(20).trim();
    const data = Buffer.from('Discharged home').toString('base64');
    expect(lost(`OBX|Discharged|${long}`, { data, text: long.replaceAll(' ', '\n') })).toEqual([]);
  });

  it('finds nothing in ids, references and the names of extensions', () => {
    const resource = {
      id: 'alpha',
      fullUrl: 'beta',
      subject: { reference: 'gamma' },
      extension: [{ url: 'delta', valueString: 'epsilon' }],
      telecom: { url: 'zeta' },
    };
    expect(lost('ZZZ|alpha|beta|gamma|delta|epsilon|zeta', resource).map((each) => each.slice(6))).toEqual([
      ...['alpha', 'beta', 'gamma', 'delta'],
    ]);
  });

  it('counts what was left out on purpose, and neither `""` nor what is shorter than three characters', () => {
    const { values, found } = landed(leavesOf(message('PID|12|""||ab|abc')), {});
    expect([values, found]).toEqual([landed(leavesOf(parse(Buffer.from(header))), {}).values + 1, 0]);
  });

  it.skipIf(!hasCorpus)(
    'gives other converters what the corpus says they reach (it lies beside the repository, where it lies at all)',
    { timeout: 120_000 },
    () => {
      const expected = measurePeers(peerPairs());
      const share = (peer: string) => {
        const each = expected.filter((one) => one.peer === peer);
        return (
          (100 * each.reduce((sum, { found }) => sum + found, 0)) / each.reduce((sum, { values }) => sum + values, 0)
        );
      };
      expect(share('microsoft')).toBeCloseTo(77.1, 0);
      expect(share('reportstream, fields')).toBeGreaterThan(95);
      expect(share('reportstream')).toBeGreaterThan(98);
    },
  );
});
