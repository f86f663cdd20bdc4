#!/usr/bin/env node
// Plain JavaScript, and nothing of ours imported before the check: it has to run on a Node that cannot run the rest.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const major = Number(process.versions.node.split('.')[0]);
if (major < 24) onOwnNode();
else {
  // What `npm start` gives to node. V8 takes it only at its start (set later, the young generation of the main thread still grew to
  // 128 MB), so a hub replaces its own process once, under the same id: 40 ms. Without execve (Windows) it needs more memory.
  const young = '--max-semi-space-size';
  const given = `${process.execArgv.join(' ')} ${process.env.NODE_OPTIONS ?? ''}`.includes(young);
  if (process.argv[2] === 'start' && !given && process.execve && process.platform !== 'win32') {
    // Node calls execve experimental, in a warning that nobody here can act on.
    process.removeAllListeners('warning');
    const flags = [...process.execArgv, '--min-semi-space-size=8', `${young}=8`];
    process.execve(process.execPath, [process.execPath, ...flags, ...process.argv.slice(1)]);
  }
  import('../main.ts').catch((error) => {
    process.stderr.write(`weir: ${error.message}\n`);
    process.exit(1);
  });
}

/** Runs all of it on the Node that `npm ci` has put beside it. */
function onOwnNode() {
  const own = fileURLToPath(
    new URL(`../../node_modules/node/bin/${process.platform === 'win32' ? 'node.exe' : 'node'}`, import.meta.url),
  );
  if (!existsSync(own)) {
    process.stderr.write(`weir: Node 24 or later is needed, this is ${process.version}\n`);
    process.exit(1);
  }
  const child = spawn(own, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  // Of a terminal's Ctrl-C both are told, and the child takes two within half a second as one.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`weir: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exitCode = code;
    else {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    }
  });
}
