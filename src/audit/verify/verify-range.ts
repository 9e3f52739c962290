/** Verifies a range of the log in the database: folds its events beside the entries, keys and transactions stored with them. */
import type { Pool, PoolClient } from 'pg';
import type { Fact } from '../../events/catalog.ts';
import { keyHashOf } from '../../events/key-hash.ts';
import { BLOCK_LEAVES, BLOCK_LEVEL } from '../tree/block-hashes.ts';
import {
  checkClosedHolds,
  checkClosedSchedules,
  type ClosedHold,
  type ClosedSchedule,
} from './closed-rows.ts';
import type { Finding } from '../fold/finding.ts';
import { statusOf } from '../fold/schedule-tracks.ts';
import { checkPersonalValues, noteDigests, type PersonalDigest } from './personal-values.ts';
import type { Limited } from '../fold/limit-facts.ts';
import { ENTRY_COLUMNS } from '../fold/entry-lines.ts';
import { readLogged, where } from '../rows/log-rows.ts';
import { copyText, createPositionedLines, type PositionedLines } from '../rows/positioned-lines.ts';
import { createRangeFold, type RangeFold } from '../fold/range-fold.ts';
import type { ReadFact } from '../fold/read-fact.ts';
import type { PositionRange, RangeSummary } from '../fold/range-summary.ts';

export type RangeTask = PositionRange & {
  readonly ledgerId: number;
  /** Tree sizes of the checkpoints within the range. */
  readonly marked: readonly bigint[];
  /** The checkpoint of the read model of transactions. */
  readonly transactionsUpTo: bigint;
  /** The checkpoint of the read model of holds. */
  readonly holdsUpTo: bigint;
  /** Whose spends are wanted. */
  readonly limited?: Limited;
  /** The checkpoint of the read model of schedules. */
  readonly schedulesUpTo: bigint;
};

/** Positions of a step at most: what is held of entries, keys and transactions at once. */
const STEP = 4_096n;

/** On a connection of its own. */
export async function verifyRangeOn(
  pool: Pool,
  task: RangeTask,
  onProgress: (positions: bigint) => void,
  readFact: ReadFact,
): Promise<RangeSummary> {
  const client = await pool.connect();
  try {
    return await verifyRange(client, task, onProgress, readFact);
  } finally {
    client.release();
  }
}

/**
 * Rejects with the database's error; whatever is wrong with the log is a finding of the summary. `onProgress` is told how many positions
 * each step had.
 */
export async function verifyRange(
  client: PoolClient,
  task: RangeTask,
  onProgress: (positions: bigint) => void,
  readFact: ReadFact,
): Promise<RangeSummary> {
  const fold = createRangeFold(task, task.marked, readFact, task.limited);
  const rows = { entries: createPositionedLines(), transactions: createPositionedLines() };
  for (let { from } = task; from < task.to;) {
    const to = from + STEP < task.to ? from + STEP : task.to;
    await verifyStep(client, { ...task, from, to }, fold, rows);
    onProgress(to - from);
    from = to;
  }
  return withNodeFindings(client, task, fold.finish());
}

/** Rows that are stored beside the events of a step. */
type RowsBeside = { readonly entries: PositionedLines; readonly transactions: PositionedLines };

async function verifyStep(
  client: PoolClient,
  step: RangeTask,
  fold: RangeFold,
  { entries, transactions }: RowsBeside,
): Promise<void> {
  const { ledgerId } = step;
  await entries.read(
    client,
    `select e.position, ${ENTRY_COLUMNS} from ledger_entries e ${where('e', ledgerId, step)}, e.leg`,
  );
  await transactions.read(client, transactionsQuery(step));
  const closed: ClosedHold[] = [];
  const closedSchedules: ClosedSchedule[] = [];
  const digests: PersonalDigest[] = [];
  await readLogged(client, ledgerId, step, (logged, hash) => {
    const { position } = logged;
    const event = fold.add(logged, hash, entries.of(position));
    if (event !== null && position <= step.transactionsUpTo)
      checkTransaction(fold, position, event, transactions.of(position));
    if (event !== null && 'hold' in event.data && event.data.hold.status !== 'open')
      closed.push({ position, hold: event.data.hold });
    if (event?.type === 'scheduled.executed' || event?.type === 'scheduled.cancelled')
      closedSchedules.push({ position, schedule: event.data.schedule, status: statusOf(event) });
    if (event !== null) noteDigests(digests, event, logged);
  });
  for (const { position, line } of entries.orphans()) {
    const [leg, walletId = '', , , amount] = line.split('\t');
    fold.report('entries', { position, walletId }, 'no entry', `leg ${leg}: amount ${amount}`);
  }
  for (const { position, line } of transactions.orphans())
    fold.report('read_models', { position }, 'no transaction', `transactions: ${line}`);
  await checkKeys(client, step, fold);
  const holdsIn = { ledgerId, projectedTo: step.holdsUpTo };
  await checkClosedHolds(client, holdsIn, fold, closed);
  const schedulesIn = { ledgerId, projectedTo: step.schedulesUpTo };
  await checkClosedSchedules(client, schedulesIn, fold, closedSchedules);
  await checkPersonalValues(client, ledgerId, fold, digests);
}

/** Blocks that are not those that were sealed: a checkpoint only tells that something before it was changed, these tell where. */
async function withNodeFindings(
  client: PoolClient,
  { ledgerId, from, to }: RangeTask,
  summary: RangeSummary,
): Promise<RangeSummary> {
  const first = (from + BLOCK_LEAVES - 1n) / BLOCK_LEAVES;
  const blocks = summary.hashes.subtrees.filter(({ level }) => level === BLOCK_LEVEL);
  const { rows } = await client.query<{ index: bigint; hash: Buffer }>({
    name: 'audit-blocks',
    text: `
select index, hash
  from audit_nodes
 where ledger_id = $1::integer
   and incarnation = any (select number from audit_incarnations where ledger_id = $1::integer)
   and level = ${BLOCK_LEVEL}
   and index >= $2::bigint
   and index < $3::bigint`,
    values: [ledgerId, first, first + BigInt(blocks.length)],
  });
  const findings = rows.flatMap(({ index, hash }): Finding[] => {
    const found = blocks[Number(index - first)]?.hash;
    if (found === undefined || found.equals(hash)) return [];
    const position = (index * BLOCK_LEAVES + 1n).toString();
    const last = (index + 1n) * BLOCK_LEAVES;
    const expected = `events ${position} to ${last} with the root ${hash.toString('base64')}`;
    return [{ check: 'sealed', position, walletId: null, expected, found: found.toString('base64') }];
  });
  if (findings.length === 0 || BigInt(summary.events) !== to - from) return summary;
  return {
    ...summary,
    findings: [...summary.findings, ...findings],
    findingCount: summary.findingCount + findings.length,
  };
}

/** The rows of the read model, as far as it had come. */
function transactionsQuery({ ledgerId, from, to, transactionsUpTo }: RangeTask): string {
  const range = { from, to: to < transactionsUpTo ? to : transactionsUpTo };
  return `select t.position, t.type, t.status, t.reference, t.user_id from read.transactions t ${where('t', ledgerId, range)}`;
}

function checkTransaction(fold: RangeFold, position: bigint, event: Fact, found: readonly string[]): void {
  const expected = transactionLine(event);
  if (found.length === (expected === null ? 0 : 1) && (expected === null || found[0] === expected)) return;
  fold.report(
    'read_models',
    { position },
    `transactions: ${expected ?? 'no row'}`,
    found.join('; ') || 'no row',
  );
}

function transactionLine(event: Fact): string | null {
  switch (event.type) {
    case 'transaction.posted':
    case 'hold.captured':
    case 'transaction.rejected': {
      const { type, reference, userId } = event.data;
      const status = event.type === 'transaction.rejected' ? 'rejected' : 'posted';
      return `${copyText(type)}\t${status}\t${copyText(reference)}\t${copyText(userId)}`;
    }
    case 'user.registered':
    case 'user.status_changed':
    case 'user.erased':
    case 'asset.created':
    case 'asset.status_changed':
    case 'asset.limits_changed':
    case 'wallet.opened':
    case 'wallet.status_changed':
    case 'wallet.overdraft_changed':
    case 'wallet.limits_changed':
    case 'hold.placed':
    case 'hold.released':
    case 'hold.expired':
    case 'scheduled.created':
    case 'scheduled.executed':
    case 'scheduled.cancelled':
      return null;
  }
}

/**
 * Each key has to be found where a retry would look for it, and to point to its event. Only what is wrong comes back: keys are
 * many, and the database has them at hand.
 */
async function checkKeys(
  client: PoolClient,
  { ledgerId, from, to }: RangeTask,
  fold: RangeFold,
): Promise<void> {
  const { rows } = await client.query<{ position: bigint; found: bigint | null }>({
    name: 'audit-probe-keys',
    text: `
select e.position, k.position as found
  from (select position, convert_to(idempotency_key, 'UTF8') as key
          from events
         where ledger_id = $1::integer
           and position > $2::bigint
           and position <= $3::bigint
           and idempotency_key is not null
        offset 0) e
  left join lateral (
        select position
          from idempotency_keys
         where ledger_id = $1::integer
           and key_hash = ${keyHashOf('e.key')}
         limit 1
       ) k on true
 where k.position is distinct from e.position
 order by e.position`,
    values: [ledgerId, from, to],
  });
  for (const { position, found } of rows) {
    const pointer = found === null ? 'the key is not remembered' : `the key points to position ${found}`;
    fold.report('keys', { position }, `the key points to position ${position}`, pointer);
  }
}
