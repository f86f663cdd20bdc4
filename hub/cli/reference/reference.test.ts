import { describe, expect, it } from 'vitest';
import { pages } from '../../../docs/every-page.ts';
import { weirHere } from '../../testing/command-line.ts';

describe('weir docs', () => {
  it('lists what there is, and every entry is there', async () => {
    const { out } = await weirHere('docs', '--json');
    const names = Object.values(JSON.parse(out) as Record<string, string[]>).flat();
    expect(names).toEqual(expect.arrayContaining(['channel', 'map', 'mllp', 'mapping', 'settings']));
    for (const name of names) expect(await weirHere('docs', name)).toMatchObject({ code: 0, err: '' });
  });

  it('prints the keys of a component as source and as destination', async () => {
    const { out } = await weirHere('docs', 'mllp');
    expect(out).toMatch(/^source: mllp$/m);
    expect(out).toMatch(/^destination: mllp$/m);
    expect(out).toMatch(/^ {2}maxMessageBytes {2}a size: bytes, or 64MB; default 64MB$/m);
  });

  it('explains a code, and suggests what was meant', async () => {
    expect((await weirHere('docs', 'reply-negative')).out).toContain('The far end answered');
    expect(await weirHere('docs', 'mapping2')).toMatchObject({
      code: 4,
      err: expect.stringContaining('did you mean mapping?'),
    });
  });
});

describe('weir schema', () => {
  it('prints the schemas of the reference', async () => {
    const { out } = await weirHere('schema');
    for (const name of out.trim().split('\n'))
      expect((await weirHere('schema', name)).out).toBe(pages().get(`schemas/${name}.schema.json`));
    expect(await weirHere('schema', 'chanel')).toMatchObject({
      code: 4,
      err: expect.stringContaining('did you mean channel?'),
    });
  });
});
