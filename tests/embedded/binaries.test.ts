import assert from 'node:assert/strict';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Binaries, findInstalledBinaries, prepareBinaries } from '../../src/db/embedded/binaries.ts';
import { chooseServerUser, isRoot } from '../../src/db/embedded/server-user.ts';

const noLog = () => {};

async function copyInstalled(
  t: TestContext,
): Promise<{ binaries: Binaries; copyParent: string; closed: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'coffer-binaries-'));
  t.after(() => rm(directory, { recursive: true }));
  await chmod(directory, 0o711);
  const installed = findInstalledBinaries();
  // The name must not be mistaken for a directory of headers, which are not copied.
  const closed = join(directory, 'include');
  const copyParent = join(directory, 'copy');
  await mkdir(copyParent);
  await cp(installed.directory, join(closed, 'native'), { recursive: true, verbatimSymlinks: true });
  return { binaries: { ...installed, directory: join(closed, 'native') }, copyParent, closed };
}

test('the installed programs are used where they are', async () => {
  const installed = findInstalledBinaries();
  assert.match(installed.version, /^18\./);
  assert.deepEqual(await prepareBinaries(installed, undefined, '/nonexistent', noLog), installed);
});

test('programs that lost their modes and links are repaired', async (t) => {
  const { binaries, copyParent } = await copyInstalled(t);
  const list = JSON.parse(await readFile(join(binaries.directory, 'pg-symlinks.json'), 'utf8')) as {
    target: string;
  }[];
  for (const { target } of list) await rm(join(binaries.directory, '..', target));
  for (const program of ['postgres', 'initdb']) await chmod(join(binaries.directory, 'bin', program), 0o644);
  assert.deepEqual(await prepareBinaries(binaries, undefined, copyParent, noLog), binaries);
});

const skip = isRoot() ? false : 'needs a second account, which only root can use';

test('programs the server account cannot reach are copied once', { skip }, async (t) => {
  const { binaries, copyParent, closed } = await copyInstalled(t);
  await chmod(closed, 0o700);
  // As npm installs them with a umask of 077.
  await chmod(join(binaries.directory, 'share'), 0o700);
  const user = chooseServerUser();
  const logged: string[] = [];
  const prepare = () => prepareBinaries(binaries, user, copyParent, (message) => logged.push(message));

  const copy = await prepare();
  assert.ok(copy.directory.startsWith(copyParent));
  assert.equal((await stat(join(copy.directory, 'share'))).mode & 0o777, 0o755);
  assert.equal(logged.length, 1);

  await t.test('the copy is used again', async () => {
    assert.deepEqual(await prepare(), copy);
    assert.equal(logged.length, 1);
  });

  await t.test('a damaged copy is replaced', async () => {
    await truncate(join(copy.directory, 'share', 'postgresql', 'postgres.bki'), 0);
    assert.deepEqual(await prepare(), copy);
    assert.equal(logged.length, 2);
    assert.notEqual((await stat(join(copy.directory, 'share', 'postgresql', 'postgres.bki'))).size, 0);
  });
});
