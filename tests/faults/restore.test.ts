/**
 * A dump of the database, restored into a new cluster: keys, positions, checkpoints, projections and signatures go on.
 * Needs the programs of a PostgreSQL that brings pg_dump; where there are none the test says so and is not run.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import pg from 'pg';
import { pino } from 'pino';
import { chooseLoopbackPort } from '../../src/db/embedded/loopback-port.ts';
import { migrate } from '../../src/db/migrate.ts';
import { installJobs } from '../../src/projections/jobs.ts';
import { killStarted, startCoffer } from '../support/coffer-process.ts';
import { until } from '../support/until.ts';
import { assertAllIsWell, environmentOf, untilCaughtUp } from './aftermath.ts';
import { createParties, openClientLedger } from './client-ledger.ts';

const PACKAGES = '/usr/lib/postgresql';

/** The newest whose programs are all there. */
function programs(): string | null {
  const versions = existsSync(PACKAGES)
    ? readdirSync(PACKAGES).toSorted((left, right) => Number(right) - Number(left))
    : [];
  const whole = (version: string): boolean =>
    ['initdb', 'pg_ctl', 'postgres', 'pg_dump', 'pg_dumpall', 'pg_restore', 'psql'].every((name) =>
      existsSync(join(PACKAGES, version, 'bin', name)),
    );
  const found = versions.find(whole);
  return found === undefined ? null : join(PACKAGES, found, 'bin');
}

type Cluster = { readonly url: string; close(): Promise<void> };

const clusters: Cluster[] = [];

after(async () => {
  killStarted();
  for (const cluster of clusters) await cluster.close();
});

async function openCluster(bin: string): Promise<Cluster> {
  const directory = await mkdtemp(join(tmpdir(), 'coffer-restore-'));
  await chmod(directory, 0o700);
  const isRoot = process.getuid?.() === 0;
  if (isRoot) await chown(directory, idOf('-u'), idOf('-g'));
  // PostgreSQL refuses to run as root.
  function run(program: string, args: readonly string[]): void {
    const line = [join(bin, program), ...args];
    const [file, ...rest] = isRoot ? ['runuser', '-u', 'postgres', '--', ...line] : line;
    execFileSync(file!, rest, { stdio: 'ignore', cwd: '/' });
  }
  const data = join(directory, 'data');
  const port = await chooseLoopbackPort(undefined);
  run('initdb', [
    '-D',
    data,
    '-U',
    'postgres',
    '--auth=trust',
    '--encoding=UTF8',
    '--locale=C.UTF-8',
    '--no-sync',
  ]);
  const options = `-h 127.0.0.1 -p ${port} -k ${directory} -c fsync=off`;
  run('pg_ctl', ['-D', data, '-l', join(directory, 'log'), '-w', '-o', options, 'start']);
  const cluster = {
    url: `postgres://postgres@127.0.0.1:${port}/coffer`,
    async close() {
      run('pg_ctl', ['-D', data, '-m', 'immediate', 'stop']);
      await rm(directory, { recursive: true });
    },
  };
  clusters.push(cluster);
  const admin = new pg.Client({ connectionString: cluster.url.replace(/coffer$/, 'postgres') });
  await admin.connect();
  await admin.query('create database coffer');
  await admin.end();
  return cluster;
}

function idOf(flag: '-u' | '-g'): number {
  return Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
}

test('restored from pg_dump into a new cluster it goes on where it was', async (t) => {
  const bin = programs();
  if (bin === null || (process.getuid?.() === 0 && !existsSync('/usr/sbin/runuser'))) {
    t.diagnostic(`NOT RUN: no PostgreSQL with pg_dump under ${PACKAGES}`);
    return;
  }
  const old = await openCluster(bin);
  await migrate(old.url, () => undefined);
  await installJobs(old.url, pino({ level: 'silent' }));
  const env = environmentOf(old.url);
  const before = await startCoffer(['serve'], env);
  const ledger = openClientLedger(await createParties(before));
  const load = ledger.load(() => [before], 4);
  await load.acknowledgedMore(100);
  await load.stop();
  await untilCaughtUp(before);
  await until('all of it is sealed', async () =>
    /^coffer_unsealed_events(?:\{.*\})? 0$/m.test((await before.get('/metrics')).text),
  );
  const projections = (await before.get('/projections')).body.data;
  const checkpoint = (await before.get('/audit/checkpoint')).text;
  before.signal('SIGTERM');
  await before.exited;

  const dump = join(await mkdtemp(join(tmpdir(), 'coffer-dump-')), 'dump');
  execFileSync(join(bin, 'pg_dump'), ['--format=custom', `--file=${dump}`, old.url]);
  // Roles belong to a cluster, not to a database.
  const roles = execFileSync(join(bin, 'pg_dumpall'), ['--roles-only', `--dbname=${old.url}`]);
  const anew = await openCluster(bin);
  execFileSync(join(bin, 'psql'), ['--quiet', anew.url], {
    input: roles,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  execFileSync(join(bin, 'pg_restore'), ['--exit-on-error', '--no-owner', `--dbname=${anew.url}`, dump]);
  await rm(join(dump, '..'), { recursive: true });

  const restored = { ...env, DATABASE_URL: anew.url };
  const service = await startCoffer(['serve'], restored);
  assert.equal((await service.get('/audit/checkpoint')).text, checkpoint);
  const now = (await service.get('/projections')).body.data;
  const placeOf = ({ name, position, version }: Record<string, unknown>) => [name, position, version];
  assert.deepEqual(now.map(placeOf), projections.map(placeOf));
  const observer = new pg.Client({ connectionString: anew.url });
  await observer.connect();
  try {
    const found = await ledger.assertTruth(service, observer);
    assert.equal(found.acknowledged, ledger.acknowledged());
    const more = ledger.load(() => [service], 4);
    await more.acknowledgedMore(50);
    await more.stop();
    await assertAllIsWell(service, observer, restored);
  } finally {
    await observer.end();
  }
  service.signal('SIGTERM');
  assert.deepEqual(await service.exited, { code: 0, signal: null }, service.output());
});
