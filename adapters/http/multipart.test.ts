import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { Refusal } from '../../clients/http-server/refusal.ts';
import { fakeIntake, negative, positive } from '../../core/testing/fake-intake.ts';
import { partsOf } from './multipart.ts';
import { type Config, runSource } from './testing/run-source.ts';

let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

async function upload(form: FormData, config: Config, receipts = [positive, positive, positive]) {
  const intake = fakeIntake((_, index) => receipts[index]);
  const source = open.use(await runSource(intake, config));
  const headers = { 'Idempotency-Key': 'k' };
  const response = await fetch(source.url, { method: 'POST', body: form, headers });
  const texts = intake.arrivals.map(({ raw }) => Buffer.from(raw).toString());
  return { intake, response, texts, said: JSON.parse(await response.text()) };
}

function form(): FormData {
  const data = new FormData();
  data.set('note', 'a field');
  data.append('report', new Blob(['first'], { type: 'application/pdf' }), 'a/é 1.pdf');
  data.append('report', new Blob(['second']), 'two.pdf');
  data.append('image', new Blob(['third'], { type: 'image/png' }), 'three.png');
  return data;
}

describe('a form that an HTTP source takes', () => {
  it('gives a message for each of its files', async () => {
    const { intake, response, texts, said } = await upload(form(), { multipart: {}, contentTypes: ['text/plain'] });
    expect(texts).toEqual(['first', 'second', 'third']);
    expect(response.status).toBe(200);
    expect(said).toEqual({ status: 'sent', messages: Array(3).fill({ id: 'a-message', status: 'sent' }) });
    expect(intake.arrivals.map(({ dedupeKey }) => dedupeKey)).toEqual(['/k/0', '/k/1', '/k/2']);
    expect(intake.arrivals[0]!.meta).toMatchObject({
      ...{ 'http.part': 'report', 'http.part.index': '0', 'http.parts': '3' },
      ...{ 'http.part.filename': 'é 1.pdf', 'http.part.contentType': 'application/pdf' },
    });
  });

  it('gives only the parts of one name, be they files or fields', async () => {
    expect((await upload(form(), { multipart: { part: 'report' } })).texts).toEqual(['first', 'second']);
    expect((await upload(form(), { multipart: { part: 'note' } })).texts).toEqual(['a field']);
  });

  it('is one message where nothing is said of forms', async () => {
    const { texts, said } = await upload(form(), {});
    expect(texts).toHaveLength(1);
    expect(texts[0]).toContain('name="note"');
    expect(said).toEqual({ id: 'a-message', status: 'sent' });
  });

  it('is answered by the worst of its messages, and says how each fared', async () => {
    const { response, said } = await upload(form(), { multipart: {} }, [positive, negative, positive]);
    expect(response.status).toBe(422);
    expect(said).toMatchObject({
      status: 'error',
      messages: [{ status: 'sent' }, { status: 'error' }, { status: 'sent' }],
    });
  });

  it.each([
    ['no such part', { part: 'other' }, 400],
    ['too many parts', { maxParts: 3 }, 413],
  ] as const)('is refused whole where it has %s', async (_, multipart, status) => {
    const { intake, response } = await upload(form(), { multipart });
    expect(response.status).toBe(status);
    expect(intake.arrivals).toEqual([]);
  });

  it('is refused whole where a part is empty', async () => {
    const data = form();
    data.append('report', new Blob([]), 'empty.pdf');
    const { intake, response } = await upload(data, { multipart: {} });
    expect(response.status).toBe(400);
    expect(intake.arrivals).toEqual([]);
  });
});

describe('the parts of a form', () => {
  const type = 'multipart/form-data; boundary=b';
  const part = (name: string, text: string) =>
    `--b\r\nContent-Disposition: form-data; name="${name}"; filename="f"\r\n\r\n${text}\r\n`;
  const whole = `${part('x', 'text')}--b--\r\n`;

  it.each([
    ['without a boundary in the type', whole, 'multipart/form-data'],
    ['with another boundary', whole, 'multipart/form-data; boundary=c'],
    ['without an end', part('x', 'text'), type],
    ['that is empty', '', type],
    ['that has no parts', '--b--\r\n', type],
    ['with a head that does not end', '--b\r\nContent-Disposition: form-data; name="x"; filename="f"', type],
    ['with a head of a megabyte', `--b\r\nX: ${'x'.repeat(1024 ** 2)}\r\n\r\ntext\r\n--b--\r\n`, type],
    ['whose first boundary is none, so that the parser would wait for ever', '--b\0\r\n\r\n--b--', type],
    ['with a part without a name', '--b\r\n\r\ntext\r\n--b--\r\n', type],
  ])('are refused %s', async (_, text, contentType) => {
    await expect(partsOf(Buffer.from(text), contentType, { maxParts: 10 })).rejects.toBeInstanceOf(Refusal);
  });

  it('are the very bytes, whatever they are', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 2_000 }), { minLength: 1, maxLength: 5 }),
        async (contents) => {
          const boundary = 'b0undary-that-is-not-in-there';
          const head = `--${boundary}\r\nContent-Disposition: form-data; name="x"; filename="f"\r\n\r\n`;
          const raw = Buffer.concat([
            ...contents.flatMap((content) => [Buffer.from(head), content, Buffer.from('\r\n')]),
            Buffer.from(`--${boundary}--\r\n`),
          ]);
          const parts = await partsOf(raw, `multipart/form-data; boundary=${boundary}`, { maxParts: 10 });
          expect(parts.map((each) => [...each.raw])).toEqual(contents.map((content) => [...content]));
        },
      ),
      { numRuns: 50 },
    );
  });

  it('are refused, or are parts, whatever the bytes: nothing else is thrown', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.constantFrom(
            '--b',
            '--b--',
            '\r\n',
            'Content-Disposition: form-data; name="x"; filename=f',
            ':',
            ' ',
            'text',
            '\0',
          ),
          { maxLength: 30 },
        ),
        async (pieces) => {
          try {
            await partsOf(Buffer.from(pieces.join('')), type, { maxParts: 5 });
          } catch (thrown) {
            expect(thrown).toBeInstanceOf(Refusal);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
