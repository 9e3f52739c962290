-- Up Migration

-- Commands that wait for their time: how they stand, read and written under the lock of the row. What is to be done
-- stands in the event that has the same id.
create table schedules (
  ledger_id integer not null,
  id uuid not null,
  execute_at timestamptz(3) not null,
  status text not null check (status in ('scheduled', 'executed', 'failed', 'cancelled')),
  primary key (ledger_id, id)
) with (fillfactor = 70);

create index schedules_due on schedules (ledger_id, execute_at) where status = 'scheduled';

create table read.scheduled_1 (
  ledger_id integer not null,
  id uuid not null,
  position bigint not null,
  type text not null,
  user_id uuid,
  execute_at timestamptz(3) not null,
  status text not null,
  -- Of the event that ended it.
  ended_position bigint,
  primary key (ledger_id, id)
) with (fillfactor = 70);
create index on read.scheduled_1 (ledger_id, position);
create index on read.scheduled_1 (ledger_id, user_id, position);
create index on read.scheduled_1 (ledger_id, position) where status = 'scheduled';

-- The planner's first impression, as for the ledger's own tables.
insert into schedules (ledger_id, id, execute_at, status)
select 0, gen_random_uuid(), now(), 'scheduled'
  from generate_series(1, 2);
insert into read.scheduled_1 (ledger_id, id, position, type, user_id, execute_at, status)
select 0, gen_random_uuid(), n, '', gen_random_uuid(), now(), 'scheduled'
  from generate_series(1, 2) as n;
analyze schedules;
analyze read.scheduled_1;
delete from schedules;
delete from read.scheduled_1;

create table read.scheduled_0 (like read.scheduled_1 including all) with (fillfactor = 70);

create view read.scheduled as select * from read.scheduled_1;

-- No event before this one is about a schedule, so the read model of a long log need not begin at its beginning.
insert into read.generations (projection, generation, version, state, filled_at, ended_at)
values ('scheduled', 1, 1, 'live', now(), now());
insert into read.checkpoints (ledger_id, projection, generation, version, position)
select id, 'scheduled', 1, 1, head_position
  from ledgers;

-- Down Migration

delete from read.checkpoints where projection = 'scheduled';
delete from read.generations where projection = 'scheduled';
drop view read.scheduled;
drop table read.scheduled_0, read.scheduled_1;
drop table schedules;
