import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../core/testing/free-port.ts';
import { type HubProcess, hubProcess, type Workplace, weir as weirOn, workplace } from '../testing/hub-process.ts';

const fixtures = join(import.meta.dirname, '../../test-fixtures/hl7v2');

let place: Workplace;
let hub: HubProcess;
let port: number;

const weir = (...args: readonly string[]) => weirOn(args, hub.admin);

const channel = (word: string) => `import { adapters, connectors, defineChannel } from 'weir';
import { wanted } from './shared/wanted.ts';
// ${word}
export default defineChannel('one').from(adapters.mllp({ endpoint: 'in' })).filter(wanted).to('gone', connectors.discard({}));
`;

beforeAll(async () => {
  port = await freePort();
  place = await workplace({
    'channels/env/test.yaml': `endpoints:\n  in: { kind: tcp-listen, listen: ${port} }\n`,
    'channels/one.channel.ts': channel('first'),
    'channels/shared/wanted.ts': 'export const wanted = () => true;\n',
  });
  hub = await hubProcess(place);
});

afterAll(async () => {
  await hub?.[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

describe('the command line', () => {
  it('says what listens where', () => {
    expect(hub.printed()).toMatch(/^one +running +mllp endpoint:in$/m);
    expect(hub.printed()).toMatch(/^admin API on http:\/\/127\.0\.0\.1:\d+, up after \d+ ms$/m);
  });

  it('sends a file, and finds and shows what came of it', async () => {
    const sent = await weir('send', join(fixtures, 'adt-a08.hl7'), '--to', `127.0.0.1:${port}`);
    expect(sent).toMatchObject({ code: 0, err: '' });
    expect(sent.out).toMatch(/^1 of 1 sent in .*\nacknowledgements: CA 1\nlatency: p50 /);
    const { messages } = JSON.parse((await weir('messages', '--channel', 'one', '--json')).out);
    expect(messages).toHaveLength(1);
    const shown = await weir('show', messages[0].id, '--raw', '--reason', 'test');
    expect(shown.out).toBe(await readFile(join(fixtures, 'adt-a08.hl7'), 'utf8'));
    expect(await weir('show', messages[0].id)).toMatchObject({ code: 2, err: expect.stringContaining('--reason') });
    expect((await weir('channels')).out).toMatch(/running +one +[0-9a-f]{8} .* 1 +0 +0 +1 +0 +mllp /);
  });

  it('rule 24: deploys a changed helper file, and nothing when a file has a mistake', async () => {
    expect(await weir('deploy')).toMatchObject({ code: 0, out: '0 deployed, 1 unchanged, 0 removed\n' });
    await writeFile(join(place.directory, 'channels/shared/wanted.ts'), 'export const wanted = () => false;\n');
    expect((await weir('deploy')).out).toMatch(/^one: deployed [0-9a-f]{8}\n1 deployed/);
    await weir('send', join(fixtures, 'adt-a08.hl7'), '--to', `127.0.0.1:${port}`);
    const { messages } = JSON.parse((await weir('messages', '--status', 'filtered', '--json')).out);
    expect(messages).toHaveLength(1);

    await cp(join(place.directory, 'channels/one.channel.ts'), join(place.directory, 'channels/two.channel.ts'));
    await writeFile(
      join(place.directory, 'channels/three.channel.yaml'),
      'channel: three\nsource: { mllp: { endpoint: nowhere } }\n',
    );
    const failed = await weir('deploy');
    expect(failed).toMatchObject({ code: 1, out: 'nothing was deployed\n' });
    expect(failed.err).toMatch(/three\.channel\.yaml:2:29 endpoint-unknown /);
    expect(failed.err).toMatch(/two\.channel\.ts:1:1 name-taken /);
    await rm(join(place.directory, 'channels/two.channel.ts'));
    await rm(join(place.directory, 'channels/three.channel.yaml'));
  });

  it('places a mistake in TypeScript at its line', async () => {
    await writeFile(
      join(place.directory, 'channels/two.channel.ts'),
      `import { defineChannel } from 'weir';\n\nexport default defineChannel('NOT A NAME');\n`,
    );
    const { err } = await weir('deploy');
    expect(err).toMatch(/two\.channel\.ts:3:16 wiring-invalid defining channel NOT A NAME: /);
    expect(err).not.toMatch(/\n\s+at /);
    await rm(join(place.directory, 'channels/two.channel.ts'));
  });

  it('ends with the code of what went wrong', async () => {
    expect(await weir('channels', 'nosuch')).toMatchObject({ code: 4, err: 'weir: there is no channel nosuch\n' });
    expect(await weir('status')).toMatchObject({ code: 0 });
    expect(await weir('status', '--admin', 'http://127.0.0.1:1')).toMatchObject({ code: 3 });
    expect(await weir('send', 'x')).toMatchObject({ code: 2 });
    expect(await weir('start', '--config', '/no/such/weir.yaml')).toMatchObject({
      code: 1,
      err: 'weir: reading /no/such/weir.yaml: there is no such file\n',
    });
  });
});
