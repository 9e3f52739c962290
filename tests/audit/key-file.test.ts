/** The private key: made once, whole, for its owner only; and refused in words where it is not so. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  installKeyFile,
  KeyFileError,
  newKey,
  readKeyFile,
  readOrMakeKeyFile,
  writeKeyFile,
} from '../../src/audit/sealed/key-file.ts';

let directory: string;
let count = 0;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'coffer-key-'));
});

after(() => rm(directory, { recursive: true }));

function newPath(): string {
  count += 1;
  return join(directory, count.toString(), 'audit-key.pem');
}

async function withContent(content: string, mode: number): Promise<string> {
  const path = newPath();
  await mkdir(join(path, '..'));
  await writeFile(path, content, { mode });
  await chmod(path, mode);
  return path;
}

function refusal(wanted: RegExp) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof KeyFileError);
    assert.match(error.message, wanted);
    return true;
  };
}

test('is made with mode 0600 in a directory that is made too, and read back the same', async () => {
  const path = newPath();
  assert.equal(await readKeyFile(path), null);
  const made = await readOrMakeKeyFile(path);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.match(await readFile(path, 'utf8'), /^-----BEGIN PRIVATE KEY-----\n/);
  assert.ok((await readKeyFile(path))?.publicKey.equals(made.publicKey));
  assert.ok((await readOrMakeKeyFile(path)).publicKey.equals(made.publicKey));
});

test('is made once by many that start at the same moment, and all have the same', async () => {
  const path = newPath();
  const keys = await Promise.all(Array.from({ length: 20 }, () => readOrMakeKeyFile(path)));
  for (const { publicKey } of keys) assert.ok(publicKey.equals(keys[0]!.publicKey));
  assert.deepEqual(await readdir(join(path, '..')), ['audit-key.pem']);
});

test('takes the place of the old one at once, or not at all', async () => {
  const path = newPath();
  const old = await readOrMakeKeyFile(path);
  const [next, nextPath] = [newKey(), `${path}.next`];
  await writeKeyFile(nextPath, next);
  assert.equal((await stat(nextPath)).mode & 0o777, 0o600);
  assert.ok((await readKeyFile(path))?.publicKey.equals(old.publicKey));
  await assert.rejects(writeKeyFile(nextPath, next), { code: 'EEXIST' });
  await installKeyFile(nextPath, path);
  assert.ok((await readKeyFile(path))?.publicKey.equals(next.publicKey));
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(join(path, '..')), ['audit-key.pem']);
});

for (const mode of [0o644, 0o640, 0o604, 0o620, 0o601]) {
  test(`is refused with mode ${mode.toString(8)}`, async () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const path = await withContent(privateKey.export({ format: 'pem', type: 'pkcs8' }), mode);
    const wanted = new RegExp(`by others \\(mode 0${mode.toString(8)}\\).*chmod 600`);
    await assert.rejects(readKeyFile(path), refusal(wanted));
    await assert.rejects(readOrMakeKeyFile(path), refusal(wanted));
  });
}

test('is refused where it is no key, another kind of key, or no file', async () => {
  await assert.rejects(readKeyFile(await withContent('', 0o600)), refusal(/holds no private key in PEM/));
  await assert.rejects(readKeyFile(await withContent('key', 0o600)), refusal(/holds no private key in PEM/));
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const path = await withContent(privateKey.export({ format: 'pem', type: 'pkcs8' }), 0o600);
  await assert.rejects(readKeyFile(path), refusal(/a key of type ec; checkpoints are signed with Ed25519/));
  await assert.rejects(readKeyFile(directory), refusal(/is no file with a key in it/));
});
