/** Keys and ledgers from the command line, and what a process that runs makes of them. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { bareEnvironment, killStarted, ROOT, startCoffer, type Coffer } from '../support/coffer-process.ts';
import { createTestDatabase, dropOnceFree, type TestDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';

const ADMIN_KEY = 'the-admin-key-of-this-test-0123456789';
const KEY_LINE = /^cof_[a-z2-7]{8}_[A-Za-z0-9_-]{43}\n$/;

type Ran = { readonly code: number; readonly stdout: string; readonly stderr: string };

let database: TestDatabase;
let directory: string;
let coffer: Coffer;

before(async () => {
  database = await createTestDatabase();
  directory = await mkdtemp(join(tmpdir(), 'coffer-keys-'));
  const file = join(directory, 'admin-key');
  await writeFile(file, `${ADMIN_KEY}\n`);
  coffer = await startCoffer(['api'], {
    DATABASE_URL: database.url,
    COFFER_ADMIN_KEY_FILE: file,
    LOG_LEVEL: 'trace',
  });
});

after(async () => {
  coffer.signal('SIGTERM');
  await coffer.exited;
  killStarted();
  await rm(directory, { recursive: true });
  await dropOnceFree(database);
});

function run(...args: string[]): Promise<Ran> {
  const env = { ...bareEnvironment(), DATABASE_URL: database.url, COFFER_DATA_DIR: directory };
  return new Promise((resolve) => {
    execFile(process.execPath, ['src/main.ts', ...args], { cwd: ROOT, env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

function asked(path: string, key: string): Promise<{ status: number; body: unknown }> {
  return coffer.get(path, { authorization: `Bearer ${key}` });
}

test('the key of the environment is an administrator from the start, and the door is closed', async () => {
  assert.equal((await coffer.get('/users')).status, 401);
  const reply = await coffer.get('/keys', { authorization: `Bearer ${ADMIN_KEY}` });
  assert.equal(reply.status, 200);
  assert.deepEqual(
    reply.body.data.map(({ name, source, scopes }: Record<string, unknown>) => ({ name, source, scopes })),
    [{ name: 'COFFER_ADMIN_KEY', source: 'environment', scopes: ['admin'] }],
  );
});

test('a key that is made is all there is on stdout, and counts in a process that runs', async () => {
  const made = await run('keys', 'create', '--name', 'a shop', '--scopes', 'queries:read,commands:write');
  assert.equal(made.code, 0, made.stderr);
  assert.match(made.stdout, KEY_LINE);
  const key = made.stdout.trim();
  const prefix = key.slice(0, 12);
  assert.ok(!made.stderr.includes(key.slice(13)) && made.stderr.includes(prefix));
  await until('it counts', async () => (await asked('/users', key)).status === 200);
  assert.equal((await asked('/events', key)).status, 403);

  const rotated = await run('keys', 'rotate', prefix, '--overlap', '1h');
  assert.match(rotated.stdout, KEY_LINE);
  const fresh = rotated.stdout.trim();
  await until('the new secret counts', async () => (await asked('/users', fresh)).status === 200);
  assert.equal((await asked('/users', key)).status, 200);

  const listed = await run('keys', 'list');
  assert.match(
    listed.stdout,
    new RegExp(`^${fresh.slice(0, 12)} .* valid .*queries:read,commands:write.*"a shop"$`, 'm'),
  );
  assert.ok(!listed.stdout.includes(fresh.slice(13)));

  const revoked = await run('keys', 'revoke', fresh);
  assert.equal(revoked.code, 0, revoked.stderr);
  assert.ok(
    !`${revoked.stdout}${revoked.stderr}`.includes(fresh.slice(13)),
    'not even where it was pasted whole',
  );
  for (const secret of [key, fresh])
    await until('it counts no longer', async () => (await asked('/users', secret)).status === 401);
  const again = await run('keys', 'rotate', fresh.slice(0, 12));
  assert.deepEqual([again.code, again.stdout], [1, '']);
  assert.match(again.stderr, /is revoked: create a new one/);
});

test('a ledger that is made has keys, data and an audit of its own', async () => {
  const made = await run('ledgers', 'create', 'tenant');
  assert.deepEqual([made.code, made.stdout], [0, 'tenant\n']);
  assert.match((await run('ledgers', 'create', 'tenant')).stderr, /there is a ledger tenant already/);
  assert.match((await run('ledgers', 'create', 'No Slug')).stderr, /a ledger is named by a letter/);
  assert.match((await run('ledgers', 'list')).stdout, /^main .*\ntenant +head 0 /m);

  const { stdout } = await run(
    'keys',
    'create',
    '--name',
    't',
    '--scopes',
    'admin',
    '--ledger',
    'tenant',
    '--expires',
    '90d',
  );
  const key = stdout.trim();
  await until('its key counts', async () => (await asked('/users', key)).status === 200);
  assert.equal((await run('seed', '--ledger', 'tenant')).stdout, 'the demo data is there\n');
  assert.match((await run('ledgers', 'list')).stdout, /^main +head 0 .*\ntenant +head 1[0-9] /m);
  const balances = await run('projections', 'list', '--ledger', 'tenant');
  assert.match(balances.stdout, /^wallet_balances +\S+ +0\/1[0-9] /m);
  const exported = await run('audit', 'export', join(directory, 'export'), '--ledger', 'tenant');
  assert.match(exported.stdout, /: 1[0-9] events/);
  assert.match((await run('audit', 'verify', '--ledger', 'nobody')).stderr, /there is no ledger nobody/);
});

test('what is not understood is said without making anything', async () => {
  const cases = [
    [['--name', 'x', '--scopes', 'everything'], /There is no scope everything/],
    [['--name', ' ', '--scopes', 'admin'], /1 to 100 characters/],
    [['--name', 'x', '--scopes', 'admin', '--expires', 'soon'], /a time, such as/],
    [['--name', 'x', '--scopes', 'admin', '--expires', '2020-01-01'], /over already/],
    [['--name', 'x', '--scopes', 'admin', '--ledger', 'nobody'], /no ledger nobody/],
    [['--name', 'x'], /--scopes/],
  ] as const;
  const before = (await run('keys', 'list')).stdout;
  await Promise.all(
    cases.map(async ([args, said]) => {
      const { code, stdout, stderr } = await run('keys', 'create', ...args);
      assert.ok(code !== 0 && stdout === '', args.join(' '));
      assert.match(stderr, said);
    }),
  );
  assert.equal((await run('keys', 'list')).stdout, before);
});

test('nothing that a process writes shows a key, whatever it logs', () => {
  assert.ok(coffer.output().length > 0);
  assert.ok(!coffer.output().includes(ADMIN_KEY));
  assert.ok(!/cof_[a-z2-7]{8}_[A-Za-z0-9_-]{43}/.test(coffer.output()));
});
