import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { EndpointInput } from '../../../core/testing/contexts.ts';
import { freePort } from '../../../core/testing/free-port.ts';

/** OpenSSH's server with its own keys, for the user who runs the tests. */
export interface Sshd extends AsyncDisposable {
  readonly port: number;
  /** Logs in with a key; the server's host key is the one it names. */
  endpoint(port?: number): EndpointInput;
  /** A directory that the server can write to; it goes away with the server. */
  directory(): string;
}

const places = ['/usr/sbin', '/usr/local/sbin', ...(process.env.PATH ?? '').split(delimiter)];

/** Why the tests against OpenSSH are skipped, where there is no sshd; with CI=true that is an error. */
export function missingSshd(): string | undefined {
  try {
    found();
    execFileSync('ssh-keygen', ['-?'], { stdio: 'pipe' });
  } catch (thrown) {
    // ssh-keygen shows its usage with exit code 1; without it there is no exit code.
    if ((thrown as { status?: unknown }).status === 1) return undefined;
    if (process.env.CI === 'true') throw thrown;
    return 'NOT TESTED AGAINST OPENSSH: there is no sshd and ssh-keygen; apt-get install openssh-server';
  }
  return undefined;
}

function found(): string {
  const path = places.map((place) => join(place, 'sshd')).find(isExecutable);
  if (path === undefined) throw new Error('there is no sshd');
  return path;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export async function sshd(): Promise<Sshd> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-sshd-'));
  const port = await freePort();
  const keygen = (name: string): void =>
    void execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', join(folder, name)]);
  keygen('host');
  keygen('user');
  const fingerprint = execFileSync('ssh-keygen', ['-l', '-f', join(folder, 'host.pub')], { encoding: 'utf8' });
  writeFileSync(join(folder, 'authorized_keys'), readFileSync(join(folder, 'user.pub')));
  writeFileSync(
    join(folder, 'sshd_config'),
    [
      `ListenAddress 127.0.0.1:${port}`,
      `HostKey ${join(folder, 'host')}`,
      `AuthorizedKeysFile ${join(folder, 'authorized_keys')}`,
      'PidFile none',
      'UsePAM no',
      'StrictModes no',
      'PasswordAuthentication no',
      'PermitRootLogin prohibit-password',
      'Subsystem sftp internal-sftp',
    ].join('\n'),
  );
  // As root it wants its directory for privilege separation, which its service would have made.
  if (process.geteuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const child = spawn(found(), ['-D', '-e', '-f', join(folder, 'sshd_config')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = `${said}${chunk}`.slice(-2000)));
  await answers(port, () => (child.exitCode === null ? undefined : `sshd ended: ${said}`));
  return {
    port,
    endpoint: (to = port) => ({
      kind: 'sftp',
      host: '127.0.0.1',
      port: to,
      user: userInfo().username,
      privateKey: readFileSync(join(folder, 'user'), 'utf8').trimEnd(),
      hostKeys: [/SHA256:\S+/.exec(fingerprint)?.[0]],
    }),
    directory: () => mkdtempSync(join(folder, 'files-')),
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function answers(port: number, ended: () => string | undefined): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const socket = connect(port, '127.0.0.1');
    const answered = await once(socket, 'data').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (answered) return;
    const why = ended();
    if (why !== undefined) throw new Error(why);
    await pause(20);
  }
  throw new Error('sshd does not answer');
}
