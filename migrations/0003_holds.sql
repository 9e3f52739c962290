-- Up Migration

-- Holds as they stand, read and written under the lock of their wallet.
create table holds (
  ledger_id integer not null,
  id uuid not null,
  wallet_id uuid not null,
  amount numeric(38, 0) not null check (amount > 0),
  captured numeric(38, 0) not null check (captured >= 0),
  remaining numeric(38, 0) not null check (remaining >= 0),
  status text not null check (status in ('open', 'captured', 'released', 'expired')),
  expires_at timestamptz(3),
  primary key (ledger_id, id),
  constraint holds_within_amount check (captured + remaining <= amount),
  constraint holds_closed_is_empty check (status = 'open' or remaining = 0)
) with (fillfactor = 70);

create index holds_due on holds (ledger_id, expires_at) where status = 'open' and expires_at is not null;

create table read.holds_1 (
  ledger_id integer not null,
  id uuid not null,
  position bigint not null,
  wallet_id uuid not null,
  user_id uuid not null,
  asset text not null,
  amount numeric(38, 0) not null,
  captured numeric(38, 0) not null,
  remaining numeric(38, 0) not null,
  status text not null,
  expires_at timestamptz(3),
  reference text,
  primary key (ledger_id, id)
) with (fillfactor = 70);
create index on read.holds_1 (ledger_id, position);
create index on read.holds_1 (ledger_id, user_id, position);
create index on read.holds_1 (ledger_id, position) where status = 'open';

create index on read.wallets_1 (ledger_id, position) where is_system;

-- The planner's first impression, as for the ledger's own tables.
insert into holds (ledger_id, id, wallet_id, amount, captured, remaining, status)
select 0, gen_random_uuid(), gen_random_uuid(), 1, 0, 1, 'open'
  from generate_series(1, 2);
insert into read.holds_1 (ledger_id, id, position, wallet_id, user_id, asset, amount, captured, remaining, status)
select 0, gen_random_uuid(), n, gen_random_uuid(), gen_random_uuid(), '', 1, 0, 1, 'open'
  from generate_series(1, 2) as n;
analyze holds;
analyze read.holds_1;
delete from holds;
delete from read.holds_1;

create view read.holds as select * from read.holds_1;

-- Down Migration

drop view read.holds;
drop table read.holds_1;
drop index read.wallets_1_ledger_id_position_idx;
drop table holds;
