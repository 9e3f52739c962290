import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  clusterOf,
  eventually,
  findPostmaster,
  killAll,
  makeDataDir,
  open,
  query,
  serveInProcess,
} from './data-directory.ts';

test('crashes lose nothing that was committed', async (t) => {
  const dataDir = await makeDataDir(t);

  await t.test('everything killed at once: the next start recovers', async () => {
    const serving = await serveInProcess(dataDir);
    await query(serving.url, 'create table kept as select 42 as answer');
    const postmaster = await findPostmaster(dataDir);
    process.kill(serving.pid, 'SIGKILL');
    await killAll(postmaster!, 'SIGKILL');
    await serving.exited;
    const cluster = await clusterOf(dataDir);
    assert.ok(
      existsSync(join(cluster, 'postmaster.pid')),
      'the pid file of the killed server is still there',
    );

    const server = await open(dataDir);
    assert.deepEqual(await query(server.url, 'select answer from kept'), [{ answer: 42 }]);
    await server.close();
    assert.match(
      await readFile(join(dataDir, 'postgres.log'), 'utf8'),
      /not properly shut down; automatic recovery/,
    );
  });

  await t.test('the service alone killed: the next one takes its server over, and stops it', async () => {
    const serving = await serveInProcess(dataDir);
    const postmaster = await findPostmaster(dataDir);
    process.kill(serving.pid, 'SIGKILL');
    await serving.exited;
    assert.equal(await findPostmaster(dataDir), postmaster, 'the server outlives the service');

    const server = await open(dataDir);
    assert.equal(server.url, serving.url);
    assert.deepEqual(await query(server.url, 'select answer from kept'), [{ answer: 42 }]);
    await server.close();
    assert.equal(await findPostmaster(dataDir), undefined);
  });

  await t.test('the service killed: a command that comes by clears its server away', async () => {
    const serving = await serveInProcess(dataDir);
    process.kill(serving.pid, 'SIGKILL');
    await serving.exited;
    const attached = await open(dataDir, { mode: 'attach' });
    assert.equal(attached.url, serving.url);
    await attached.close();
    assert.equal(await findPostmaster(dataDir), undefined);
    assert.deepEqual(await readdir(join(dataDir, 'processes')), []);
  });

  await t.test('the server alone killed: it comes back at the same address', async () => {
    const server = await open(dataDir);
    const killed = await findPostmaster(dataDir);
    process.kill(killed!, 'SIGKILL');
    await eventually('the server answers again', async () => {
      const rows = await query(server.url, 'select answer from kept').catch(() => []);
      return rows[0]?.['answer'] === 42;
    });
    assert.notEqual(await findPostmaster(dataDir), killed);
    await server.close();
    assert.equal(await findPostmaster(dataDir), undefined);
  });

  await t.test('the server killed just before the stop: close still ends well', async () => {
    const server = await open(dataDir);
    const killed = await findPostmaster(dataDir);
    process.kill(killed!, 'SIGKILL');
    await server.close();
    assert.equal(await findPostmaster(dataDir), undefined);
  });

  await t.test('a server that does not stop in time is made to, and recovers', async () => {
    const server = await open(dataDir, { stopTimeoutMs: 500 });
    await query(server.url, 'insert into kept values (43)');
    // A stopped process does not answer SIGINT or SIGQUIT.
    process.kill((await findPostmaster(dataDir))!, 'SIGSTOP');
    const startMs = performance.now();
    await server.close();
    assert.ok(performance.now() - startMs < 3000);
    assert.equal(await findPostmaster(dataDir), undefined);
    const next = await open(dataDir);
    assert.deepEqual(await query(next.url, 'select count(*)::int as n from kept'), [{ n: 2 }]);
    await next.close();
  });
});

test('a creation that was interrupted is done again from the start', async (t) => {
  const dataDir = await makeDataDir(t);
  // What a process killed in the middle of initdb leaves: the record of an attempt, and half a cluster.
  const half = join(dataDir, 'postgres', 'initdb-0badcafe', 'cluster');
  await mkdir(half, { recursive: true });
  await writeFile(join(half, 'PG_VERSION'), '18\n');
  await writeFile(join(dataDir, 'cluster.json'), '{"home":"postgres","initialised":false}\n');
  await writeFile(join(dataDir, 'password'), '');

  const server = await open(dataDir);
  assert.deepEqual(await query(server.url, 'select 1 as one'), [{ one: 1 }]);
  assert.deepEqual(await readdir(join(dataDir, 'postgres')), ['cluster']);
  await server.close();
});

test('killed at any moment of the first start, the next start works', async (t) => {
  for (const killAfterMs of [300, 800]) {
    const dataDir = await makeDataDir(t);
    const serving = serveInProcess(dataDir, 'serve', { killAfterMs });
    await serving.then(
      ({ pid, exited }) => {
        process.kill(pid, 'SIGKILL');
        return exited;
      },
      () => {},
    );
    const server = await open(dataDir);
    assert.deepEqual(
      await query(server.url, 'select 1 as one'),
      [{ one: 1 }],
      `killed after ${killAfterMs} ms`,
    );
    await server.close();
  }
});
