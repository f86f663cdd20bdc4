#!/usr/bin/env node
// Plain JavaScript, and nothing imported before the check: it has to say what is needed on a Node that cannot run the rest.
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  process.stderr.write(`weir: Node 24 or later is needed, this is ${process.version}\n`);
  process.exit(1);
}
// What `npm start` gives to node. V8 takes it only at its start (set later, the young generation of the main thread still grew to
// 128 MB), so a hub replaces its own process once, under the same id: 40 ms. Without execve (Windows) it needs more memory.
const young = '--max-semi-space-size';
const given = `${process.execArgv.join(' ')} ${process.env.NODE_OPTIONS ?? ''}`.includes(young);
if (process.argv[2] === 'start' && !given && process.execve && process.platform !== 'win32') {
  // Node calls execve experimental, in a warning that nobody here can act on.
  process.removeAllListeners('warning');
  process.execve(process.execPath, [process.execPath, ...process.execArgv, `${young}=8`, ...process.argv.slice(1)]);
}
import('../main.ts').catch((error) => {
  process.stderr.write(`weir: ${error.message}\n`);
  process.exit(1);
});
