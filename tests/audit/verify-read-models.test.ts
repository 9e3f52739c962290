/** Read models, rewritten by a superuser. */
import { describe } from 'node:test';
import { EVENTS, rowsOf, spoilableLedger, spoilAll, type Spoiling } from './spoiled-tables.ts';

const OPEN = `status = 'open'`;
const newId = 'id = gen_random_uuid()';

const READ: readonly Spoiling[] = [
  ...rowsOf({
    ...{ table: 'read.wallet_balances_1', check: 'read_models', key: 'wallet_id' },
    ...{ change: 'balance = balance - 1', added: 'wallet_id = gen_random_uuid()' },
  }),
  ...rowsOf({
    ...{ table: 'read.wallets_1', check: 'read_models', key: 'id', from: 4 },
    ...{ change: 'position = position + 1', added: newId },
  }),
  ...rowsOf({
    ...{ table: 'read.users_1', check: 'read_models', key: 'id' },
    ...{ change: `created_at = created_at + interval '1 day'`, added: newId },
  }),
  ...rowsOf({
    ...{ table: 'read.assets_1', check: 'read_models', key: 'slug' },
    ...{ change: `scale = scale + 1`, added: `slug = 'pyrite'` },
  }),
  ...rowsOf({
    ...{ table: 'read.holds_1', check: 'read_models', key: 'id', where: OPEN },
    ...{ change: 'remaining = remaining - 1', added: newId },
  }),
  ...rowsOf({
    ...{ table: 'read.asset_activity_1', check: 'read_models', key: `to_char(hour, 'YYYY-MM-DD"T"HH24')` },
    ...{ change: 'volume = volume + 1', added: `hour = hour + interval '30 minutes'` },
  }),
  {
    what: 'read.transactions: a changed row',
    where: 'select position from read.transactions order by position offset 50 limit 1',
    spoil: ({ position }) =>
      `update read.transactions set type = 'bonus', reference = 'forged' where position = ${position}`,
    check: 'read_models',
  },
  {
    what: 'read.transactions: a deleted row',
    where: 'select position from read.transactions order by position offset 51 limit 1',
    spoil: ({ position }) => `delete from read.transactions where position = ${position}`,
    check: 'read_models',
  },
  {
    what: 'read.transactions: a row of what is no transaction',
    where: `select position from events where type = 'user.registered' order by position offset 3 limit 1`,
    spoil: ({ position }) => `insert into read.transactions values (1, ${position}, 'topup', 'posted')`,
    check: 'read_models',
  },
  {
    what: 'read.transactions: a row beyond where it stands',
    where: `select ${EVENTS + 9}::text as position`,
    spoil: ({ position }) => `insert into read.transactions values (1, ${position}, 'topup', 'posted')`,
    check: 'read_models',
  },
  {
    what: 'read.holds: a changed row of a hold that has ended',
    where: `
select h.id as key, h.wallet_id as "walletId", max(e.position)::text as position
  from holds h join events e on e.data -> 'hold' ->> 'holdId' = h.id::text
 where h.status <> 'open' group by h.ledger_id, h.id, h.wallet_id order by h.id limit 1`,
    spoil: ({ key: id }) => `update read.holds set captured = captured + 1 where id = '${id}'`,
    check: 'read_models',
  },
];

const ledger = spoilableLedger();

describe('Read models', () => spoilAll(ledger, READ));
