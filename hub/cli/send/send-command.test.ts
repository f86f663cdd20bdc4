/** `weir send` as a process of its own: TLS, the progress on a terminal, Ctrl-C, what is wrong with its arguments. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createServer } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, acking, farEnd } from '../../../connectors/mllp/testing/far-end.ts';
import { certificates, missingOpenssl } from '../../../core/net/testing/certificates.ts';
import { weir } from '../../testing/hub-process.ts';

const message = join(import.meta.dirname, '../../../test-fixtures/hl7v2/adt-a08.hl7');
const main = join(import.meta.dirname, '../../main.ts');
const slowly: Answer = (content, socket) => void setTimeout(() => acking()(content, socket), 20);

let open: AsyncDisposableStack;
beforeEach(() => {
  open = new AsyncDisposableStack();
});
afterEach(() => open.disposeAsync());

const missing = missingOpenssl();
if (missing) console.warn(missing);

describe.skipIf(missing)('weir send --tls', () => {
  async function secured() {
    const made = open.use(certificates());
    const { certFile, keyFile } = made.issue('localhost');
    const server = createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) });
    server.on('tlsClientError', () => undefined);
    const far = open.use(await farEnd(acking(), server, 'secureConnection'));
    return { far, caFile: made.caFile };
  }

  it('sends to a server whose certificate the authorities of --ca-file signed', async () => {
    const { far, caFile } = await secured();
    const to = `localhost:${far.port}`;
    expect(await weir(['send', message, '--to', to, '--ca-file', caFile])).toMatchObject({ code: 0, err: '' });
    expect(far.received).toEqual([readFileSync(message)]);
  });

  it('sends nothing to a server that the system’s authorities do not know', async () => {
    const { far } = await secured();
    const { code, err } = await weir(['send', message, '--to', `localhost:${far.port}`, '--tls']);
    expect({ code, err }).toEqual({
      code: 1,
      err: expect.stringMatching(
        /^weir: connecting to localhost:\d+: [A-Z_]*CERT[A-Z_]*\n$|^weir: .*UNABLE_TO_VERIFY.*\n$/,
      ),
    });
    expect(far.received).toEqual([]);
  });

  it('sends nothing where --ca-file cannot be read', async () => {
    const { far } = await secured();
    const to = `localhost:${far.port}`;
    expect(await weir(['send', message, '--to', to, '--ca-file', '/no/such/ca.pem'])).toEqual({
      code: 1,
      out: '',
      err: 'weir: /no/such/ca.pem: there is no such file that can be read\n',
    });
  });
});

describe('weir send', () => {
  it.each([
    ['--to', 'localhost'],
    ['--to', 'localhost:0'],
    ['--to', 'localhost:70000'],
    ['--to', 'localhost:1', '--pipeline', '0'],
    ['--to', 'localhost:1', '--connections', '0'],
    ['--to', 'localhost:1', '--repeat', '-1'],
  ])('says what is wrong with %s %s %s %s', async (...args) => {
    const { code, err } = await weir(['send', message, ...args.filter((each) => each !== undefined)]);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(/^(weir|error): .*/) });
  });

  it('reports what was sent at Ctrl-C, and fails', async () => {
    const far = open.use(await farEnd(slowly));
    const child = spawn(
      process.execPath,
      [main, 'send', message, '--to', `127.0.0.1:${far.port}`, '--repeat', '10000'],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    const printed = text(child.stdout);
    const exited = once(child, 'exit');
    await expect.poll(() => far.received.length).toBeGreaterThan(5);
    child.kill('SIGINT');
    expect((await exited)[0]).toBe(1);
    expect(await printed).toMatch(/^\d+ of 10000 sent in .*\nacknowledgements: AA \d+/);
  });

  // util-linux gives a process a terminal; off a terminal there is no such line.
  it.skipIf(spawnSync('script', ['--version']).error)('writes over one line of progress on a terminal', async () => {
    const far = open.use(await farEnd(slowly));
    const command = [process.execPath, main, 'send', message, '--to', `127.0.0.1:${far.port}`, '--repeat', '60'];
    const quoted = command.map((word) => `'${word}'`).join(' ');
    const child = spawn('script', ['-qec', quoted, '/dev/null'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const shown = await text(child.stdout);
    const lines = shown.match(/\r\u001b\[K\d+ of 60 answered, \d+ a second, 0 not accepted/g) ?? [];
    expect(lines.length).toBeGreaterThan(1);
    expect(shown).toMatch(/\r\u001b\[K60 of 60 sent in /);
    const { err } = await weir(['send', message, '--to', `127.0.0.1:${far.port}`, '--repeat', '30']);
    expect(err).toBe('');
  });
});
