-- Up Migration

-- Value with an end, read and written under the lock of its wallet. wallets.next_due_at is the earliest end of a lot
-- that has something left, so a wallet without lots costs no look at this table.
create table lots (
  ledger_id integer not null,
  id uuid not null,
  wallet_id uuid not null,
  amount numeric(38, 0) not null check (amount > 0),
  remaining numeric(38, 0) not null check (remaining >= 0),
  reserved numeric(38, 0) not null check (reserved >= 0),
  expires_at timestamptz(3) not null,
  primary key (ledger_id, id),
  constraint lots_within_amount check (remaining <= amount),
  constraint lots_reserved_of_remaining check (reserved <= remaining)
) with (fillfactor = 70);

create index lots_of_wallet on lots (ledger_id, wallet_id, expires_at) where remaining > 0;
create index lots_due on lots (ledger_id, expires_at) where remaining > reserved;

create table read.lots_1 (
  ledger_id integer not null,
  id uuid not null,
  position bigint not null,
  wallet_id uuid not null,
  amount numeric(38, 0) not null,
  remaining numeric(38, 0) not null default 0,
  reserved numeric(38, 0) not null default 0,
  expired numeric(38, 0) not null default 0,
  expires_at timestamptz(3) not null,
  primary key (ledger_id, id)
) with (fillfactor = 70);
create index on read.lots_1 (ledger_id, wallet_id, position);
create index on read.lots_1 (ledger_id, wallet_id, expires_at) where remaining > 0;

-- The planner's first impression, as for the ledger's own tables.
insert into lots (ledger_id, id, wallet_id, amount, remaining, reserved, expires_at)
select 0, gen_random_uuid(), gen_random_uuid(), 1, 1, 0, now()
  from generate_series(1, 2);
insert into read.lots_1 (ledger_id, id, position, wallet_id, amount, remaining, expires_at)
select 0, gen_random_uuid(), n, gen_random_uuid(), 1, 1, now()
  from generate_series(1, 2) as n;
analyze lots;
analyze read.lots_1;
delete from lots;
delete from read.lots_1;

create table read.lots_0 (like read.lots_1 including all) with (fillfactor = 70);
create view read.lots as select * from read.lots_1;

-- Down Migration

delete from read.checkpoints where projection = 'lots';
delete from read.generations where projection = 'lots';
drop view read.lots;
drop table read.lots_0, read.lots_1, lots;
