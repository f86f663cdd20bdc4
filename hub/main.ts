import { keepWhatIsCompiled } from './compile-cache.ts';

keepWhatIsCompiled();

// `weir messages | head` closes the pipe when it has enough; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

// Only now, so that what it is made of comes from there.
const { run } = await import('./cli/program.ts');
process.exitCode = await run(process.argv);
