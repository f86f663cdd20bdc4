import { describe, expect, it } from 'vitest';
import { refuseQuery } from './query.ts';

const input = { code: 'AE', controlId: 'W1', now: Date.UTC(2026, 2, 2, 8, 15) } as const;
const linesOf = (bytes: Buffer | undefined) => bytes?.toString('latin1').split('\r').slice(0, -1);

describe('the response to a query that cannot be answered', () => {
  it('names the response of the query’s event, and has the query as it stands, in its own delimiters and bytes', () => {
    const request = Buffer.from(
      'MSH$%~\\&$EHR$H$WEIR$H$20260302$$QBP%Q21%QBP_Q21$7$P$2.5.1\nQPD$Q21%Get person$T1$@PID.5.1%M\xfcller\nRCP$I\n',
      'latin1',
    );
    const lines = linesOf(
      refuseQuery(request, { ...input, errors: [{ code: '207', severity: 'E', text: 'no answer' }] }),
    );
    expect(lines?.map((line) => line.slice(0, 3))).toEqual(['MSH', 'MSA', 'ERR', 'QAK', 'QPD']);
    expect(lines?.[0]).toContain('$RSP%K21%RSP_K21$W1$P$2.5.1');
    expect(lines?.[1]).toBe('MSA$AE$7$no answer');
    expect(lines?.[3]).toBe('QAK$T1$AE$Q21%Get person');
    expect(lines?.[4]).toBe('QPD$Q21%Get person$T1$@PID.5.1%M\xfcller');
  });

  it('keeps an event of the site’s own, and names no structure that there is not', () => {
    const request = Buffer.from('MSH|^~\\&|A||B||20260302||QBP^ZQ1|7|P|2.5\rQPD|Z^x|T1\r');
    expect(linesOf(refuseQuery(request, { ...input, code: 'AR' }))?.[0]).toContain('|RSP^ZQ1|W1|P|2.5');
  });

  it('is none for what is no query', () => {
    expect(refuseQuery(Buffer.from('MSH|^~\\&|A||B||20260302||ADT^A01|7|P|2.5\rPID|1\r'), input)).toBeUndefined();
    expect(refuseQuery(Buffer.from('QPD|x'), input)).toBeUndefined();
  });
});
