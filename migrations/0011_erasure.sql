-- Up Migration

-- A user who was erased keeps a row without anything personal: the id is of the log, and is not given again.
alter table users drop constraint users_status_check;
alter table users add constraint users_status_check check (status in ('ACTIVE', 'BANNED', 'ERASED'));

-- The planner's statistics are samples of what stands in a column, and would keep what was erased until somebody
-- analyzes the table again. Who looks for an e-mail has a unique index, which needs none. Setting a type, the same one
-- too, drops those there are.
alter table personal
  alter column value type text,
  alter column salt type bytea;
alter table personal
  alter column value set statistics 0,
  alter column salt set statistics 0;

-- Down Migration

-- Fails where somebody was erased: what is gone does not come back, and as anything else the row would be a lie.
alter table users drop constraint users_status_check;
alter table users add constraint users_status_check check (status in ('ACTIVE', 'BANNED'));
alter table personal
  alter column value set statistics -1,
  alter column salt set statistics -1;
