-- Up Migration

-- Checkpoints are signed each second, and nobody needs all of them for ever. All of the last day are kept; of the time before, the
-- last one of each hour, and the first and the last one that a key has signed for an incarnation: these last. A checkpoint says
-- which one was right before it and which is the latest one before it that lasts (0: none), so that one that is missing against
-- these rules is missed.
alter table audit_checkpoints
  add column previous_size bigint check (previous_size >= 0),
  add column lasting_size bigint check (lasting_size >= 0 and lasting_size <= previous_size);

-- Told by the beginning of the first signature, which is the hash of the key.
create function checkpoint_signer(note text) returns text
language sql immutable strict as $$
  select substring(note from E'\n\n— [^ ]+ (.{5})')
$$;

alter table audit_checkpoints disable trigger audit_checkpoints_append_only;
with stored as (
  select ledger_id, incarnation, tree_size,
         coalesce(lag(tree_size) over sizes, 0) as previous,
         lag(tree_size) over sizes is null
         or checkpoint_signer(note) is distinct from lag(checkpoint_signer(note)) over sizes
         or checkpoint_signer(note) is distinct from lead(checkpoint_signer(note)) over sizes
         or date_trunc('hour', sealed_at, 'UTC') is distinct from lead(date_trunc('hour', sealed_at, 'UTC')) over sizes as lasts
    from audit_checkpoints
  window sizes as (partition by ledger_id, incarnation order by tree_size)
), linked as (
  select ledger_id, incarnation, tree_size, previous,
         coalesce(max(tree_size) filter (where lasts) over (partition by ledger_id, incarnation order by tree_size
                                                            rows between unbounded preceding and 1 preceding), 0) as lasting
    from stored
)
update audit_checkpoints c
   set previous_size = l.previous,
       lasting_size = l.lasting
  from linked l
 where c.ledger_id = l.ledger_id
   and c.incarnation = l.incarnation
   and c.tree_size = l.tree_size;
drop trigger audit_checkpoints_append_only on audit_checkpoints;
alter table audit_checkpoints
  alter column previous_size set not null,
  alter column lasting_size set not null;

create trigger audit_checkpoints_append_only before update or truncate on audit_checkpoints
  for each statement execute function refuse_change();

-- What may go: what is older than a day and does not last. The one after it, or after those that go with it, tells.
create function refuse_checkpoint_removal() returns trigger
language plpgsql as $$
begin
  if exists (
    select
      from removed r
      left join lateral (
             select c.lasting_size
               from audit_checkpoints c
              where c.ledger_id = r.ledger_id
                and c.incarnation = r.incarnation
                and c.tree_size > r.tree_size
              order by c.tree_size
              limit 1
           ) next on true
     where r.sealed_at > clock_timestamp() - interval '1 day'
        or next.lasting_size is null
        or next.lasting_size >= r.tree_size
  ) then
    raise exception 'audit_checkpoints is append-only but for those that its retention lets go: delete refused'
      using errcode = 'integrity_constraint_violation';
  end if;
  return null;
end
$$;

create trigger audit_checkpoints_retention after delete on audit_checkpoints
  referencing old table as removed
  for each statement execute function refuse_checkpoint_removal();

-- Lets a page of old checkpoints go, from the one after the given on. Answers with the last one that need not be looked at
-- again, null when there is nothing more to look at now. It runs with its owner's rights: nobody else needs to delete here.
create function thin_checkpoints(ledger integer, after_incarnation integer, after_size bigint, most integer)
returns table (incarnation integer, tree_size bigint)
language sql security definer set search_path from current as $$
  with page as materialized (
    select p.incarnation, p.tree_size, p.sealed_at,
           lead(p.tree_size) over all_sizes is not null as has_next,
           lead(p.lasting_size) over (partition by p.incarnation order by p.tree_size) as next_lasting
      from (
            select c.incarnation, c.tree_size, c.sealed_at, c.lasting_size
              from audit_checkpoints c
             where c.ledger_id = ledger
               and (c.incarnation, c.tree_size) > (after_incarnation, after_size)
             order by c.incarnation, c.tree_size
             limit most
           ) p
    window all_sizes as (order by p.incarnation, p.tree_size)
  ), gone as (
    delete from audit_checkpoints c
     using page p
     where c.ledger_id = ledger
       and c.incarnation = p.incarnation
       and c.tree_size = p.tree_size
       and p.sealed_at < clock_timestamp() - interval '1 day'
       and p.next_lasting < p.tree_size
  )
  select p.incarnation, p.tree_size
    from page p
   where p.has_next
     and p.sealed_at < clock_timestamp() - interval '1 day'
   order by p.incarnation desc, p.tree_size desc
   limit 1
$$;

-- Down Migration

drop trigger audit_checkpoints_retention on audit_checkpoints;
drop trigger audit_checkpoints_append_only on audit_checkpoints;
create trigger audit_checkpoints_append_only before update or delete or truncate on audit_checkpoints
  for each statement execute function refuse_change();
drop function thin_checkpoints(integer, integer, bigint, integer);
drop function refuse_checkpoint_removal();
drop function checkpoint_signer(text);
alter table audit_checkpoints drop column previous_size, drop column lasting_size;
