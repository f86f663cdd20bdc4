// Runs test files of devices that failed once more, with the machine to themselves, and puts what came of it into the report. Hundreds of
// files share a few processors with a dozen real servers: a device that gets no processor for its time-out is silent, rightly, and that
// says nothing of Weir. It is told by name, and is to be looked at. Plain JavaScript: any system Node reads it.
const { spawnSync } = require('node:child_process');
const { readFileSync, rmSync, writeFileSync } = require('node:fs');
const { relative } = require('node:path');

/** More than a busy machine explains. */
const MOST_FILES = 3;
/** Where the time-outs of devices judge. Everywhere else what fails once in a hundred runs is a fault, too. */
const AGAIN = /^(adapters|clients)\/(modbus|serial|serial-port|astm|astm-link)\//;

const [, , path] = process.argv;
const report = JSON.parse(readFileSync(path, 'utf8'));
const failed = report.testResults.filter(({ status }) => status === 'failed').map(({ name }) => name);
const names = failed.map((name) => relative(process.cwd(), name));
if (names.length === 0 || names.length > MOST_FILES || !names.every((name) => AGAIN.test(name))) process.exit(1);

process.stdout.write(`\nonce more, alone: ${names.join(' ')}\n`);
const second = `${path}.again`;
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${second}`];
const { status } = spawnSync('npx', ['vitest', 'run', ...names, ...reporters], {
  stdio: ['ignore', 'inherit', 'inherit'],
});
const again = JSON.parse(readFileSync(second, 'utf8'));
rmSync(second);
const testResults = [...report.testResults.filter(({ name }) => !failed.includes(name)), ...again.testResults];
const counted = (wanted) =>
  testResults.flatMap(({ assertionResults }) => assertionResults).filter((test) => test.status === wanted).length;
writeFileSync(
  path,
  JSON.stringify({ ...report, testResults, numPassedTests: counted('passed'), numFailedTests: counted('failed') }),
);
if (status === 0) process.stdout.write(`PASSED ONLY AT THE SECOND TRY, to be looked at: ${names.join(' ')}\n`);
process.exit(status ?? 1);
