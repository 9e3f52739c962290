/** The tables of the write side, rewritten by a superuser. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { verifyAll } from './filled-ledger.ts';
import { EVENTS, rowsOf, spoilableLedger, spoilAll, type Spoiling } from './spoiled-tables.ts';

/** The n-th wallet of users that has money, so that each spoiling has one of its own. */
const wallet = (nth: number): string => `
select id as "walletId" from wallets where not is_system and balance > 0 order by id offset ${nth} limit 1`;

const WALLETS: readonly Spoiling[] = [
  'balance = balance + 1',
  'held = held + 1',
  'floor = -1',
  'seq = seq + 1',
  `status = 'FROZEN'`,
  `owner = 'somebody'`,
  'asset_id = gen_random_uuid()',
  `balance = 'NaN'`,
].map((change, nth) => ({
  what: `wallets: a row with ${change}`,
  where: wallet(nth),
  spoil: ({ walletId }) => `update wallets set ${change} where id = '${walletId}'`,
  check: 'wallets',
  position: EVENTS.toString(),
}));

const OPEN = `status = 'open'`;
const newId = 'id = gen_random_uuid()';

const WRITTEN: readonly Spoiling[] = [
  ...WALLETS,
  ...rowsOf({
    ...{ table: 'wallets', check: 'wallets', key: 'id', from: 20 },
    ...{ change: `status = 'FROZEN'`, added: newId },
  }),
  ...rowsOf({
    ...{ table: 'users', check: 'wallets', key: 'id' },
    ...{ change: `status = 'BANNED'`, added: newId },
  }),
  ...rowsOf({
    ...{ table: 'holds', check: 'hold_heads', key: 'id', where: OPEN },
    ...{ change: 'captured = captured + 1', added: newId },
  }),
];

/** The assets are in a copy of their own: the totals of an asset are found by it. */
const ASSETS: readonly Spoiling[] = rowsOf({
  ...{ table: 'assets', check: 'wallets', key: 'slug' },
  ...{ change: `supply_cap = 5`, added: `slug = 'pyrite'` },
});

const ENDED: readonly Spoiling[] = (
  [
    ['changed', (id) => `update holds set amount = amount + 1 where id = '${id}'`],
    ['deleted', (id) => `delete from holds where id = '${id}'`],
    ['opened again', (id) => `update holds set status = 'open' where id = '${id}'`],
    [
      'added',
      (id) => `
insert into holds select ledger_id, gen_random_uuid(), wallet_id, amount, captured, remaining, status, expires_at
  from holds where id = '${id}'`,
    ],
  ] satisfies [string, (id: string | undefined) => string][]
).map(([what, sql], nth) => ({
  what: `a hold that has ended, ${what}`,
  where: `
select h.id as key, h.wallet_id as "walletId", max(e.position)::text as position
  from holds h join events e on e.data -> 'hold' ->> 'holdId' = h.id::text
 where h.status <> 'open' group by h.ledger_id, h.id, h.wallet_id order by h.id offset ${nth} limit 1`,
  spoil: ({ key: id }) => sql(id),
  check: 'hold_heads',
  ...(what === 'added' ? { position: EVENTS.toString(), walletId: null } : {}),
}));

const PERSONAL: readonly Spoiling[] = ['value', 'salt'].map((column, nth) => ({
  what: `an e-mail with another ${column}`,
  where: `
select e.position::text as position, p.subject_id as "subjectId"
  from personal p
  join events e on e.type = 'user.registered' and e.data ->> 'userId' = p.subject_id::text
 where p.field = 'email' order by e.position offset ${nth} limit 1`,
  spoil: ({ subjectId }) =>
    `update personal set ${column} = ${column} || ${column} where field = 'email' and subject_id = '${subjectId}'`,
  check: 'personal',
}));

const ledger = spoilableLedger();

describe('Tables of the write side', () => spoilAll(ledger, WRITTEN));
describe('Assets', () => spoilAll(ledger, ASSETS, ['read_models']));
describe('Holds that have ended', () => spoilAll(ledger, ENDED));
describe('What is personal', () => {
  spoilAll(ledger, PERSONAL);

  test('is missed, each value, where nobody was erased', async () => {
    const copy = await ledger().copy();
    const { rowCount } = await copy.superuser.query('delete from personal');
    const { findings, findingCount } = await verifyAll(copy.url);
    assert.equal(findingCount, rowCount);
    assert.deepEqual(
      new Set(findings.map(({ check, found }) => `${check}: ${found}`)),
      new Set(['personal: no value']),
    );
    await copy.drop();
  });
});
