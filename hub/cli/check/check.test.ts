import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { weirHere } from '../../testing/command-line.ts';
import { type Workplace, workplace } from '../../testing/hub-process.ts';

let place: Workplace;
beforeEach(async () => {
  place = await workplace({ 'channels/env/test.yaml': environment, 'channels/one.channel.yaml': channel('one', 'in') });
});
afterEach(() => place[Symbol.asyncDispose]());

const environment = `endpoints:
  in: { kind: tcp-listen, listen: 2575 }
  lab: { kind: tcp-connect, host: 127.0.0.1, port: 2580 }
`;

const channel = (name: string, endpoint: string, more = '') => `channel: ${name}
source: { mllp: { endpoint: ${endpoint} } }
filter: { MSH-9.1: ADT }
destinations:
  lab: { to: { mllp: { endpoint: lab } } }
${more}`;

/** What check says, each line without the folder. */
async function check(...options: readonly string[]) {
  const folder = join(place.directory, 'channels');
  const { code, out } = await weirHere('check', folder, '--env', 'test', ...options);
  return { code, lines: out.trimEnd().replaceAll(`${folder}/`, '').split('\n') };
}

describe('weir check', () => {
  it('says that all is right', async () => {
    expect(await check()).toEqual({ code: 0, lines: ['1 channel is right'] });
  });

  it('says everything that is wrong in one go, in order, and counts it', async () => {
    await place.write({
      'channels/two.channel.yaml': channel('two', 'in'),
      'channels/three.channel.yaml': 'chanel: three\nsource: { mlpp: {} }\n',
      'channels/tables/x.csv': 'no header\n',
      'channels/lost.map.yaml': 'map: lost\nfrom: hl7v2\nto: hl7v2\nrules: [{ set: { PDI-5: X } }]\n',
    });
    const { code, lines } = await check();
    expect(code).toBe(1);
    expect(lines.map((line) => line.split(' ', 2).join(' '))).toEqual([
      'lost.map.yaml:4:18 path-invalid',
      ...lines.slice(1, -2).map((line) => line.split(' ', 2).join(' ')),
      'two.channel.yaml:2:29 name-taken',
      lines.at(-1)!.split(' ', 2).join(' '),
    ]);
    expect(lines.join('\n')).toContain('did you mean channel?');
    expect(lines.join('\n')).toMatch(/three\.channel\.yaml:2:11 component-unknown .*did you mean mllp\?/);
    expect(lines.at(-1)).toMatch(/^\d+ problems in 4 files$/);
  });

  it('finds endpoints that are not there, of another kind, or that nothing uses', async () => {
    await place.write({
      'channels/env/test.yaml': `${environment}  spare: { kind: directory, path: /tmp }\n`,
      'channels/two.channel.yaml': channel('two', 'lab'),
      'channels/three.channel.yaml': channel('three', 'inn'),
    });
    const { code, lines } = await check();
    expect(code).toBe(1);
    expect(lines).toEqual([
      'env/test.yaml:4:3 endpoint-unused endpoints.spare: nothing uses it (warning)',
      expect.stringMatching(/^three\.channel\.yaml:2:29 endpoint-unknown /),
      'two.channel.yaml:2:29 value-invalid source.mllp.endpoint: lab is a tcp-connect endpoint, and mllp needs tcp-listen',
      '2 problems in 2 files, 1 warning',
    ]);
  });

  it('finds endpoints of weir.yaml that are not there or of another kind, and takes those that it names for used', async () => {
    const database = '  database: { kind: postgres, host: 127.0.0.1, database: weir, user: weir }\n';
    const settings = (store: string) =>
      place.write({
        'channels/env/test.yaml': environment + database,
        'weir.yaml': `store:\n  postgres: { endpoint: ${store} }\n`,
      });
    const config = ['--config', join(place.directory, 'weir.yaml')];
    await settings('database');
    expect(await check(...config)).toEqual({ code: 0, lines: ['1 channel is right'] });
    await settings('databse');
    expect((await check(...config)).lines.join('\n')).toMatch(
      /weir\.yaml:2:25 endpoint-unknown store\.postgres\.endpoint: .* no endpoint databse; known: database, in, lab$/m,
    );
    await settings('lab');
    const { code, lines } = await check(...config);
    expect(lines.join('\n')).toMatch(/store\.postgres\.endpoint: lab is a tcp-connect endpoint, and it needs postgres/);
    expect(code).toBe(1);
  });

  it('warns of a destination that is to be written by every hub', async () => {
    const everywhere = channel('one', 'in').replace('{ to:', '{ placement: every, to:');
    expect(everywhere).toContain('every');
    await place.write({ 'channels/env/test.yaml': environment, 'channels/one.channel.yaml': everywhere });
    const { code, lines } = await check();
    expect(code).toBe(0);
    expect(lines).toContainEqual(
      expect.stringMatching(
        /^one\.channel\.yaml:\d+:\d+ value-invalid destinations\.\w+\.placement: it has no effect: .*\(warning\)$/,
      ),
    );
  });

  it('says nothing of endpoints that a channel names which a map with a mistake keeps from being read', async () => {
    await place.write({
      'channels/env/test.yaml': environment,
      'channels/one.channel.yaml': channel('one', 'in', 'steps: [mapping: { file: bad.map.yaml }]\n'),
      'channels/bad.map.yaml': 'map: bad\nfrom: hl7v2\nto: hl7v2\nrules:\n  - set: { PIV1-3: x }\n',
    });
    expect((await check()).lines).toEqual([
      expect.stringMatching(/^bad\.map\.yaml:5:12 path-invalid .* did you mean PV1-3\?$/),
      '1 problem in 1 file',
    ]);
  });

  it('finds two names for one port, and the port of the admin API', async () => {
    await place.write({
      'channels/env/test.yaml': `${environment}  again: { kind: tcp-listen, listen: 2575, host: 0.0.0.0 }\n  admin: { kind: tcp-listen, listen: 8640 }\n`,
      'channels/two.channel.yaml': channel('two', 'again'),
      'channels/three.channel.yaml': channel('three', 'admin'),
    });
    const { lines } = await check();
    expect(lines).toEqual([
      expect.stringMatching(
        /^env\/test\.yaml:4:\d+ name-taken endpoints\.again\.listen: port 2575 is that of in already/,
      ),
      'env/test.yaml:5:38 name-taken endpoints.admin.listen: port 8640 is that of the admin API',
      '2 problems in 1 file',
    ]);
  });

  it('finds destinations that nothing can reach', async () => {
    const more = '  never:\n    filter: { MSH-9.1: ORU }\n    to: { discard: {} }\n';
    await place.write({ 'channels/one.channel.yaml': channel('one', 'in', more) });
    const { code, lines } = await check();
    expect(code).toBe(1);
    expect(lines[0]).toMatch(
      /^one\.channel\.yaml:7:5 destination-unreachable destinations\.never: nothing can reach it/,
    );
  });

  it('finds secrets that are written out, and never tells them', async () => {
    const secret = 'hunter2hunter2';
    await place.write({
      'channels/env/test.yaml': `${environment}  web: { kind: http, url: 'http://lab.example' }\n  who: { kind: bearer-token, token: ${secret} }\n`,
      'channels/two.channel.yaml': `channel: two
source: { schedule: { name: x, everyMs: 1000 } }
destinations:
  web: { to: { http: { endpoint: web, headers: { X-Api-Key: ${secret} }, auth: { bearer: who } } } }
`,
    });
    const { code, lines } = await check();
    expect(code).toBe(1);
    expect(lines.filter((line) => line.includes('a secret is a reference'))).toHaveLength(2);
    expect(lines.join('\n')).not.toContain(secret);
  });

  it('finds them, and mistakes, in files that no channel loads', async () => {
    const secret = 'hunter2hunter2';
    await place.write({
      'channels/alerts.yaml': `notify: [{ publish: { topic: a, apiKey: ${secret} } }]\n`,
      'channels/env/other.yaml': `endpoints:\n  lab: { kind: tcp-conect }\n  who: { kind: bearer-token, token: ${secret} }\n`,
      'channels/profiles/lost.profile.yaml': `profile: lost\nsource: { mllp: { endpoint: in, password: ${secret} } }\n`,
      'channels/tables/lost.yaml': `table: lost\nowner: IT\nversion: 1\nrows: [{ code: a, password: ${secret} }, { code: a, password: x }]\n`,
      'channels/lost.map.yaml': `map: lost\nfrom: hl7v2\nto: json\nrules:\n  - set: { token: '\${PID-3.1}' }\n  - set: { apiKey: ${secret} }\n`,
      'channels/half.channel.yaml': `channel: half\nsource: { http: { token: ${secret} } }\n`,
    });
    const { code, lines } = await check();
    expect(code).toBe(1);
    const secrets = lines.filter((line) => line.includes('a secret is a reference'));
    expect(secrets.map((line) => line.split(' ', 1)[0])).toEqual([
      expect.stringMatching(/^alerts\.yaml:1:/),
      expect.stringMatching(/^env\/other\.yaml:3:/),
      expect.stringMatching(/^half\.channel\.yaml:2:/),
      expect.stringMatching(/^lost\.map\.yaml:6:/),
      expect.stringMatching(/^profiles\/lost\.profile\.yaml:2:/),
      expect.stringMatching(/^tables\/lost\.yaml:4:/),
      expect.stringMatching(/^tables\/lost\.yaml:4:/),
    ]);
    expect(lines.join('\n')).toMatch(/^env\/other\.yaml:2:\d+ value-invalid endpoints\.lab\.kind/m);
    expect(lines.join('\n')).toMatch(/^tables\/lost\.yaml:4:\d+ value-invalid code: the code stands there already/m);
    expect(lines.join('\n')).not.toContain(secret);
  });

  it('takes a secret that is on another machine for a warning', async () => {
    await place.write({
      'channels/env/test.yaml': `${environment}  web: { kind: http, url: 'http://lab.example' }\n  who: { kind: bearer-token, token: '\${env:WEIR_TEST_NOWHERE}' }\n`,
    });
    const { code, lines } = await check();
    expect(code).toBe(0);
    expect(lines).toContainEqual(
      expect.stringMatching(/reference-unresolved .*leads nowhere on this machine; .*\(warning\)$/),
    );
  });

  it('with --connect says of each endpoint whether it can be opened', async () => {
    await using open = new AsyncDisposableStack();
    const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    open.defer(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as { readonly port: number };
    await place.write({
      'channels/env/test.yaml': environment.replace('2580', String(port)),
      'channels/two.channel.yaml': channel('two', 'in2', '  file: { to: { file: { endpoint: nowhere } } }\n'),
    });
    await place.write({
      'channels/env/test.yaml': `${environment.replace('2580', String(port))}  in2: { kind: tcp-listen, listen: 2576 }\n  nowhere: { kind: directory, path: /no/such/directory }\n`,
    });
    const { code, lines } = await check('--connect');
    expect(code).toBe(1);
    expect(lines.join('\n')).toMatch(/^lab +tcp-connect +ok +127\.0\.0\.1:\d+ is open, \d+ ms$/m);
    expect(lines.join('\n')).toMatch(
      /^nowhere +directory +failed +opening \/no\/such\/directory: there is no such directory$/m,
    );
    expect(lines.at(-1)).toBe('2 channels are right, but 1 endpoint could not be opened');
  });

  it('says the same as JSON', async () => {
    const { lines } = await check('--json');
    expect(JSON.parse(lines.join('\n'))).toEqual({ channels: 1, problems: [], warnings: [] });
  });
});
