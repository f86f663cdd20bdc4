import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { brief } from '../../clients/http-client/testing/far-end.ts';
import { patient } from '../../core/testing/destination-suite.ts';
import { destinationTo, message } from './testing/destination.ts';

const noPython = spawnSync('python3', ['--version']).status !== 0 && 'NOT TESTED: there is no python3 on the path';
const noNginx = spawnSync('nginx', ['-v']).status !== 0 && 'NOT TESTED: there is no nginx on the path';
for (const missing of [noPython, noNginx]) if (missing) console.warn(missing);

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

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts a program and tries until it takes a message. */
async function sendTo(program: string, args: readonly string[], url: string, numbers: readonly number[]) {
  const child = spawn(program, args, { stdio: 'ignore' });
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
    await sendTo('python3', ['-c', SERVER, String(port), path], `http://127.0.0.1:${port}`, [1, 2, 3]);
    expect(readFileSync(join(path, '3.txt'), 'utf8')).toBe('message 2');
  });

  it.skipIf(noNginx)('nginx with WebDAV takes what an HTTP destination sends', async () => {
    const [port, path] = [await freePort(), folder()];
    const text = `daemon off; pid ${path}/pid; error_log ${path}/error; events {}
      http { access_log off; client_body_temp_path ${path}/body;
        server { listen 127.0.0.1:${port}; root ${path}; location / { dav_methods PUT; } } }`;
    writeFileSync(join(path, 'nginx.conf'), text);
    await sendTo('nginx', ['-c', join(path, 'nginx.conf')], `http://127.0.0.1:${port}`, [1, 2, 3]);
    expect(readFileSync(join(path, '3.txt'), 'utf8')).toBe('message 2');
  });
});
