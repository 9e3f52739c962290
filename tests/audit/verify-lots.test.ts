/** Lots, rewritten by a superuser, in their tables and in the events: each is found, by the check that is about it. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { CheckName } from '../../src/audit/fold/finding.ts';
import { projections } from '../../src/projections/catalog.ts';
import { giveBonus, newHolder, spend, topUp } from '../http/payments.ts';
import { writeRandomLog } from '../projections/random-log.ts';
import { openReadSide, type ReadSide } from '../projections/read-side.ts';
import type { Service } from '../support/service.ts';
import { until } from '../support/until.ts';
import { verifyAll } from './filled-ledger.ts';

let side: ReadSide;

before(async () => {
  side = await openReadSide();
  for (let n = 0; n < 3; n += 1) await liveOnLots(side.service);
  await writeRandomLog(side, { seed: 23, histories: 2 });
  // After the random commands, which end every hold they find.
  const holder = await newHolder(side.service);
  await giveBonus(side.service, holder, '30', { expiresInDays: 9 });
  await side.service.post('/holds', { ...holder, amount: '20' });
  for (const projection of projections) await side.catchUp(projection);
});

after(() => side.close());

/** Lots of one user that are spent, reserved, captured, given back and over. */
async function liveOnLots(service: Service): Promise<void> {
  const holder = await newHolder(service);
  await topUp(service, holder, '100');
  await giveBonus(service, holder, '30', { expiresInDays: 9 });
  const { body: spent } = await spend(service, holder, '20');
  await service.post(`/transactions/${spent.transactionId}/reverse`, { amount: '5' });
  await giveBonus(service, holder, '10', { expiresInDays: 5 });
  const { body: hold } = await service.post('/holds', { ...holder, amount: '40' });
  await service.post(`/holds/${hold.holdId}/capture`, { amount: '12', final: false });
  const { body: brief } = await giveBonus(service, holder, '7', {
    expiresAt: new Date(Date.now() + 300).toISOString(),
  });
  await until('it is over', () => Date.now() > Date.parse(brief.expiresAt));
  const command = { kind: 'lot.expire', lotId: brief.transactionId } as const;
  await service.app.queue.submit({
    ...{ command, idempotencyKey: null, canonicalRequest: JSON.stringify(command) },
    ...{ actor: 'worker', correlationId: null },
  });
  await spend(service, holder, '30');
}

const OPEN = '(select id from lots where remaining > 0 order by id limit 1)';
const ENDED = '(select id from lots where remaining = 0 order by id limit 1)';

/** The last event that has something to do with lots and fits, so that nothing after it contradicts it too. */
const lastEvent = (condition: string): string =>
  `position = (select max(position) from events where type = 'transaction.posted' and ${condition})`;

type Spoiling = {
  readonly what: string;
  readonly sql: string;
  readonly checks: readonly CheckName[];
  readonly perhaps?: CheckName;
};

const SPOILINGS: readonly Spoiling[] = [
  {
    what: 'a lot with more left',
    sql: `update lots set amount = amount + 1, remaining = remaining + 1 where id = ${OPEN}`,
    checks: ['lot_heads'],
  },
  {
    what: 'a lot with less reserved',
    sql: `update lots set reserved = reserved - 1 where id = (select id from lots where reserved > 0 limit 1)`,
    checks: ['lot_heads'],
  },
  {
    what: 'a lot that ends later',
    sql: `update lots set expires_at = expires_at + interval '1 day' where id = ${OPEN}`,
    checks: ['lot_heads'],
  },
  {
    what: 'a lot of another wallet',
    sql: `update lots set wallet_id = gen_random_uuid() where id = ${ENDED}`,
    checks: ['lot_heads'],
  },
  { what: 'a lot that is gone', sql: `delete from lots where id = ${ENDED}`, checks: ['lot_heads'] },
  {
    what: 'a lot that nobody gave',
    sql: `insert into lots select ledger_id, gen_random_uuid(), wallet_id, amount, 0, 0, expires_at from lots where id = ${ENDED}`,
    checks: ['lot_heads'],
  },
  {
    what: 'a wallet that hides its lots',
    sql: 'update wallets set next_due_at = null where next_due_at is not null',
    checks: ['wallets'],
  },
  {
    what: 'a read model with more expired',
    sql: `update read.lots_1 set expired = expired + 1 where id = ${ENDED}`,
    checks: ['read_models'],
  },
  {
    what: 'a payment out of more of a lot than there was',
    sql: `update events set data = replace(data::text, '"lots":[{"amount":"', '"lots":[{"amount":"9999')::json
           where ${lastEvent(`data ->> 'type' = 'spend' and length(data ->> 'amount') < 5 and data::text like '%"lots":[{"amount":"%'`)}`,
    checks: ['lots', 'lot_heads', 'read_models'],
    // Where the lot was the next to end: the fold has nothing left in it.
    perhaps: 'wallets',
  },
  {
    what: 'a lot that expired before its end',
    sql: `update events set data = replace(data::text, '"expiresAt":"202', '"expiresAt":"203')::json
           where position = (select e.position from events e join lots l on l.id = e.id
                              where exists (select from events x where x.data ->> 'expires' = l.id::text)
                              order by e.position limit 1)`,
    checks: ['lots', 'lot_heads', 'read_models'],
  },
];

async function verdict() {
  return verifyAll(side.database.url);
}

test('untouched it is sound, and has lots that were spent, reserved and expired', async () => {
  const [found] = await side.rows(`
select count(*) filter (where l.remaining > 0) as open, count(*) filter (where r.expired > 0) as expired,
       (select count(*) from events where data -> 'hold' -> 'lots' is not null) as reserved
  from lots l join read.lots r on r.id = l.id where l.ledger_id = $1`);
  assert.ok(
    found!.open > 2n && found!.expired > 2n && found!.reserved > 2n,
    JSON.stringify(found, (_, value) => String(value)),
  );
  const { findings } = await verdict();
  assert.deepEqual(findings, []);
});

describe('A verification finds', () => {
  for (const { what, sql, checks, perhaps } of SPOILINGS) {
    test(what, async () => {
      await spoil(sql);
      const { findings } = await verdict();
      await restore();
      assert.ok(findings.length > 0);
      const found = new Set(findings.map(({ check }) => check));
      if (perhaps !== undefined) found.delete(perhaps);
      assert.deepEqual([...found].toSorted(), [...checks].toSorted());
    });
  }
});

const TABLES = ['events', 'wallets', 'lots', 'read.lots_1'];

/** Past the guards of the database, after a copy of what is spoiled was made. */
async function spoil(sql: string): Promise<void> {
  await asSuperuser([
    ...TABLES.map((table) => `create table copy_${table.replace('.', '_')} as table ${table}`),
    ...['lots_within_amount', 'lots_reserved_of_remaining'].map(
      (name) => `alter table lots drop constraint if exists ${name}`,
    ),
    sql,
  ]);
}

async function restore(): Promise<void> {
  await asSuperuser(
    TABLES.flatMap((table) => {
      const copy = `copy_${table.replace('.', '_')}`;
      return [`delete from ${table}`, `insert into ${table} select * from ${copy}`, `drop table ${copy}`];
    }),
  );
}

async function asSuperuser(statements: readonly string[]): Promise<void> {
  const client = await side.owner.connect();
  try {
    await client.query("set session_replication_role = 'replica'");
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.query("set session_replication_role = 'origin'");
    client.release();
  }
}
