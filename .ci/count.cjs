// Says in one line how the tests went, from the report that Vitest wrote of its run. Plain JavaScript: any system Node reads it.
const { readFileSync } = require('node:fs');

const report = JSON.parse(readFileSync(process.argv[2], 'utf8'));
// A file that could not be loaded has no tests to fail, but did fail.
const broken = report.testResults.filter(
  ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
);
process.stdout.write(`${report.numPassedTests} passed, ${report.numFailedTests + broken.length} failed\n`);
