-- Up Migration

-- A read model is rebuilt as its next generation, beside the live one and for all ledgers together. Which generations
-- there are, and what each is for:
--   building     its parts are being filled, each once
--   catching_up  filled and indexed up to where the log ended at its start; moved on in ranges
--   following    moved together with the live one, until they are compared and it takes its place
--   live         the one behind the views
--   retired      was live; a rollback catches it up again
--   abandoned    could not be built; error says why
--   dropped      a dry run that is over: compared, and without tables
create table read.generations (
  projection text not null,
  generation integer not null check (generation > 0),
  version integer not null,
  state text not null
    check (state in ('building', 'catching_up', 'following', 'live', 'retired', 'abandoned', 'dropped')),
  dry_run boolean not null default false,
  started_at timestamptz(3) not null default clock_timestamp(),
  filled_at timestamptz(3),
  ended_at timestamptz(3),
  -- What the comparison with the live one found; null where they could not be compared.
  compared_at timestamptz(3),
  compared_rows bigint,
  differences bigint,
  failures integer not null default 0,
  error text,
  primary key (projection, generation)
);

create unique index generations_live on read.generations (projection) where state = 'live';
create unique index generations_under_way on read.generations (projection)
  where state in ('building', 'catching_up', 'following');

insert into read.generations (projection, generation, version, state, filled_at, ended_at)
select projection, generation, min(version), 'live', now(), now()
  from read.checkpoints
 where live
 group by projection, generation;

-- A generation that is moved together with the live one.
alter table read.checkpoints add column following boolean not null default false;

-- A part is a range of positions of one ledger: whatever begins in it, as it stands at `target`. Who fills it holds
-- the lock of its row, so the part of a process that died is free again with its connection.
create table read.rebuild_parts (
  projection text not null,
  generation integer not null,
  ledger_id integer not null,
  from_position bigint not null,
  to_position bigint not null check (to_position > from_position),
  target bigint not null,
  done_at timestamptz(3),
  primary key (projection, generation, ledger_id, from_position)
) with (fillfactor = 50);

create table read.rebuild_differences (
  id bigint generated always as identity primary key,
  ledger_id integer not null,
  projection text not null,
  generation integer not null,
  table_name text not null,
  key jsonb not null,
  live_row jsonb,
  rebuilt_row jsonb,
  found_at timestamptz(3) not null default clock_timestamp()
);

create index on read.rebuild_differences (projection, generation);

-- Generation 0 is the shape of which the others are made and never holds a row: since generation 1 will not stay, a
-- later migration changes the shape, and the version of the projection with it. LIKE does not copy fill factors.
create table read.wallet_balances_0 (like read.wallet_balances_1 including all) with (fillfactor = 70);
create table read.users_0 (like read.users_1 including all);
create table read.assets_0 (like read.assets_1 including all);
create table read.wallets_0 (like read.wallets_1 including all);
create table read.transactions_0 (like read.transactions_1 including all);
create table read.asset_activity_0 (like read.asset_activity_1 including all) with (fillfactor = 50);
create table read.holds_0 (like read.holds_1 including all) with (fillfactor = 70);

-- Down Migration

drop table read.wallet_balances_0, read.users_0, read.assets_0, read.wallets_0, read.transactions_0,
  read.asset_activity_0, read.holds_0;
drop table read.rebuild_differences, read.rebuild_parts, read.generations;
alter table read.checkpoints drop column following;
