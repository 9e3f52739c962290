-- Up Migration

-- Read models are tables of a generation (suffix _1), each behind a view of the plain name: a rebuild makes
-- the next generation and moves the view. Nothing here is the truth: all of it can be folded from the log.
create schema read;

create table read.checkpoints (
  ledger_id integer not null,
  projection text not null,
  generation integer not null,
  version integer not null,
  position bigint not null default 0,
  live boolean not null default true,
  error text,
  failed_position bigint,
  updated_at timestamptz(3) not null default now(),
  primary key (ledger_id, projection, generation)
) with (fillfactor = 20);

create unique index checkpoints_live on read.checkpoints (ledger_id, projection) where live;

create table read.wallet_balances_1 (
  ledger_id integer not null,
  wallet_id uuid not null,
  owner text not null,
  is_system boolean not null,
  asset_id uuid not null,
  balance numeric(38, 0) not null,
  held numeric(38, 0) not null,
  position bigint not null,
  primary key (ledger_id, wallet_id),
  unique (ledger_id, owner, asset_id)
) with (fillfactor = 70);

create table read.users_1 (
  ledger_id integer not null,
  id uuid not null,
  status text not null,
  created_at timestamptz(3) not null,
  position bigint not null,
  primary key (ledger_id, id)
);
create index on read.users_1 (ledger_id, position);

create table read.assets_1 (
  ledger_id integer not null,
  id uuid not null,
  slug text not null,
  name text not null,
  scale smallint not null,
  supply_cap numeric(38, 0),
  status text not null,
  position bigint not null,
  primary key (ledger_id, id),
  unique (ledger_id, slug)
);
create index on read.assets_1 (ledger_id, position);

create table read.wallets_1 (
  ledger_id integer not null,
  id uuid not null,
  owner text not null,
  is_system boolean not null,
  asset_id uuid not null,
  status text not null,
  position bigint not null,
  primary key (ledger_id, id)
);
create index on read.wallets_1 (ledger_id, owner, position);

create table read.transactions_1 (
  ledger_id integer not null,
  position bigint not null,
  type text not null,
  status text not null,
  reference text,
  user_id uuid,
  primary key (ledger_id, position)
);
create index on read.transactions_1 (ledger_id, type, position);
create index on read.transactions_1 (ledger_id, reference, position) where reference is not null;
-- Posted transactions of a user are found through the entries of the user's wallets; a refused one has none.
create index on read.transactions_1 (ledger_id, user_id, position) where status = 'rejected';

create table read.asset_activity_1 (
  ledger_id integer not null,
  asset_id uuid not null,
  hour timestamptz(3) not null,
  type text not null,
  posted bigint not null,
  volume numeric not null,
  rejected bigint not null,
  primary key (ledger_id, asset_id, hour, type)
) with (fillfactor = 50);

-- The planner's first impression, as for the ledger's own tables.
insert into read.wallet_balances_1 (ledger_id, wallet_id, owner, is_system, asset_id, balance, held, position)
select 0, gen_random_uuid(), gen_random_uuid()::text, false, gen_random_uuid(), 0, 0, n
  from generate_series(1, 2) as n;
insert into read.users_1 (ledger_id, id, status, created_at, position)
select 0, gen_random_uuid(), 'ACTIVE', now(), n
  from generate_series(1, 2) as n;
insert into read.wallets_1 (ledger_id, id, owner, is_system, asset_id, status, position)
select 0, gen_random_uuid(), gen_random_uuid()::text, false, gen_random_uuid(), 'ACTIVE', n
  from generate_series(1, 2) as n;
insert into read.transactions_1 (ledger_id, position, type, status)
select 0, n, n::text, 'posted'
  from generate_series(1, 2) as n;
analyze read.wallet_balances_1;
analyze read.users_1;
analyze read.wallets_1;
analyze read.transactions_1;
delete from read.wallet_balances_1;
delete from read.users_1;
delete from read.wallets_1;
delete from read.transactions_1;

create view read.wallet_balances as select * from read.wallet_balances_1;
create view read.users as select * from read.users_1;
create view read.assets as select * from read.assets_1;
create view read.wallets as select * from read.wallets_1;
create view read.transactions as select * from read.transactions_1;
create view read.asset_activity as select * from read.asset_activity_1;

-- Down Migration

drop schema read cascade;
