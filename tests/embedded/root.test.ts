import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ClusterMissingError } from '../../src/db/embedded/cluster.ts';
import { chooseServerUser, findServerUser, isRoot } from '../../src/db/embedded/server-user.ts';
import { clusterOf, findPostmaster, makeDataDir, open, query } from './data-directory.ts';

const skip = isRoot() ? false : 'only root can run the server under another account';

test('the account of the server exists, is not root and can run programs', { skip }, () => {
  assert.equal(findServerUser('root'), undefined);
  assert.equal(findServerUser('no-such-account-here'), undefined);
  const user = chooseServerUser();
  const uid = execFileSync('id', ['-u'], { uid: user.uid, gid: user.gid, cwd: '/', encoding: 'utf8' });
  assert.equal(Number(uid), user.uid);
  assert.notEqual(user.uid, 0);
});

test('started by root, the server runs as another user, in the data directory', { skip }, async (t) => {
  const dataDir = await makeDataDir(t);
  const server = await open(dataDir);
  const cluster = await clusterOf(dataDir);
  assert.equal(cluster, join(dataDir, 'postgres', 'cluster'));
  const { uid, mode } = await stat(cluster);
  assert.notEqual(uid, 0);
  assert.equal(mode & 0o777, 0o700);
  if (process.platform === 'linux') {
    assert.equal((await stat(`/proc/${await findPostmaster(dataDir)}`)).uid, uid);
  }
  assert.equal((await stat(join(dataDir, 'password'))).uid, 0, 'that user cannot read the password');

  await t.test('once that user can no longer get there, the start fails and names the remedy', async () => {
    await server.close();
    await chmod(dataDir, 0o700);
    await assert.rejects(open(dataDir), /can no longer enter .*chmod o\+x/);
  });
});

test('in a data directory closed to others the database is kept elsewhere', { skip }, async (t) => {
  const dataDir = await makeDataDir(t, 0o700);
  const first = await open(dataDir);
  await query(first.url, 'create table kept as select 42 as answer');
  await first.close();
  const cluster = await clusterOf(dataDir);
  assert.match(cluster, /^\/var\/lib\/coffer\/[0-9a-f]{12}\/cluster$/);

  await t.test('the directory keeps its mode, and the secret', async () => {
    assert.equal((await stat(dataDir)).mode & 0o777, 0o700);
    assert.equal((await stat(join(dataDir, 'password'))).mode & 0o777, 0o600);
    assert.equal((await readFile(join(dataDir, 'password'), 'utf8')).trim(), new URL(first.url).password);
  });

  await t.test('a restart finds the same database', async () => {
    const second = await open(dataDir);
    assert.deepEqual(await query(second.url, 'select answer from kept'), [{ answer: 42 }]);
    await second.close();
    assert.equal(await findPostmaster(dataDir), undefined);
  });

  await t.test('if that place vanishes, the start fails and says what is missing', async () => {
    await rename(cluster, `${cluster}-away`);
    await assert.rejects(open(dataDir), (error: Error) => {
      assert.ok(error instanceof ClusterMissingError);
      assert.ok(error.message.includes(dataDir) && error.message.includes('/var/lib/coffer/'));
      return true;
    });
  });
});
