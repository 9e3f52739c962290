-- The textbook wallet: current balances in one table, double-entry history beside it.
create table users (
  id uuid primary key,
  email text not null unique
);

create table assets (
  slug text primary key,
  name text not null
);

create table wallets (
  id bigint generated always as identity primary key,
  -- The nil UUID owns the treasury of every asset.
  owner_id uuid not null,
  asset_slug text not null references assets (slug),
  is_treasury boolean not null default false,
  balance numeric(38, 0) not null default 0,
  unique (owner_id, asset_slug),
  check (is_treasury or balance >= 0)
);

create table transactions (
  id bigint generated always as identity primary key,
  idempotency_key text not null unique,
  type text not null,
  asset_slug text not null references assets (slug),
  from_owner_id uuid not null,
  to_owner_id uuid not null,
  amount numeric(38, 0) not null check (amount > 0),
  reference text,
  metadata json,
  created_at timestamptz not null default now()
);

create table entries (
  id bigint generated always as identity primary key,
  transaction_id bigint not null references transactions (id),
  wallet_id bigint not null references wallets (id),
  amount numeric(38, 0) not null,
  balance_after numeric(38, 0) not null
);

create index entries_of_wallet on entries (wallet_id, id);
