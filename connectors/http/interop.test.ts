import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { brief } from '../../clients/http-client/testing/far-end.ts';
import { patient } from '../../core/testing/destination-suite.ts';
import { freePort } from '../../core/testing/free-port.ts';
import { dataFolder } from '../../deploy/services/folder.ts';
import { type Programs, programs } from '../../deploy/services/packages.ts';
import { destinationTo, message } from './testing/destination.ts';

const noPython = spawnSync('python3', ['--version']).status !== 0 && 'NOT TESTED: there is no python3 on the path';
if (noPython) console.warn(noPython);
let nginx: Programs | undefined;
try {
  nginx = await programs(dataFolder, ['nginx'], ['nginx']);
} catch (thrown) {
  if (process.env.CI === 'true') throw thrown;
  console.warn(`SKIPPED: nothing is sent to nginx (${(thrown as Error).message})`);
}

let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'weir-http-interop-'));
  open.defer(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Starts a program and tries until it takes a message. */
async function sendTo([program = '', ...args]: readonly string[], url: string, numbers: readonly number[], env = {}) {
  const child = spawn(program, args, { stdio: 'ignore', env: { ...process.env, ...env } });
  open.defer(async () => {
    child.kill();
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  const { destination } = destinationTo(url, { method: 'PUT', path: '/$' + '{seq}.txt' });
  open.use(destination);
  for (const number of numbers) {
    const write = async () => brief(await destination.write([message(number)], patient));
    await expect.poll(write, { timeout: 10_000, interval: 50 }).toEqual(['sent']);
  }
}

const SERVER = `
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_PUT(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        with open(sys.argv[2] + self.path, 'wb') as file:
            file.write(body)
        self.send_response(201)
        self.send_header('Content-Length', '0')
        self.end_headers()
    def log_message(self, *args):
        pass
http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
`;

describe('servers that others wrote', () => {
  it.skipIf(noPython)('Python’s http.server takes what an HTTP destination sends', async () => {
    const [port, path] = [await freePort(), folder()];
    await sendTo(['python3', '-c', SERVER, String(port), path], `http://127.0.0.1:${port}`, [1, 2, 3]);
    expect(readFileSync(join(path, '3.txt'), 'utf8')).toBe('message 2');
  });

  it.skipIf(!nginx)('nginx with WebDAV takes what an HTTP destination sends', async () => {
    const [port, path] = [await freePort(), folder()];
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (of) => `${of}_temp_path ${path}/${of};`,
    );
    const text = `daemon off; master_process off; pid ${path}/pid; error_log ${path}/error; events {}
      http { access_log off; ${temporary.join(' ')}
        server { listen 127.0.0.1:${port}; root ${path}; location / { dav_methods PUT; } } }`;
    writeFileSync(join(path, 'nginx.conf'), text);
    const command = [nginx!.path('nginx'), '-c', join(path, 'nginx.conf')];
    await sendTo(command, `http://127.0.0.1:${port}`, [1, 2, 3], nginx!.env);
    expect(readFileSync(join(path, '3.txt'), 'utf8')).toBe('message 2');
  });
});
