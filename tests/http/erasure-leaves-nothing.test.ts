/** After an erasure what was personal can be read nowhere: every table, what was logged, and an export are searched for it. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import type pg from 'pg';
import { pino } from 'pino';
import { exportLog } from '../../src/audit/export/export.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startService, type Service } from '../support/service.ts';
import { verifyAll } from '../audit/filled-ledger.ts';
import { newHolder, spend, topUp, transfer, type Holder } from './payments.ts';

const EMAIL = 'Zora.Vanishing@Example.com';
const SECRETS = [EMAIL.toLowerCase(), 'zora.vanishing', 'Zora Vanishing', 'DE02 1203 0000 0000 2020 51'];
const personal = {
  metadata: { name: 'Zora Vanishing', iban: 'DE02 1203 0000 0000 2020 51', order: 'A-1' },
  personalMetadata: ['name', 'iban'],
};
const logged: string[] = [];

let database: TestDatabase;
let service: Service;
let owner: pg.Client;
let user: string;
/** What e-mails and metadata were hashed with: who had it could try out values against the log. */
let salts: string[];

before(async () => {
  database = await createTestDatabase();
  owner = await database.connect();
  const log = pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) });
  service = await startService(database, { log });
  const other = await newHolder(service);
  await topUp(service, other, '100');
  const { body } = await service.post('/users', { email: EMAIL }, 'leaves-nothing');
  user = body.id as string;
  await liveOn({ ...other, userId: user }, other);
  const { rows } = await owner.query<{ salt: string }>(
    "select encode(salt, 'hex') as salt from personal where subject_id = $1",
    [user],
  );
  salts = rows.map(({ salt }) => salt);
});

after(async () => {
  await service.close();
  await owner.end();
  await database.drop();
});

/** Whatever may leave a trace: accepted, declined, refused, repeated, asked for. The wallet is empty afterwards. */
async function liveOn(holder: Holder, other: Holder): Promise<void> {
  const { userId } = holder;
  await topUp(service, holder, '10', { ...personal, key: 'paid-in' });
  await topUp(service, holder, '10', { ...personal, key: 'paid-in' });
  await topUp(service, holder, '11', { ...personal, key: 'paid-in' });
  await spend(service, holder, '999', personal);
  await transfer(service, { from: holder, to: other }, '10', personal);
  await service.post('/users', { email: EMAIL });
  for (const status of ['BANNED', 'ACTIVE']) await service.post(`/users/${userId}/status`, { status });
  const position = String((await service.get('/events?limit=1')).headers['coffer-position']);
  const paths = [`/users?email=${EMAIL}`, `/users/${userId}`, `/transactions?userId=${userId}`];
  for (const path of [...paths, '/idempotency-keys/paid-in'])
    await service.get(`${path}${path.includes('?') ? '&' : '?'}atLeast=${position}`);
}

/** Every row of every table as text, by the name of its table. */
async function dump(): Promise<Map<string, string>> {
  const { rows: tables } = await owner.query<{ name: string }>(`
select format('%I.%I', n.nspname, c.relname) as name
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p', 'm', 'v')
   and (n.nspname not in ('pg_catalog', 'information_schema') or (n.nspname, c.relname) = ('pg_catalog', 'pg_stats'))
   and n.nspname !~ '^pg_(toast|temp)'`);
  const all = new Map<string, string>();
  for (const { name } of tables) {
    const { rows } = await owner.query<{ row: string }>(`select t::text as row from ${name} t`);
    all.set(name, rows.map(({ row }) => row).join('\n'));
  }
  return all;
}

/** The secrets as they are, as bytes are spelled, and without their capitals. */
function secretsIn(text: string): string[] {
  const spelled = text.toLowerCase();
  return [...SECRETS, ...salts].filter((secret) => {
    const hex = Buffer.from(secret).toString('hex');
    const base64 = Buffer.from(secret).toString('base64').replaceAll('=', '');
    return [secret.toLowerCase(), hex].some((one) => spelled.includes(one)) || text.includes(base64);
  });
}

test('the search finds what has not been erased yet', async () => {
  await owner.query('analyze');
  const tables = await dump();
  for (const name of ['public.events', 'read.users', 'pgboss.job', 'pg_catalog.pg_stats'])
    assert.ok(tables.has(name), `${name} is searched`);
  const holding = [...tables].filter(([, text]) => secretsIn(text).length > 0);
  assert.deepEqual(
    holding.map(([name]) => name),
    ['public.personal'],
  );
  assert.deepEqual(secretsIn(tables.get('public.personal')!), [...SECRETS, ...salts]);
});

/** What goes well is not worth a line in the log. */
async function failToErase(): Promise<void> {
  await owner.query('alter table personal rename to personal_gone');
  const failed = await service.post(`/users/${user}/erase`, {}, 'the-failure');
  await owner.query('alter table personal_gone rename to personal');
  assert.equal(failed.status, 500);
  assert.match(logged.join(''), /personal/);
}

test('afterwards no table, no line of the log and no export has any of it, and the ledger verifies', async () => {
  await failToErase();
  const { body } = await service.post(`/users/${user}/erase`, { reason: 'request 4711' }, 'the-erasure');
  assert.equal(body.status, 'ERASED');
  await service.post(`/users/${user}/erase`, {}, 'the-erasure-again');
  await service.post('/users', { email: EMAIL }, 'leaves-nothing');
  await service.get(`/projections?atLeast=${body.position}`);
  await service.get(`/users/${user}?atLeast=${body.position}`);
  for (const [name, text] of await dump()) assert.deepEqual(secretsIn(text), [], name);
  assert.deepEqual(secretsIn(logged.join('')), []);
  assert.deepEqual(secretsIn(await exportedText()), []);
  assert.deepEqual((await verifyAll(database.url)).findings, []);
});

async function exportedText(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'coffer-erased-'));
  const of = { url: database.url, ledger: { id: 1, slug: 'main' }, directory };
  await exportLog({ ...of, from: null, to: null, onProgress: () => undefined });
  const files = await readdir(directory, { recursive: true, withFileTypes: true });
  const texts = await Promise.all(
    files
      .filter((entry) => entry.isFile())
      .map(async ({ parentPath, name }) => {
        const bytes = await readFile(join(parentPath, name));
        return (name.endsWith('.zst') ? zstdDecompressSync(bytes) : bytes).toString('utf8');
      }),
  );
  await rm(directory, { recursive: true });
  const text = texts.join('\n');
  assert.match(text, /user\.erased/);
  return text;
}
