/** Roles belong to the cluster, so that how they come into being is tried out on one that has none yet. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { pino } from 'pino';
import { prepareDatabase } from '../../src/cli/prepare-database.ts';
import { openThrowawayPostgres } from '../../src/db/embedded/throwaway-postgres.ts';
import { bringRightsUpToDate, urlFor } from '../../src/db/rights.ts';
import { databaseUrl } from '../support/database.ts';

let server: { url: string; close(): Promise<void> };
let admin: pg.Client;

before(async () => {
  server = await openThrowawayPostgres({ log: () => undefined });
  admin = new pg.Client({ connectionString: server.url });
  await admin.connect();
});

after(async () => {
  await admin.end();
  await server.close();
});

/** Resolves to the warnings that were logged. */
async function prepare(url: string): Promise<string[]> {
  const warnings: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void warnings.push(line) });
  await prepareDatabase(url, log, () => undefined);
  return warnings;
}

async function standing(url: string): Promise<{ url: string; warnings: string[] }> {
  const warnings: string[] = [];
  const found = await urlFor('coffer_service', url, (message) => void warnings.push(message));
  return { url: found, warnings };
}

/** A user with a database of its own. */
async function ownerWith(name: string, attributes: string): Promise<string> {
  await admin.query(`create role ${name} login password 'secret' ${attributes}`);
  await admin.query(`create database ${name} owner ${name}`);
  const url = new URL(databaseUrl(server.url, name));
  url.username = name;
  url.password = 'secret';
  return url.href;
}

test('an owner who may not make roles migrates all the same, and is told; once others made them they hold', async () => {
  const url = await ownerWith('plain', '');
  const [warning = '', ...more] = await prepare(url);
  assert.match(warning, /may not set up the roles of the database/);
  assert.match(warning, /permission denied to create role/);
  assert.deepEqual(more, []);
  const before = await standing(url);
  assert.equal(before.url, url);
  assert.match(before.warnings.join(), /finds no rights of the role coffer_service/);

  await admin.query('create role coffer_service; create role coffer_auditor; grant coffer_service to plain');
  assert.deepEqual(await bringRightsUpToDate(url), { kind: 'in force' });
  const after_ = await standing(url);
  assert.notEqual(after_.url, url);
  assert.deepEqual(after_.warnings, []);
  await admin.query('drop database plain');
  await admin.query('drop owned by coffer_service, coffer_auditor; drop role coffer_service, coffer_auditor');
});

test('databases that are migrated at once share the roles that one of them made', async () => {
  const names = ['one', 'two', 'three'];
  for (const name of names) await admin.query(`create database ${name}`);
  const urls = names.map((name) => databaseUrl(server.url, name));
  const warnings = await Promise.all([...urls, ...urls].map(prepare));
  assert.deepEqual(warnings.flat(), []);
  for (const url of urls) {
    assert.deepEqual((await standing(url)).warnings, []);
    assert.notEqual((await standing(url)).url, url);
  }
});

test('an owner who may make roles needs to be no superuser, and migrates again without a change', async () => {
  await admin.query('drop database one');
  await admin.query('drop database two');
  await admin.query('drop database three');
  await admin.query('drop role coffer_service, coffer_auditor');
  const url = await ownerWith('managed', 'createrole');
  assert.deepEqual(await prepare(url), []);
  const service = await standing(url);
  assert.deepEqual(service.warnings, []);

  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const changes = async () =>
    (
      await client.query(`select array_agg(c.xmin::text order by c.oid) as xmins from pg_class c
      where relnamespace in ('public'::regnamespace, 'read'::regnamespace)`)
    ).rows[0].xmins as string[];
  const before = await changes();
  assert.deepEqual(await prepare(url), []);
  assert.deepEqual(await changes(), before);

  // A table that came since belongs to the state.
  await client.query('create table of_the_test (a integer)');
  assert.deepEqual(await prepare(url), []);
  const { rows } = await client.query(
    `select has_table_privilege('coffer_service', 'of_the_test', 'update') as service,
            has_table_privilege('coffer_auditor', 'of_the_test', 'insert') as auditor`,
  );
  assert.deepEqual(rows, [{ service: true, auditor: false }]);
  await client.end();
});
