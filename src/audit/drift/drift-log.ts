/** What the drift sentinel keeps in the database: how far it has come, and what it found. */
import type { Transaction } from '../../db/transaction.ts';
import type { CheckName, Finding } from '../fold/finding.ts';

export type DriftState = {
  /** Everything up to here was derived again at least once. */
  readonly verified: bigint;
  /** From here on it is looked at another time. */
  readonly window: bigint;
  readonly head: bigint;
};

/** For the rest of the transaction: one process looks, the others need not. */
export async function tryLockDrift(tx: Transaction, ledgerId: number): Promise<boolean> {
  const { rows } = await tx.query<{ locked: boolean }>({
    name: 'drift-lock',
    text: "select pg_try_advisory_xact_lock(hashtext('coffer drift'), $1::integer) as locked",
    values: [ledgerId],
  });
  return rows[0]?.locked ?? false;
}

export async function readDriftState(tx: Transaction, ledgerId: number): Promise<DriftState> {
  const { rows } = await tx.query<DriftState>({
    name: 'drift-state',
    text: `
select coalesce(d.verified_position, 0) as verified, coalesce(d.window_position, 0) as window, l.head_position as head
  from ledgers l
  left join audit_drift d
    on d.ledger_id = l.id
 where l.id = $1::integer`,
    values: [ledgerId],
  });
  return rows[0] ?? { verified: 0n, window: 0n, head: 0n };
}

export type Looked = {
  readonly from: bigint;
  readonly to: bigint;
  readonly walletIds: readonly string[];
  readonly verified: bigint;
  readonly window: bigint;
  readonly findings: readonly Finding[];
};

/** What is found at a wallet as a whole, wherever in the log its last entry is; all else is found at a position. */
const WALLET_CHECKS: readonly CheckName[] = ['wallets', 'plain_sum', 'read_models'];

/** A forger's text may hold what PostgreSQL cannot store; that it was found must be noted all the same. */
function storable(text: string): string {
  return text.replaceAll('\u0000', '\\u0000');
}

/** In one transaction: what was found before where was looked now is replaced by what is found now. */
export async function recordLook(tx: Transaction, ledgerId: number, looked: Looked): Promise<void> {
  const { from, to, walletIds, verified, window, findings } = looked;
  await tx.query({
    name: 'drift-forget',
    text: `
delete from audit_findings
 where ledger_id = $1::integer
   and (   wallet_id = any ($4::uuid[]) and check_name = any ($5::text[])
        or position > $2::bigint and position <= $3::bigint
           and (wallet_id is null or check_name <> all ($5::text[])))`,
    values: [ledgerId, from, to, walletIds, WALLET_CHECKS],
  });
  if (findings.length > 0) {
    await tx.query({
      name: 'drift-findings',
      text: `
insert into audit_findings (ledger_id, check_name, position, wallet_id, expected, found)
select $1::integer, f.*
  from unnest($2::text[], $3::bigint[], $4::uuid[], $5::text[], $6::text[]) as f`,
      values: [
        ledgerId,
        findings.map(({ check }) => check),
        findings.map(({ position }) => position),
        findings.map(({ walletId }) => walletId),
        findings.map(({ expected }) => storable(expected)),
        findings.map(({ found }) => storable(found)),
      ],
    });
  }
  await tx.query({
    name: 'drift-moved',
    text: `
insert into audit_drift (ledger_id, verified_position, window_position)
values ($1::integer, $2::bigint, $3::bigint)
    on conflict (ledger_id) do update
   set verified_position = greatest(audit_drift.verified_position, excluded.verified_position),
       window_position = excluded.window_position,
       checked_at = clock_timestamp()`,
    values: [ledgerId, verified, window],
  });
}

export type Drift = {
  readonly verified: bigint;
  /** Null before the first look. */
  readonly checkedAt: string | null;
  readonly count: bigint;
  /** The latest ones. */
  readonly findings: readonly (Finding & { readonly foundAt: string })[];
};

const FINDINGS_SHOWN = 10;

export async function readDrift(tx: Transaction, ledgerId: number): Promise<Drift> {
  const { rows } = await tx.query<{ verified: bigint; checked_at: string | null; count: bigint }>({
    name: 'drift',
    text: `
select coalesce(d.verified_position, 0) as verified, d.checked_at,
       (select count(*) from audit_findings f where f.ledger_id = l.id) as count
  from ledgers l
  left join audit_drift d
    on d.ledger_id = l.id
 where l.id = $1::integer`,
    values: [ledgerId],
  });
  const { verified, checked_at: checkedAt, count } = rows[0] ?? { verified: 0n, checked_at: null, count: 0n };
  return { verified, checkedAt, count, findings: count === 0n ? [] : await latestFindings(tx, ledgerId) };
}

type FindingRow = {
  check_name: CheckName;
  position: bigint | null;
  wallet_id: string | null;
  expected: string;
  found: string;
  found_at: string;
};

async function latestFindings(tx: Transaction, ledgerId: number): Promise<Drift['findings']> {
  const { rows } = await tx.query<FindingRow>({
    name: 'drift-latest',
    text: `
select check_name, position, wallet_id, expected, found, found_at
  from audit_findings
 where ledger_id = $1::integer
 order by number desc
 limit ${FINDINGS_SHOWN}`,
    values: [ledgerId],
  });
  return rows.map((row) => ({
    check: row.check_name,
    position: row.position?.toString() ?? null,
    walletId: row.wallet_id,
    expected: row.expected,
    found: row.found,
    foundAt: row.found_at,
  }));
}
