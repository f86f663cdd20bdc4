import { dataFolder } from './folder.ts';
import { pythonPackages } from './python.ts';

/**
 * A folder for PYTHONPATH with the package `astm-2025`, an implementation of E1381 and E1394 that we did not write; or why there is
 * none, which is told loudly. With CI=true it throws.
 */
export async function astmPython(): Promise<{ readonly missing: string | undefined; readonly path: string }> {
  try {
    return { missing: undefined, path: await pythonPackages(dataFolder, ['astm-2025==1.0.0']) };
  } catch (thrown) {
    if (process.env.CI === 'true') throw thrown;
    const missing = (thrown as Error).message;
    process.stderr.write(`SKIPPED: ASTM is not tested with the package astm-2025 (${missing})\n`);
    return { missing, path: '' };
  }
}
