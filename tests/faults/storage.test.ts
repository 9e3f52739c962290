/**
 * The database cannot write: its disk is full, or it is read-only. Commands get a 503 that says why, reads go on,
 * /ready tells the truth, and everything recovers without a restart.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import type pg from 'pg';
import { killStarted, startCoffer, type Coffer, type Reply } from '../support/coffer-process.ts';
import { until } from '../support/until.ts';
import { assertAllIsWell, environmentOf } from './aftermath.ts';
import { createParties, openClientLedger, type Parties } from './client-ledger.ts';
import { openOwnPostgres, type OwnPostgres } from './own-postgres.ts';
import { fewerRounds } from './rounds.ts';

const CLIENTS = 4;
const RECOVERY_LIMIT_MS = 90_000;

let postgres: OwnPostgres;
let owner: pg.Client;
let coffer: Coffer;
let parties: Parties;

before(async () => {
  postgres = await openOwnPostgres();
  owner = await postgres.connect();
  coffer = await startCoffer(['serve'], environmentOf(postgres.url));
  parties = await createParties(coffer);
});

after(async () => {
  killStarted();
  await owner.end();
  await postgres.close();
});

function topUp(of: Coffer, { users: [userId], assetSlug }: Parties): Promise<Reply> {
  return of.post('/transactions/topup', { userId, assetSlug, amount: '1' });
}

async function untilReady(of: Coffer): Promise<void> {
  const probe = async () => (await of.get('/ready')).status === 200;
  await until('it is ready again', probe, RECOVERY_LIMIT_MS);
}

/** Under load the database stops to take writes for this reason, and takes them again. */
async function strike(reason: string, begin: () => Promise<void>, end: () => Promise<void>): Promise<void> {
  for (const _ of fewerRounds) {
    const ledger = openClientLedger(parties);
    const load = ledger.load(() => [coffer], CLIENTS);
    await load.acknowledgedMore(10);
    await begin();
    try {
      await ledger.someUnanswered();
      const refused = await until('a command is told why', async () => {
        const reply = await topUp(coffer, parties);
        return reply.status === 503 && reply.body.detail.includes(reason) && reply;
      });
      assert.equal(refused.body.code, 'database_unavailable');
      assert.ok(Number(refused.headers.get('retry-after')) > 0);
      const ready = await coffer.get('/ready');
      assert.deepEqual([ready.status, ready.body], [503, { status: 'not_ready', reason }]);
      assert.equal((await coffer.get(`/users/${parties.users[0]}`)).status, 200, 'reads go on');
    } finally {
      await end();
    }
    await untilReady(coffer);
    await load.acknowledgedMore(10);
    await load.stop();
    await ledger.assertTruth(coffer, owner);
  }
}

const READ_ONLY = 'the database is read-only';
const FULL = 'the disk of the database is full';

test('read-only from one moment to the next, for all sessions', () =>
  strike(
    READ_ONLY,
    async () => {
      await owner.query('alter system set default_transaction_read_only = on');
      await owner.query('select pg_reload_conf()');
    },
    async () => {
      await owner.query('alter system reset default_transaction_read_only');
      await owner.query('select pg_reload_conf()');
    },
  ));

test('read-only for each new session, as after a fail-over to a server that was not promoted yet', () =>
  strike(
    READ_ONLY,
    async () => {
      await owner.query('alter database coffer set default_transaction_read_only = on');
      await endSessions();
    },
    async () => {
      await owner.query('set default_transaction_read_only = off');
      await owner.query('alter database coffer reset default_transaction_read_only');
    },
  ));

async function endSessions(): Promise<void> {
  await owner.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  );
}

/** A file system of so many bytes, or null, said aloud, where none can be mounted. */
async function smallFileSystem(t: TestContext, bytes: number): Promise<string | null> {
  const parent = await mkdtemp(join(tmpdir(), 'coffer-small-disk-'));
  await chmod(parent, 0o711);
  const path = join(parent, 'disk');
  await mkdir(path);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=0711`, 'tmpfs', path], { stdio: 'pipe' });
  } catch (error) {
    await rm(parent, { recursive: true });
    t.diagnostic(`NOT RUN: no small file system can be mounted here: ${String(error).split('\n')[0]}`);
    return null;
  }
  t.after(async () => {
    execFileSync('umount', ['--lazy', path]);
    await rm(parent, { recursive: true });
  });
  return path;
}

/** Takes what is left on it. */
async function fillUp(path: string): Promise<void> {
  const { bavail, bsize } = statfsSync(path);
  await writeFile(join(path, 'ballast'), Buffer.alloc(bavail * bsize)).catch(
    (error: NodeJS.ErrnoException) => {
      // What grew in the meantime has taken a little of it.
      if (error.code !== 'ENOSPC') throw error;
    },
  );
}

test('a full disk, as the database reports it (53100)', () =>
  strike(
    FULL,
    async () => {
      await owner.query(`
create function full_disk() returns trigger language plpgsql as $$
begin
  raise exception 'could not extend file: No space left on device' using errcode = '53100';
end
$$;
create trigger full_disk before insert on events for each statement execute function full_disk()`);
    },
    async () => {
      await owner.query('drop trigger full_disk on events; drop function full_disk()');
    },
  ));

test('a disk that is really full: the tables of the log cannot grow', async (t) => {
  const disk = await smallFileSystem(t, 24 * 1024 * 1024);
  if (disk === null) return;
  const { uid, gid } = await stat(await dataDirectory());
  const space = join(disk, 'space');
  await mkdir(space);
  await chown(space, uid, gid);
  await owner.query(`create tablespace small location '${space}'`);
  await moveLog('small');
  try {
    await strike(
      FULL,
      () => fillUp(disk),
      () => rm(join(disk, 'ballast')),
    );
  } finally {
    await moveLog('pg_default');
    await owner.query('drop tablespace small');
  }
});

async function dataDirectory(): Promise<string> {
  const { rows } = await owner.query<{ data_directory: string }>('show data_directory');
  return rows[0]!.data_directory;
}

async function moveLog(tablespace: string): Promise<void> {
  for (const table of ['events', 'ledger_entries', 'idempotency_keys'])
    await owner.query(`alter table ${table} set tablespace ${tablespace}`);
}

test('a disk so full that PostgreSQL gives up, and cannot start: it comes back when there is room, and so does the service', async (t) => {
  const disk = await smallFileSystem(t, 256 * 1024 * 1024);
  if (disk === null) return;
  const crowded = await openOwnPostgres(disk);
  const client = await crowded.connect();
  try {
    const env = environmentOf(crowded.url);
    const service = await startCoffer(['serve'], env);
    const ledger = openClientLedger(await createParties(service));
    const load = ledger.load(() => [service], CLIENTS);
    await load.acknowledgedMore(20);
    await fillUp(disk);
    // More than what its log has room for; it cannot write that, and ends itself.
    await client
      .query(`select pg_logical_emit_message(true, 'x', repeat('x', 50000000))`)
      .catch(() => undefined);
    await ledger.someUnanswered();
    // Nor does it start on it, not even so far that it could note where.
    await crowded.kill();
    const failed = () => crowded.messages().filter((line) => line.includes('did not start')).length >= 2;
    await until('it has failed to start more than once', failed);
    const answer = await service.get('/ready');
    assert.equal(answer.status, 503, answer.text);
    await rm(join(disk, 'ballast'));
    await untilReady(service);
    await load.acknowledgedMore(20);
    await load.stop();
    const afterwards = await crowded.connect();
    await ledger.assertTruth(service, afterwards);
    await assertAllIsWell(service, afterwards, env);
    await afterwards.end();
    service.signal('SIGTERM');
    await service.exited;
  } finally {
    await client.end().catch(() => undefined);
    await crowded.close();
  }
});

test('after all of this, all is well', () => assertAllIsWell(coffer, owner, environmentOf(postgres.url)));
