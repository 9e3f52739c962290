/** Users of their own for the service and for an auditor, as an operator would set them up beside the database's owner. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { createTestDatabase, dropOnceFree, type TestDatabase } from '../support/database.ts';
import { killStarted, runCoffer, startCoffer, type Coffer } from '../support/coffer-process.ts';
import { until } from '../support/until.ts';

const suffix = randomBytes(4).toString('hex');
const logins = { coffer_service: `service_${suffix}`, coffer_auditor: `auditor_${suffix}` };

let database: TestDatabase;
let owner: pg.Client;
let coffer: Coffer;
let directory: string;

function urlOf(role: keyof typeof logins): string {
  const url = new URL(database.url);
  url.username = logins[role];
  url.password = 'secret-of-the-test';
  return url.href;
}

before(async () => {
  database = await createTestDatabase();
  directory = await mkdtemp(join(tmpdir(), 'coffer-roles-'));
  owner = await database.connect();
  for (const [role, login] of Object.entries(logins))
    await owner.query(`create role ${login} login password 'secret-of-the-test' in role ${role}`);
  coffer = await startCoffer(['serve'], {
    ...{ DATABASE_URL: urlOf('coffer_service'), COFFER_MIGRATE_URL: database.url, COFFER_SEED: 'demo' },
    COFFER_DATA_DIR: join(directory, 'data'),
  });
});

after(async () => {
  killStarted();
  for (const login of Object.values(logins)) await owner.query(`drop role ${login}`);
  await owner.end();
  await dropOnceFree(database);
  await rm(directory, { recursive: true });
});

test("the service works as a member of its role, and everything it makes is the role's", async () => {
  const { rows } = await owner.query(
    `select distinct usename::text as login from pg_stat_activity
      where datname = current_database() and application_name like 'coffer %'`,
  );
  assert.deepEqual(rows, [{ login: logins.coffer_service }]);
  assert.doesNotMatch(coffer.output(), /"level":[456]0/, coffer.output());

  const rebuilt = await runCoffer(['projections', 'rebuild', 'wallet_balances'], {
    DATABASE_URL: urlOf('coffer_service'),
  });
  assert.equal(rebuilt.code, 0, rebuilt.output);
  const { rows: foreign } = await owner.query(
    `select relname from pg_class where relnamespace = 'read'::regnamespace and relowner <> 'coffer_service'::regrole
        and relkind in ('r', 'v')`,
  );
  assert.deepEqual(foreign, []);
});

test('an auditor verifies and exports the log, and changes nothing of who signs', async () => {
  await until('something is sealed', async () => (await coffer.get('/audit/checkpoint')).status === 200);
  const env = { DATABASE_URL: urlOf('coffer_auditor') };
  const verified = await runCoffer(['audit', 'verify'], env);
  assert.equal(verified.code, 0, verified.output);
  assert.doesNotMatch(verified.output, /works with all rights/);
  const exported = await runCoffer(['audit', 'export', join(directory, 'export')], env);
  assert.equal(exported.code, 0, exported.output);
  assert.equal((await runCoffer(['audit', 'public-key'], env)).code, 0);
  const auditor = new pg.Client({ connectionString: env.DATABASE_URL });
  await auditor.connect();
  await assert.rejects(auditor.query('set role coffer_service'), /permission denied/);
  await auditor.end();
  const rotated = await runCoffer(['audit', 'rotate-key'], { ...env, COFFER_DATA_DIR: directory });
  assert.notEqual(rotated.code, 0);
  assert.match(rotated.output, /permission denied/);
});

test('somebody who is neither is told so, and can do nothing', async () => {
  const nobody = `nobody_${suffix}`;
  await owner.query(`create role ${nobody} login password 'secret-of-the-test'`);
  const url = new URL(urlOf('coffer_service'));
  url.username = nobody;
  const { code, output } = await runCoffer(['audit', 'public-key'], { DATABASE_URL: url.href });
  await owner.query(`drop role ${nobody}`);
  assert.notEqual(code, 0, output);
  assert.match(output, new RegExp(`${nobody} may not take on the role coffer_auditor`));
  assert.match(output, /permission denied/);
});
