/** What the roles of the database keep from the service and from an auditor, whatever a program would like to do. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { asRole, type Role } from '../../src/db/session.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { registerUser, startService, type Service } from '../support/service.ts';
import { newHolder, topUp } from '../http/payments.ts';

const DENIED = '42501';

let database: TestDatabase;
let service: Service;
let owner: pg.Client;
let asService: pg.Client;
let asAuditor: pg.Client;

async function connectAs(role: Role): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: asRole(database.url, role) });
  await client.connect();
  return client;
}

before(async () => {
  database = await createTestDatabase();
  service = await startService(database, { worker: false });
  await registerUser(service);
  await topUp(service, await newHolder(service), '100');
  owner = await database.connect();
  asService = await connectAs('coffer_service');
  asAuditor = await connectAs('coffer_auditor');
});

after(async () => {
  for (const client of [owner, asService, asAuditor]) await client.end();
  await service.close();
  await database.drop();
});

async function assertDenied(client: pg.Client, sql: string): Promise<void> {
  await client.query('begin');
  await assert.rejects(client.query(sql), { code: DENIED }, sql);
  await client.query('rollback');
}

async function tablesOf(schema: string): Promise<string[]> {
  const { rows } = await owner.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = $1 order by 1`,
    [schema],
  );
  return rows.map(({ name }) => `${schema}.${name}`);
}

async function logTables(): Promise<string[]> {
  const { rows } = await owner.query<{ name: string }>(
    `select distinct tgrelid::regclass::text as name from pg_trigger where tgfoid = 'refuse_change'::regproc order by 1`,
  );
  return rows.map(({ name }) => name);
}

async function firstColumn(table: string): Promise<string> {
  const { rows } = await owner.query<{ name: string }>(
    'select attname as name from pg_attribute where attrelid = $1::regclass and attnum = 1',
    [table],
  );
  return rows[0]!.name;
}

describe('The role of the service', () => {
  test('is the one that the service works as', async () => {
    const { rows } = await asService.query('select current_user, session_user');
    assert.equal(rows[0].current_user, 'coffer_service');
    assert.notEqual(rows[0].session_user, 'coffer_service');
  });

  test('cannot alter the log in any way: not its rows, nor what guards them', async () => {
    const log = await logTables();
    assert.deepEqual(log, [
      ...['audit_checkpoints', 'audit_incarnations', 'audit_keys', 'audit_nodes'],
      ...['events', 'idempotency_keys', 'ledger_entries'],
    ]);
    for (const table of log) {
      const column = await firstColumn(table);
      for (const sql of [
        `update ${table} set ${column} = ${column}`,
        `update ${table} set ${column} = ${column} where false`,
        `delete from ${table}`,
        `delete from ${table} where false`,
        `truncate ${table}`,
        `merge into ${table} t using (select 1) s on true when matched then delete`,
        `insert into ${table} select * from ${table} on conflict do nothing returning ${column}; delete from ${table}`,
        `drop table ${table}`,
        `alter table ${table} disable trigger all`,
        `alter table ${table} owner to coffer_service`,
        `alter table ${table} add column x integer`,
        `alter table ${table} rename to gone`,
        `create trigger mine before insert on ${table} execute function refuse_change()`,
        `create rule mine as on insert to ${table} do instead nothing`,
        `create index on ${table} (${column})`,
        `lock table ${table} in access exclusive mode`,
        `drop trigger ${table}_append_only on ${table}`,
      ])
        await assertDenied(asService, sql);
      // This is no error, only without effect.
      await asService.query(`grant update, delete, truncate on ${table} to coffer_service`);
      await assertDenied(asService, `delete from ${table}`);
    }
    await assertDenied(
      asService,
      'create or replace function refuse_change() returns trigger language sql as $$$$',
    );
    await assertDenied(asService, 'drop function refuse_change() cascade');
    await assertDenied(asService, 'set session_replication_role = replica');
    await assertDenied(asService, 'create table public.mine ()');
    await assertDenied(asService, 'alter role coffer_service superuser');
    await assertDenied(asService, "delete from coffer_migrations where name <> ''");
  });

  test('changes only the columns of its state that change in time', async () => {
    for (const sql of [
      'update ledgers set slug = slug',
      'update users set id = id',
      'update assets set scale = 2',
      'update wallets set owner = owner',
      'update wallets set asset_id = asset_id',
      'delete from wallets',
      'delete from users',
      'delete from ledgers',
      'update personal set value = value',
      'update holds set amount = amount',
      'delete from holds',
      'update lots set expires_at = expires_at',
      'update schedules set execute_at = execute_at',
    ])
      await assertDenied(asService, sql);
    for (const table of await tablesOf('public')) await assertDenied(asService, `truncate ${table}`);
  });

  test('may do all that the read models need, which can be folded again', async () => {
    await asService.query('begin');
    await asService.query('create table read.users_99 (like read.users_0 including all)');
    await asService.query('create or replace view read.users as select * from read.users_99');
    await asService.query('drop table read.users_1');
    await asService.query('rollback');
  });
});

describe('The role of an auditor', () => {
  test('reads every table of the ledger and of the read models', async () => {
    for (const table of [...(await tablesOf('public')), ...(await tablesOf('read'))])
      await asAuditor.query(`select from ${table} limit 1`);
  });

  test('reads what the next generation of a read model is made of, too', async () => {
    await asService.query('create table read.of_the_test ()');
    await asAuditor.query('select from read.of_the_test');
    await asService.query('drop table read.of_the_test');
  });

  test('writes nowhere', async () => {
    const tables = [
      ...(await tablesOf('public')),
      ...(await tablesOf('read')),
      ...(await tablesOf('pgboss')),
    ];
    assert.ok(
      tables.includes('public.events') &&
        tables.includes('read.checkpoints') &&
        tables.includes('pgboss.job'),
    );
    for (const table of tables) {
      const column = await firstColumn(table);
      await assertDenied(asAuditor, `insert into ${table} default values`);
      await assertDenied(asAuditor, `update ${table} set ${column} = default`);
      await assertDenied(asAuditor, `delete from ${table}`);
      await assertDenied(asAuditor, `alter table ${table} rename to gone`);
      await assertDenied(asAuditor, `lock table ${table} in exclusive mode`);
    }
    for (const table of await logTables()) await assertDenied(asAuditor, `truncate ${table}`);
    await assertDenied(asAuditor, 'select thin_checkpoints(1, 0, 0, 1)');
    for (const schema of ['public', 'read', 'pgboss'])
      await assertDenied(asAuditor, `create table ${schema}.mine ()`);
  });
});
