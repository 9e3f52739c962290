import assert from 'node:assert/strict';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ClusterMissingError } from '../../src/db/embedded/cluster.ts';
import { DataDirInUseError } from '../../src/db/embedded/embedded-postgres.ts';
import { openThrowawayPostgres } from '../../src/db/embedded/throwaway-postgres.ts';
import {
  clusterOf,
  eventually,
  findPostmaster,
  makeDataDir,
  open,
  query,
  serveInProcess,
} from './data-directory.ts';

test('a new data directory gets a PostgreSQL 18 with the database coffer', async (t) => {
  const dataDir = await makeDataDir(t);
  const { url } = await open(dataDir);

  assert.match(url, /^postgres:\/\/coffer:[0-9a-f]{48}@127\.0\.0\.1:\d+\/coffer$/);
  const [row] = await query(
    url,
    `select current_setting('server_version_num')::int / 10000 as major,
            current_database() as database,
            pg_encoding_to_char(encoding) as encoding,
            datlocale as locale
     from pg_database
     where datname = 'coffer'`,
  );
  assert.deepEqual(row, { major: 18, database: 'coffer', encoding: 'UTF8', locale: 'C.UTF-8' });

  await t.test('it keeps what makes a commit durable, and page checksums', async () => {
    const rows = await query(
      url,
      `select name, setting from pg_settings
       where name in ('fsync', 'synchronous_commit', 'full_page_writes', 'data_checksums')`,
    );
    assert.equal(rows.length, 4);
    for (const { name, setting } of rows) assert.equal(setting, 'on', String(name));
  });

  await t.test('it listens on loopback only, on no Unix socket, and asks for the password', async () => {
    const rows = await query(
      url,
      `select setting from pg_settings where name in ('listen_addresses', 'unix_socket_directories') order by name`,
    );
    assert.deepEqual(
      rows.map((row) => row['setting']),
      ['127.0.0.1', ''],
    );
    for (const address of outsideAddresses()) await assertRefused(address, Number(new URL(url).port));
    await assert.rejects(query(url.replace(/:[0-9a-f]{48}@/, ':wrong@'), 'select 1'), { code: '28P01' });
  });

  await t.test('its password and its log are readable by their owner only', async () => {
    const secret = new URL(url).password;
    assert.equal(await readFile(join(dataDir, 'password'), 'utf8'), `${secret}\n`);
    for (const name of ['password', 'postgres.log', 'cluster.json']) {
      assert.equal((await stat(join(dataDir, name))).mode & 0o777, 0o600, name);
    }
  });
});

test('what was committed is there after a restart, with the same password', async (t) => {
  const dataDir = await makeDataDir(t);
  const first = await open(dataDir);
  await query(first.url, 'create table kept as select 42 as answer');
  await Promise.all([first.close(), first.close()]);
  await first.close();
  assert.equal(await findPostmaster(dataDir), undefined, 'nothing is left running');

  const second = await open(dataDir);
  assert.deepEqual(await query(second.url, 'select answer from kept'), [{ answer: 42 }]);
  assert.equal(new URL(second.url).password, new URL(first.url).password);

  await t.test('a missing database is created again: the crash may have come before it', async () => {
    const maintenance = second.url.replace(/coffer$/, 'postgres');
    await query(maintenance, 'drop database coffer with (force)');
    await second.close();
    const third = await open(dataDir);
    assert.deepEqual(await query(third.url, 'select 1 as one'), [{ one: 1 }]);
    await third.close();
  });

  await t.test('a pid file whose pid now belongs to another program does not prevent the start', async () => {
    const cluster = await clusterOf(dataDir);
    await writeFile(
      join(cluster, 'postmaster.pid'),
      `${process.pid}\n${cluster}\n0\n5432\n\n127.0.0.1\n\nready\n`,
    );
    const server = await open(dataDir);
    assert.deepEqual(await query(server.url, 'select 1 as one'), [{ one: 1 }]);
    await server.close();
  });

  await t.test('a cluster that has vanished is an error, not an empty ledger', async () => {
    const cluster = await clusterOf(dataDir);
    await rename(cluster, `${cluster}-away`);
    await assert.rejects(open(dataDir), (error: Error) => {
      assert.ok(error instanceof ClusterMissingError);
      assert.match(error.message, new RegExp(`The database of ${dataDir} is gone`));
      return true;
    });
    await rename(`${cluster}-away`, cluster);
  });

  await t.test('a missing password file is an error that names it', async () => {
    await rm(join(dataDir, 'password'));
    await assert.rejects(open(dataDir), new RegExp(`${dataDir}/password .* is missing`));
  });
});

test('a second process is refused, commands attach', async (t) => {
  const dataDir = await makeDataDir(t);
  const serving = await serveInProcess(dataDir);

  await t.test('a second one that wants to serve is told who does', async () => {
    await assert.rejects(open(dataDir), (error: Error) => {
      assert.ok(error instanceof DataDirInUseError);
      assert.equal(
        error.message,
        `Coffer is already running on ${dataDir} (process ${serving.pid}). ` +
          'Stop it first, or set COFFER_DATA_DIR to another directory.',
      );
      return true;
    });
  });

  await t.test('a command uses the running server and leaves it running', async () => {
    const attached = await open(dataDir, { mode: 'attach' });
    assert.equal(attached.url, serving.url);
    await attached.close();
    assert.deepEqual(await query(serving.url, 'select 1 as one'), [{ one: 1 }]);
  });

  await t.test('signals to the process group, sent twice, stop the server in order', async () => {
    process.kill(-serving.pid, 'SIGINT');
    process.kill(-serving.pid, 'SIGTERM');
    assert.equal(await serving.exited, 0);
    assert.equal(await findPostmaster(dataDir), undefined);
    const log = await readFile(join(dataDir, 'postgres.log'), 'utf8');
    assert.match(log.trimEnd(), /database system is shut down$/);
  });

  await t.test('with nobody serving, the last command to leave stops the server', async () => {
    const first = await open(dataDir, { mode: 'attach' });
    const second = await open(dataDir, { mode: 'attach' });
    assert.equal(second.url, first.url);
    await first.close();
    assert.deepEqual(await query(second.url, 'select 1 as one'), [{ one: 1 }]);
    await second.close();
    assert.equal(await findPostmaster(dataDir), undefined);
  });

  await t.test('a server that a command has started is taken over by the one that serves', async () => {
    const command = await open(dataDir, { mode: 'attach' });
    const server = await open(dataDir);
    assert.equal(server.url, command.url);
    await command.close();
    assert.deepEqual(await query(server.url, 'select 1 as one'), [{ one: 1 }]);
    await server.close();
    assert.equal(await findPostmaster(dataDir), undefined);
  });

  await t.test('of many that want to serve at once, exactly one does', async () => {
    const attempts = await Promise.allSettled(Array.from({ length: 5 }, () => open(dataDir)));
    const won = attempts.filter((attempt) => attempt.status === 'fulfilled');
    const lost = attempts.filter((attempt) => attempt.status === 'rejected');
    assert.equal(won.length, 1);
    for (const { reason } of lost) assert.ok(reason instanceof DataDirInUseError, String(reason));
    await won[0]!.value.close();
  });
});

test('a start that is called off rejects with the reason and leaves nothing running', async (t) => {
  const dataDir = await makeDataDir(t);
  const stop = new AbortController();
  const reason = new Error('told to stop');
  const opening = open(dataDir, { signal: stop.signal, log: () => stop.abort(reason) });
  await assert.rejects(opening, reason);
  await eventually('nothing runs', async () => (await findPostmaster(dataDir)) === undefined);
  const { url } = await open(dataDir);
  assert.deepEqual(await query(url, 'select 1 as one'), [{ one: 1 }]);
});

test('a throw-away server removes its directory when it is closed', async () => {
  const server = await openThrowawayPostgres({ log: () => {} });
  const rows = await query(server.url, `select current_setting('data_directory') as directory`);
  await server.close();
  await assert.rejects(stat(String(rows[0]?.['directory'])), { code: 'ENOENT' });
});

function outsideAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.filter(({ family, internal }) => family === 'IPv4' && !internal).map(({ address }) => address);
}

async function assertRefused(host: string, port: number): Promise<void> {
  const code = await new Promise<string | undefined>((resolve) => {
    const socket = createConnection({ host, port, timeout: 2000 });
    socket.once('connect', () => {
      socket.destroy();
      resolve('connected');
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    socket.once('timeout', () => {
      socket.destroy();
      resolve('timeout');
    });
  });
  assert.notEqual(code, 'connected', `${host}:${port} must not accept connections`);
}
