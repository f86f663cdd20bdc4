import { mkdtempSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { PemFiles } from './pem-files.ts';

let folder: string;
let certFile: string;
let keyFile: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'weir-pem-'));
  certFile = join(folder, 'cert.pem');
  keyFile = join(folder, 'key.pem');
  writeFileSync(certFile, 'certificate');
  writeFileSync(keyFile, 'key');
});
afterEach(() => rmSync(folder, { recursive: true }));

const texts = async (files: PemFiles) => {
  const pems = await files.changed();
  return pems && Object.fromEntries(Object.entries(pems).map(([field, content]) => [field, String(content)]));
};

it('reads every file that is named once, and again when one of them has changed', async () => {
  const files = new PemFiles({ certFile, keyFile, caFile: undefined });
  expect(await texts(files)).toEqual({ certFile: 'certificate', keyFile: 'key' });
  expect(await texts(files)).toBeUndefined();
  writeFileSync(join(folder, 'next.pem'), 'CERTIFICATE');
  renameSync(join(folder, 'next.pem'), certFile);
  expect(await texts(files)).toEqual({ certFile: 'CERTIFICATE', keyFile: 'key' });
  expect(await texts(files)).toBeUndefined();
});

it('rejects while one is missing, and reads them when it is back', async () => {
  const files = new PemFiles({ certFile, keyFile });
  unlinkSync(keyFile);
  await expect(files.changed()).rejects.toMatchObject({ code: 'ENOENT' });
  writeFileSync(keyFile, 'key');
  expect(await texts(files)).toEqual({ certFile: 'certificate', keyFile: 'key' });
});
