#!/usr/bin/env node
// Plain JavaScript, and nothing imported before the check: it has to say what is needed on a Node that cannot run the rest.
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  process.stderr.write(`weir: Node 24 or later is needed, this is ${process.version}\n`);
  process.exit(1);
}
import('../main.ts').catch((error) => {
  process.stderr.write(`weir: ${error.message}\n`);
  process.exit(1);
});
