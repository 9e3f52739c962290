/** The keys as they are stored. What changes one of them wakes every process that checks keys. */
import type { Transaction } from '../db/transaction.ts';
import { uuidv7 } from '../uuid.ts';
import type { Scope } from './scopes.ts';
import { drawSecret, hashOf } from './secret.ts';

/** What processes hold in memory is bounded; more programs than this have one key each nowhere. */
export const MAX_KEYS = 10_000;

export type KeyState = 'valid' | 'expired' | 'revoked';

/** A key as it is shown: nothing of it opens anything. Times are RFC 3339. */
export type StoredKey = {
  readonly id: string;
  readonly ledgerId: number;
  readonly name: string;
  readonly prefix: string;
  readonly scopes: readonly Scope[];
  readonly source: 'created' | 'environment';
  readonly state: KeyState;
  readonly createdAt: string;
  readonly rotatedAt: string | null;
  /** Until when the secret before the last rotation counts; null where it does not. */
  readonly previousUntil: string | null;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
  /** To the minute. */
  readonly lastUsedAt: string | null;
};

/** `text` is told this once. */
export type NewSecret = { readonly key: StoredKey; readonly text: string };

export class KeyError extends Error {
  readonly code: 'key_not_found' | 'key_closed' | 'too_many_keys';
  constructor(code: KeyError['code'], message: string) {
    super(message);
    this.name = 'KeyError';
    this.code = code;
  }
}

const COLUMNS = `
ledger_id as "ledgerId", id, name, prefix, scopes, source,
case when revoked_at is not null then 'revoked'
     when expires_at <= clock_timestamp() then 'expired'
     else 'valid' end as state,
created_at as "createdAt", rotated_at as "rotatedAt",
case when previous_until > clock_timestamp() then previous_until end::timestamptz(3) as "previousUntil",
expires_at as "expiresAt", revoked_at as "revokedAt", last_used_at as "lastUsedAt"`;

export type KeyRequest = {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Null: never. */
  readonly expiresAt: string | null;
};

/** Rejects with KeyError (too_many_keys). */
export async function createKey(tx: Transaction, ledgerId: number, wanted: KeyRequest): Promise<NewSecret> {
  for (;;) {
    const secret = drawSecret();
    const { rows } = await tx.query<StoredKey>({
      text: `
insert into api_keys (ledger_id, id, name, scopes, source, prefix, hash, expires_at)
select $1::integer, $2::uuid, $3::text, $4::text[], 'created', $5::text, $6::bytea, $7::timestamptz
 where (select count(*) from api_keys where revoked_at is null) < $8::bigint
   and not exists (select from api_keys where prefix = $5::text)
returning ${COLUMNS}`,
      values: [
        ledgerId,
        uuidv7(),
        wanted.name,
        wanted.scopes,
        secret.prefix,
        secret.hash,
        wanted.expiresAt,
        MAX_KEYS,
      ],
    });
    const key = rows[0];
    if (key !== undefined) return { key, text: secret.text };
    if (await isFull(tx))
      throw new KeyError('too_many_keys', `There are ${MAX_KEYS} keys; revoke some that are not used.`);
  }
}

async function isFull(tx: Transaction): Promise<boolean> {
  const { rows } = await tx.query<{ full: boolean }>({
    text: 'select count(*) >= $1::bigint as full from api_keys where revoked_at is null',
    values: [MAX_KEYS],
  });
  return rows[0]?.full === true;
}

/**
 * The key a process was started with, by what it may be told from others. Made once: the same text has the same id in every
 * process and after every start.
 */
export async function registerEnvironmentKey(
  tx: Transaction,
  ledgerId: number,
  text: string,
): Promise<StoredKey> {
  const hash = hashOf(text);
  await tx.query({
    text: `
insert into api_keys (ledger_id, id, name, scopes, source, prefix, hash)
values ($1::integer, $2::uuid, 'COFFER_ADMIN_KEY', array['admin'], 'environment', 'environment', $3::bytea)
    on conflict (hash) do nothing`,
    values: [ledgerId, uuidv7(), hash],
  });
  const { rows } = await tx.query<StoredKey>({
    text: `select ${COLUMNS} from api_keys where hash = $1::bytea`,
    values: [hash],
  });
  const key = rows[0];
  if (key === undefined) throw new Error('the key of the environment was not kept');
  return key;
}

/** Oldest first, those of one ledger. */
export async function listKeys(tx: Transaction, ledgerId: number): Promise<StoredKey[]> {
  const { rows } = await tx.query<StoredKey>({
    text: `select ${COLUMNS} from api_keys where ledger_id = $1::integer order by created_at, id limit $2::integer`,
    values: [ledgerId, MAX_KEYS],
  });
  return rows;
}

/** `wanted`: the id or the prefix. Revoking twice is no error. Rejects with KeyError (key_not_found). */
export async function revokeKey(tx: Transaction, ledgerId: number, wanted: string): Promise<StoredKey> {
  const { rows } = await tx.query<StoredKey>({
    text: `
update api_keys
   set revoked_at = coalesce(revoked_at, clock_timestamp()),
       previous_prefix = null,
       previous_hash = null,
       previous_until = null
 where ledger_id = $1::integer
   and (id::text = $2::text or prefix = $2::text and source = 'created')
returning ${COLUMNS}`,
    values: [ledgerId, wanted],
  });
  const key = rows[0];
  if (key === undefined) throw new KeyError('key_not_found', `There is no key ${wanted} in this ledger.`);
  return key;
}

/**
 * A new secret for the same key: its id, name, scopes and end stay. The old secret counts for so many seconds more; one before
 * that, of a rotation that is still overlapping, no longer. Rejects with KeyError (key_not_found, key_closed).
 */
export async function rotateKey(
  tx: Transaction,
  ledgerId: number,
  wanted: string,
  overlapSeconds: number,
): Promise<NewSecret> {
  const secret = drawSecret();
  const { rows } = await tx.query<StoredKey>({
    text: `
update api_keys
   set previous_prefix = case when $5::integer > 0 then prefix end,
       previous_hash = case when $5::integer > 0 then hash end,
       previous_until = case when $5::integer > 0 then clock_timestamp() + make_interval(secs => $5::integer) end,
       hash = $4::bytea,
       prefix = $3::text,
       rotated_at = clock_timestamp()
 where ledger_id = $1::integer
   and (id::text = $2::text or prefix = $2::text)
   and source = 'created'
   and revoked_at is null
   and (expires_at is null or expires_at > clock_timestamp())
returning ${COLUMNS}`,
    values: [ledgerId, wanted, secret.prefix, secret.hash, overlapSeconds],
  });
  const key = rows[0];
  if (key !== undefined) return { key, text: secret.text };
  const found = (await listKeys(tx, ledgerId)).find(({ id, prefix }) => id === wanted || prefix === wanted);
  if (found === undefined) throw new KeyError('key_not_found', `There is no key ${wanted} in this ledger.`);
  if (found.source === 'environment')
    throw new KeyError('key_closed', 'The key of the environment is changed there.');
  throw new KeyError('key_closed', `The key ${found.prefix} is ${found.state}: create a new one.`);
}

export async function recordUse(tx: Transaction, keyIds: readonly string[]): Promise<void> {
  await tx.query({
    text: `
update api_keys
   set last_used_at = clock_timestamp()
 where id = any ($1::uuid[])
   and (last_used_at is null or last_used_at < clock_timestamp() - interval '50 seconds')`,
    values: [keyIds],
  });
}
