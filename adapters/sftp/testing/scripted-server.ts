import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import ssh2, { type Connection, type SFTPWrapper } from 'ssh2';
import type { EndpointInput } from '../../../core/testing/contexts.ts';

export interface ScriptedFile {
  readonly content: Buffer;
  readonly mtime?: number;
  /** What listings say, where it is not the truth. */
  readonly claimedSize?: number;
  readonly mode?: number | undefined;
}

type Request =
  | 'OPEN'
  | 'FSTAT'
  | 'READ'
  | 'WRITE'
  | 'CLOSE'
  | 'OPENDIR'
  | 'READDIR'
  | 'LSTAT'
  | 'REMOVE'
  | 'RENAME'
  | 'MKDIR';

/** An SFTP server with its files in memory, for what OpenSSH never does. */
export interface ScriptedServer extends AsyncDisposable {
  readonly port: number;
  readonly fingerprint: string;
  readonly files: Map<string, ScriptedFile>;
  readonly directories: Set<string>;
  /** Every request, with its path where it has one. */
  readonly requests: string[];
  /** Ways of logging in that were tried. */
  readonly logins: string[];
  password: string;
  methods: readonly ('password' | 'keyboard-interactive')[];
  /** What a request is answered with instead: a status, nothing at all, or the end of the connection. */
  fault: (request: Request, path: string) => number | 'silence' | 'reset' | undefined;
  endpoint(more?: Readonly<Record<string, unknown>>): EndpointInput;
}

const status = { OK: 0, EOF: 1, NO_SUCH_FILE: 2, FAILURE: 4, UNSUPPORTED: 8 } as const;
const user = 'weir';
const perListing = 100;

export async function scriptedServer(): Promise<ScriptedServer> {
  // Not by ssh2 1.17: of the keys that it makes, it cannot read 6 of 1,000 again.
  const keys = generateKeyPairSync('ec', {
    namedCurve: 'prime256v1',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
  });
  const connections = new Set<Connection>();
  const server = new ssh2.Server({ hostKeys: [keys.privateKey] }, (client) => {
    connections.add(client);
    client.on('error', () => undefined).on('close', () => connections.delete(client));
    client.on('authentication', (login) => {
      scripted.logins.push(login.method);
      const allowed = scripted.methods.some((method) => method === login.method);
      if (allowed && login.method === 'password' && login.password === scripted.password) login.accept();
      else if (allowed && login.method === 'keyboard-interactive')
        login.prompt([{ prompt: 'Password: ', echo: false }], ([answer]) =>
          answer === scripted.password ? login.accept() : login.reject([...scripted.methods]),
        );
      else login.reject([...scripted.methods]);
    });
    client.on('session', (accept) => accept().on('sftp', (open) => serve(open(), scripted, () => client.end())));
  });
  // Its own listener would leave Nagle's algorithm on: 40 ms for each answer.
  const listener = createServer({ noDelay: true }, (socket) => server.injectSocket(socket));
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no TCP address');
  const { port } = address;
  const hostKey = ssh2.utils.parseKey(keys.privateKey);
  if (hostKey instanceof Error) throw hostKey;
  const digest = await crypto.subtle.digest('SHA-256', new Uint8Array(hostKey.getPublicSSH()));
  const fingerprint = `SHA256:${Buffer.from(digest).toString('base64').replace(/=+$/, '')}`;
  const scripted: ScriptedServer = {
    port,
    fingerprint,
    files: new Map(),
    directories: new Set(['.', '/']),
    requests: [],
    logins: [],
    password: 'open sesame',
    methods: ['password'],
    fault: () => undefined,
    endpoint: (more) => ({
      ...{ kind: 'sftp', host: '127.0.0.1', port, user, password: 'open sesame', hostKeys: [fingerprint] },
      ...more,
    }),
    async [Symbol.asyncDispose]() {
      for (const connection of connections) connection.end();
      await new Promise<void>((resolve) => listener.close(() => resolve()));
    },
  };
  return scripted;
}

interface Handle {
  readonly path: string;
  listed: number;
}

function serve(sftp: SFTPWrapper, scripted: ScriptedServer, reset: () => void): void {
  const { files, directories } = scripted;
  const handles: Handle[] = [];
  const handleOf = (buffer: Buffer): Handle => handles[buffer.readUInt32BE()] ?? { path: '', listed: 0 };
  const plain = (path: string): string => path.replace(/^\.\//, '');
  const opened = (id: number, path: string): void => {
    const handle = Buffer.alloc(4);
    handle.writeUInt32BE(handles.push({ path: plain(path), listed: 0 }) - 1);
    sftp.handle(id, handle);
  };
  const goesOn = (id: number, request: Request, path: string): boolean => {
    scripted.requests.push(`${request} ${plain(path)}`);
    const fault = scripted.fault(request, plain(path));
    if (fault === 'reset') reset();
    else if (typeof fault === 'number') sftp.status(id, fault, `${path} is what the far end said`);
    return fault === undefined;
  };
  const attributes = ({ content, mtime = 1_700_000_000, claimedSize, mode = 0o100644 }: ScriptedFile) => ({
    ...{ mode, uid: 0, gid: 0, atime: mtime, mtime },
    size: claimedSize ?? content.length,
  });
  const tell = (id: number, path: string): void => {
    const file = files.get(plain(path));
    if (file) sftp.attrs(id, attributes(file));
    else if (directories.has(plain(path))) sftp.attrs(id, attributes({ content: Buffer.alloc(0), mode: 0o040755 }));
    else sftp.status(id, status.NO_SUCH_FILE);
  };

  sftp.on('error', () => undefined);
  sftp.on('OPEN', (id, path, flags) => {
    if (!goesOn(id, 'OPEN', path)) return;
    const writes = (flags & 0x02) !== 0;
    if (writes && ((flags & 0x10) !== 0 || !files.has(plain(path))))
      files.set(plain(path), { content: Buffer.alloc(0) });
    if (files.has(plain(path))) opened(id, path);
    else sftp.status(id, status.NO_SUCH_FILE);
  });
  sftp.on('FSTAT', (id, handle) => {
    if (goesOn(id, 'FSTAT', handleOf(handle).path)) tell(id, handleOf(handle).path);
  });
  sftp.on('READ', (id, handle, offset, length) => {
    const { path } = handleOf(handle);
    if (!goesOn(id, 'READ', path)) return;
    const part = files.get(path)?.content.subarray(offset, offset + length);
    if (part?.length) sftp.data(id, part);
    else sftp.status(id, status.EOF);
  });
  sftp.on('WRITE', (id, handle, offset, data) => {
    const { path } = handleOf(handle);
    if (!goesOn(id, 'WRITE', path)) return;
    const before = files.get(path)?.content ?? Buffer.alloc(0);
    const content = Buffer.alloc(Math.max(before.length, offset + data.length));
    before.copy(content);
    data.copy(content, offset);
    files.set(path, { content });
    sftp.status(id, status.OK);
  });
  sftp.on('CLOSE', (id, handle) => {
    if (goesOn(id, 'CLOSE', handleOf(handle).path)) sftp.status(id, status.OK);
  });
  sftp.on('OPENDIR', (id, path) => {
    if (goesOn(id, 'OPENDIR', path)) opened(id, path);
  });
  sftp.on('READDIR', (id, buffer) => {
    const handle = handleOf(buffer);
    if (!goesOn(id, 'READDIR', handle.path)) return;
    const part = [...files].slice(handle.listed, handle.listed + perListing);
    handle.listed += part.length;
    if (part.length === 0) sftp.status(id, status.EOF);
    else
      sftp.name(
        id,
        part.map(([filename, file]) => ({ filename, longname: `-rw- ${filename}`, attrs: attributes(file) })),
      );
  });
  sftp.on('LSTAT', (id, path) => {
    if (goesOn(id, 'LSTAT', path)) tell(id, path);
  });
  sftp.on('REMOVE', (id, path) => {
    if (goesOn(id, 'REMOVE', path)) sftp.status(id, files.delete(plain(path)) ? status.OK : status.NO_SUCH_FILE);
  });
  sftp.on('RENAME', (id, from, to) => {
    if (!goesOn(id, 'RENAME', from)) return;
    const file = files.get(plain(from));
    if (!file || files.has(plain(to))) return sftp.status(id, file ? status.FAILURE : status.NO_SUCH_FILE);
    files.delete(plain(from));
    files.set(plain(to), file);
    sftp.status(id, status.OK);
  });
  sftp.on('MKDIR', (id, path) => {
    if (!goesOn(id, 'MKDIR', path)) return;
    directories.add(plain(path));
    sftp.status(id, status.OK);
  });
}
