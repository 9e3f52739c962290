/**
 * Who may do what in the database. Its owner migrates; the service works as `coffer_service`, which may add to the log and
 * change nothing of it; `coffer_auditor` reads. Roles belong to the cluster, rights to the database. Both are brought up to
 * date after each migration, under a lock, and only where something differs.
 */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { sqlState } from './failures.ts';
import { asRole, sessionOf, type Role } from './session.ts';

const LOCK_WAIT_MS = 60_000;
const LOCK = 0x636f_6672;
const TRIES = 10;
const MAX_PAUSE_MS = 200;

/**
 * What the service may do beyond reading and adding, table by table and column by column. Tables whose trigger refuses every
 * change are the log: nothing is added to that. A table that is not named here is state, and may be changed.
 */
const CHANGES: Readonly<Record<string, readonly string[]>> = {
  ledgers: ['update (head_position, head_recorded_at, policy_version)'],
  users: ['update (status)'],
  assets: ['update (status, supply_cap, limits)'],
  personal: ['delete'],
  wallets: ['update (balance, held, floor, seq, status, next_due_at, limits)'],
  holds: ['update (captured, remaining, status)'],
  lots: ['update (remaining, reserved)'],
  schedules: ['update (status)'],
  // What a key may do, and for whom, is as it was made.
  api_keys: [
    'update (prefix, hash, previous_prefix, previous_hash, previous_until, rotated_at, revoked_at, last_used_at)',
  ],
  access_version: ['update (version)'],
};
const OF_STATE = ['update', 'delete'];
/** Of the migrations alone. */
const READ_ONLY = 'coffer_migrations';

export type Rights =
  | { readonly kind: 'in force' }
  /** The database cannot keep them apart: all works as before, with the rights of whoever connects. */
  | { readonly kind: 'missing'; readonly reason: string };

/** As the owner of the database, after the migrations. Rejects with the database's error where that is not about rights. */
export async function bringRightsUpToDate(url: string): Promise<Rights> {
  const client = new pg.Client({
    ...sessionOf(url, { lock_timeout: LOCK_WAIT_MS.toString(), client_min_messages: 'error' }),
    application_name: 'coffer rights',
    connectionTimeoutMillis: 10_000,
  });
  await client.connect();
  try {
    for (const role of ['coffer_service', 'coffer_auditor'] as const)
      await retried(() => client.query(creationOf(role)));
    await retried(() => client.query(MEMBERSHIP));
    await retried(() => grant(client));
    return { kind: 'in force' };
  } catch (error) {
    if (sqlState(error) !== INSUFFICIENT_PRIVILEGE) throw error;
    return { kind: 'missing', reason: error instanceof Error ? error.message : String(error) };
  } finally {
    await client.end();
  }
}

const INSUFFICIENT_PRIVILEGE = '42501';
/** Others do the same in their databases of this cluster, which no lock of this one keeps out; or drop what is granted on. */
const RACES = new Set(['23505', '42710', '42P01', '40P01', '40001', 'XX000']);

async function retried<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let left = TRIES - 1; ; left -= 1) {
    try {
      return await work();
    } catch (error) {
      if (left === 0 || !RACES.has(sqlState(error) ?? '')) throw error;
      await delay(Math.random() * MAX_PAUSE_MS);
    }
  }
}

function creationOf(role: Role): string {
  return `
do $$
begin
  if not exists (select from pg_roles where rolname = '${role}') then
    create role ${role} nologin;
  end if;
end
$$`;
}

/**
 * The owner has to be a member to own what the service owns, and to make it. To see how long the queries of others have been
 * running is useful to a rebuild, which waits for them, and waits blindly where it may not.
 */
const MEMBERSHIP = `
do $$
begin
  if not pg_has_role(current_user, 'coffer_service', 'usage') then
    execute format('grant coffer_service to %I', current_user);
  end if;
  if not pg_has_role('coffer_service', 'pg_read_all_stats', 'usage') then
    begin
      grant pg_read_all_stats to coffer_service;
    exception when insufficient_privilege then
      null;
    end;
  end if;
end
$$`;

async function grant(client: pg.Client): Promise<void> {
  await client.query('begin');
  try {
    await client.query('select pg_advisory_xact_lock($1::bigint)', [LOCK]);
    const statements = await statementsFor(client);
    if (!(await isMarked(client, markOf(statements)))) {
      for (const statement of statements) await client.query(statement);
      // What has its owner now needs none the next time.
      await client.query(`comment on schema read is '${markOf(await statementsFor(client))}'`);
    }
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

function markOf(statements: readonly string[]): string {
  return `rights ${createHash('sha256').update(statements.join('\n')).digest('hex').slice(0, 16)}`;
}

/** A copy of the database may have come without its rights, and have the mark all the same. */
async function isMarked(client: pg.Client, mark: string): Promise<boolean> {
  const { rows } = await client.query<{ marked: boolean }>(
    `select obj_description('read'::regnamespace, 'pg_namespace') is not distinct from $1::text
        and has_table_privilege('coffer_service', 'events', 'insert')
        and has_table_privilege('coffer_auditor', 'events', 'select') as marked`,
    [mark],
  );
  return rows[0]?.marked === true;
}

type Relation = {
  readonly schema: string;
  readonly name: string;
  readonly is_log: boolean;
  readonly is_service: boolean;
};

async function statementsFor(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<Relation>(`
select n.nspname as schema, quote_ident(c.relname) as name, c.relowner = 'coffer_service'::regrole as is_service,
       exists (select from pg_trigger t where t.tgrelid = c.oid and t.tgfoid = 'refuse_change'::regproc) as is_log
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
 where n.nspname in ('public', 'read')
   and c.relkind in ('r', 'p', 'v', 'm')
   and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
 order by 1, 2`);
  const tables = rows.filter(({ schema }) => schema === 'public');
  const readModels = rows.filter(({ schema }) => schema === 'read');
  return [
    'grant usage on schema public, read to coffer_service, coffer_auditor',
    'revoke create on schema public from public, coffer_service, coffer_auditor',
    ...tables.flatMap(grantsOn),
    'grant usage on all sequences in schema public to coffer_service',
    ...(await ownersFunctions(client)).flatMap((name) => [
      `revoke execute on function ${name} from public, coffer_auditor`,
      `grant execute on function ${name} to coffer_service`,
    ]),
    // Read models are made, swapped and dropped by the service, so they are its own.
    'alter schema read owner to coffer_service',
    ...readModels
      .filter(({ is_service }) => !is_service)
      .map(({ name }) => `alter table read.${name} owner to coffer_service`),
    'grant select on all tables in schema read to coffer_auditor',
    'alter default privileges for role coffer_service in schema read grant select on tables to coffer_auditor',
    ...((await hasJobs(client)) ? GRANTS_ON_JOBS : []),
  ];
}

/** Functions that run with their owner's rights are not for everyone. */
async function ownersFunctions(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select oid::regprocedure::text as name from pg_proc
      where pronamespace = 'public'::regnamespace and prosecdef order by 1`,
  );
  return rows.map(({ name }) => name);
}

function grantsOn({ name, is_log }: Relation): string[] {
  const changes = is_log || name === READ_ONLY ? [] : (CHANGES[name] ?? OF_STATE);
  const service = ['select', ...(name === READ_ONLY ? [] : ['insert']), ...changes].join(', ');
  return [
    `revoke all on public.${name} from public, coffer_service, coffer_auditor`,
    `grant ${service} on public.${name} to coffer_service`,
    `grant select on public.${name} to coffer_auditor`,
  ];
}

const GRANTS_ON_JOBS = [
  'grant usage on schema pgboss to coffer_service',
  'grant select, insert, update, delete on all tables in schema pgboss to coffer_service',
  'grant usage on all sequences in schema pgboss to coffer_service',
  'grant execute on all functions in schema pgboss to coffer_service',
];

async function hasJobs(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query(`select from pg_namespace where nspname = 'pgboss'`);
  return rows.length > 0;
}

type Standing = { login: string; migrated: boolean; granted: boolean; member: boolean };

/**
 * The URL to work with as `role`; the same one where that role has no rights here, or this user may not take it on, which
 * `warn` is told in a sentence. Rejects with the database's error.
 */
export async function urlFor(role: Role, url: string, warn: (message: string) => void): Promise<string> {
  const client = new pg.Client({ ...sessionOf(url, {}), connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    const { rows } = await client.query<Standing>(STANDING, [role]);
    const { login = '', migrated = false, granted = false, member = false } = rows[0] ?? {};
    if (granted && member) return asRole(url, role);
    if (migrated) {
      const missing = granted ? `may not take on the role ${role}` : `finds no rights of the role ${role}`;
      warn(
        `the database user ${login} ${missing}: it works with all rights it has itself, and the database does not ` +
          'keep it from changing the log. docs/security.md says how to set up the roles.',
      );
    }
    return url;
  } finally {
    await client.end();
  }
}

/** From version 16 on, a member may or may not take on the role. */
const STANDING = `
select current_user as login, to_regclass('public.events') is not null as migrated,
       coalesce(has_table_privilege(r.oid, to_regclass('public.events'), 'select'), false) as granted,
       coalesce(
         pg_has_role(r.oid, case when current_setting('server_version_num')::integer < 160000 then 'member' else 'set' end),
         false
       ) as member
  from (select 1) as one
  left join pg_roles r on r.rolname = $1::text`;
