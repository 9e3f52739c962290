-- Up Migration

-- Who may ask. Of a key only the SHA-256 is kept: its secret is 256 random bits, which nobody finds by trying. A row stays
-- for ever, since events name it as their actor, and since a service that ever had a key never serves without one again.
create table api_keys (
  ledger_id integer not null references ledgers (id),
  id uuid not null,
  name text not null check (length(name) between 1 and 100),
  scopes text[] not null
    check (cardinality(scopes) > 0 and scopes <@ array['queries:read', 'audit:read', 'commands:write', 'admin']),
  -- environment: what a process was started with. It counts for processes that have it there, and for no others.
  source text not null check (source in ('created', 'environment')),
  -- The public beginning of the key, by which a person recognises it and the service finds it.
  prefix text not null,
  hash bytea not null unique check (length(hash) = 32),
  -- After a rotation the secret before it counts until then.
  previous_prefix text,
  previous_hash bytea unique check (length(previous_hash) = 32),
  previous_until timestamptz(3),
  created_at timestamptz(3) not null default clock_timestamp(),
  rotated_at timestamptz(3),
  expires_at timestamptz(3),
  revoked_at timestamptz(3),
  last_used_at timestamptz(3),
  primary key (ledger_id, id),
  check (num_nulls(previous_prefix, previous_hash, previous_until) in (0, 3))
);

-- Raised by whatever changes what a key may do, so that processes see by one row whether they have to read the keys again.
create table access_version (
  only_one boolean primary key default true check (only_one),
  version bigint not null
) with (fillfactor = 10);

insert into access_version (version) values (0);

create function note_access_change() returns trigger
language plpgsql as $$
begin
  update access_version set version = version + 1;
  perform pg_notify('coffer_access', '');
  return null;
end
$$;

create trigger api_keys_changed
  after insert or update of name, scopes, source, hash, previous_hash, previous_until, expires_at, revoked_at on api_keys
  for each statement execute function note_access_change();

create function refuse_key_removal() returns trigger
language plpgsql as $$
begin
  raise exception 'keys are revoked, never removed: % refused', lower(tg_op)
    using errcode = 'integrity_constraint_violation';
end
$$;

create trigger api_keys_stay before delete or truncate on api_keys
  for each statement execute function refuse_key_removal();

-- Down Migration

drop table api_keys;
drop table access_version;
drop function note_access_change();
drop function refuse_key_removal();
