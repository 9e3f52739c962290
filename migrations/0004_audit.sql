-- Up Migration

-- The Merkle tree over the events and what was signed of it. Nothing here ever changes: a restore from an older backup starts
-- a new incarnation, with a tree and checkpoints of its own.

-- Origins of checkpoints are coffer/<slug>/<number>-<random_id>. `succeeds` is the last checkpoint of the log that this
-- incarnation goes on from, as it was signed; null where there was none.
create table audit_incarnations (
  ledger_id integer not null,
  number integer not null check (number > 0),
  random_id text not null check (random_id ~ '^[0-9a-f]{16}$'),
  origin text not null,
  succeeds text,
  started_at timestamptz(3) not null default clock_timestamp(),
  primary key (ledger_id, number)
);

-- Every public key that ever signed, as a C2SP vkey. Only the holder of the last one seals.
create table audit_keys (
  ledger_id integer not null,
  number integer not null check (number > 0),
  vkey text not null,
  added_at timestamptz(3) not null default clock_timestamp(),
  primary key (ledger_id, number),
  unique (ledger_id, vkey)
);

create table audit_checkpoints (
  ledger_id integer not null,
  incarnation integer not null,
  tree_size bigint not null check (tree_size > 0),
  origin text not null,
  root_hash bytea not null check (length(root_hash) = 32),
  note text not null,
  sealed_at timestamptz(3) not null default clock_timestamp(),
  primary key (ledger_id, incarnation, tree_size)
);
create index audit_checkpoints_size on audit_checkpoints (ledger_id, tree_size, incarnation);

-- Roots of complete subtrees of 256 leaves, 256 x 256, ...: at level 8, 16, ... the index-th from the left. What lies between is
-- hashed again where a proof needs it, from the events or from these.
create table audit_nodes (
  ledger_id integer not null,
  incarnation integer not null,
  level smallint not null check (level > 0 and level % 8 = 0),
  index bigint not null check (index >= 0),
  hash bytea not null check (length(hash) = 32),
  primary key (ledger_id, incarnation, level, index)
);

-- The planner's first impression, as for the ledger's own tables.
insert into audit_checkpoints (ledger_id, incarnation, tree_size, origin, root_hash, note)
select 0, 1, n, '', sha256(''), ''
  from generate_series(1, 2) as n;
insert into audit_nodes (ledger_id, incarnation, level, index, hash)
select 0, 1, 8, n, sha256('')
  from generate_series(1, 2) as n;
analyze audit_checkpoints;
analyze audit_nodes;
delete from audit_checkpoints;
delete from audit_nodes;

create trigger audit_incarnations_append_only before update or delete or truncate on audit_incarnations
  for each statement execute function refuse_change();
create trigger audit_keys_append_only before update or delete or truncate on audit_keys
  for each statement execute function refuse_change();
create trigger audit_checkpoints_append_only before update or delete or truncate on audit_checkpoints
  for each statement execute function refuse_change();
create trigger audit_nodes_append_only before update or delete or truncate on audit_nodes
  for each statement execute function refuse_change();

-- Down Migration

drop table audit_nodes, audit_checkpoints, audit_keys, audit_incarnations;
