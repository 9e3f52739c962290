/**
 * The drift sentinel: derives the log again while the service runs, a small window at a time, the newest events first and then all of it over
 * and over, and with each window some wallets from anywhere. It takes a small part of a core at most, and changes nothing but its own notes.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import type { Logger } from 'pino';
import { readFactBySchema } from '../fold/read-fact.ts';
import { inTransaction } from '../../db/pool.ts';
import { startRecurring, type Recurring } from '../../recurring.ts';
import { readDriftState, recordLook, tryLockDrift, type DriftState, type Looked } from './drift-log.ts';
import { checkWallets, someWallets } from './drift-wallets.ts';
import type { Finding } from '../fold/finding.ts';
import { walletChanges } from '../fold/packed-wallets.ts';
import type { RangeSummary } from '../fold/range-summary.ts';
import { verifyRange, type RangeTask } from '../verify/verify-range.ts';

const LOOK_MS = 5_000;
/** Events of a window: some milliseconds of work, between which commands and queries have their turn. */
const WINDOW = 128n;
const SOME_WALLETS = 10;
/** Wallets of a window that are held against heads and read models. */
const MAX_WALLETS = 100;
/** After a window this many times as long is rested: a thirtieth of a core at most. */
const REST = 29;
const MIN_REST_MS = 20;
const MAX_REST_MS = 2_000;
/** Windows of a job, while there is something new, and when all is looked at another time. */
const NEW_WINDOWS = 40;
const OLD_WINDOWS = 2;
const FINDINGS_LOGGED = 5;

export type SentinelDeps = {
  readonly pool: Pool;
  readonly ledgerId: number;
  readonly wake: () => Promise<void>;
  readonly log: Logger;
};

export function startSentinel({ pool, ledgerId, wake, log }: SentinelDeps): Recurring {
  return startRecurring({
    name: 'the drift sentinel',
    everyMs: LOOK_MS,
    isDue: async () => (await readDriftState(pool, ledgerId)).head > 0n,
    async work(signal) {
      let left = NEW_WINDOWS;
      while (left > 0 && !signal.aborted) {
        const startedAt = performance.now();
        const looked = await inTransaction(pool, (tx) => lookOnce(tx, ledgerId));
        if (looked === null) return;
        for (const finding of looked.findings.slice(0, FINDINGS_LOGGED))
          log.error({ finding, findings: looked.findings.length }, 'the drift sentinel found a difference');
        left = looked.isNew ? left - 1 : Math.min(left, OLD_WINDOWS) - 1;
        const restMs = Math.max(MIN_REST_MS, Math.min(MAX_REST_MS, (performance.now() - startedAt) * REST));
        await delay(restMs, undefined, { signal }).catch(() => undefined);
      }
    },
    wake,
    log,
  });
}

/** One window, and what was found is noted. Null while another process looks. */
export async function lookOnce(
  tx: PoolClient,
  ledgerId: number,
): Promise<(Looked & { readonly isNew: boolean }) | null> {
  if (!(await tryLockDrift(tx, ledgerId))) return null;
  const state = await readDriftState(tx, ledgerId);
  const { verified, head } = state;
  const range = windowOf(state);
  const task = { ledgerId, ...range, marked: [], ...(await projectedUpTo(tx, ledgerId)) };
  const summary = await verifyRange(tx, task, () => undefined, readFactBySchema);
  const openings = await checkOpenings(tx, ledgerId, summary);
  const touched = summary.wallets.ids.slice(0, MAX_WALLETS);
  const others = await someWallets(tx, ledgerId, { head, count: SOME_WALLETS });
  const walletIds = [...new Set([...touched, ...others])];
  const isNew = range.to > verified;
  const looked = {
    ...range,
    walletIds,
    verified: isNew ? range.to : verified,
    window: isNew ? state.window : range.to,
    findings: [...summary.findings, ...openings, ...(await checkWallets(tx, ledgerId, walletIds))],
  };
  await recordLook(tx, ledgerId, looked);
  return { ...looked, isNew };
}

/** What is new comes first; then the log another time, from its beginning on. */
function windowOf({ verified, window, head }: DriftState): { from: bigint; to: bigint } {
  const old = window < head ? window : 0n;
  const from = verified < head ? verified : old;
  return { from, to: from + WINDOW < head ? from + WINDOW : head };
}

async function projectedUpTo(
  tx: PoolClient,
  ledgerId: number,
): Promise<Pick<RangeTask, 'transactionsUpTo' | 'holdsUpTo' | 'schedulesUpTo'>> {
  const { rows } = await tx.query<{ projection: string; position: bigint }>({
    name: 'drift-projected',
    text: `
select projection, position
  from read.checkpoints
 where ledger_id = $1::integer
   and projection in ('transactions', 'holds', 'scheduled')
   and live`,
    values: [ledgerId],
  });
  const upTo = (name: string): bigint => rows.find(({ projection }) => projection === name)?.position ?? 0n;
  return {
    transactionsUpTo: upTo('transactions'),
    holdsUpTo: upTo('holds'),
    schedulesUpTo: upTo('scheduled'),
  };
}

/** Each wallet has to begin the window as the entry before it left the wallet. */
async function checkOpenings(
  tx: PoolClient,
  ledgerId: number,
  { from, wallets }: RangeSummary,
): Promise<Finding[]> {
  const known = [...walletChanges(wallets)].filter(({ openingSeq }) => openingSeq !== null);
  const { rows } = await tx.query<{ id: string; found: string }>({
    name: 'drift-openings',
    text: `
select wanted.id, format('balance %s held %s seq %s', coalesce(e.balance_after, 0), coalesce(e.held_after, 0),
                         coalesce(e.seq, 0)) as found
  from unnest($2::uuid[]) as wanted (id)
  left join lateral (
        select l.balance_after, l.held_after, l.seq
          from ledger_entries l
         where l.ledger_id = $1::integer
           and l.wallet_id = wanted.id
           and l.position <= $3::bigint
         order by l.position desc, l.leg desc
         limit 1
       ) e on true`,
    values: [ledgerId, known.map(({ walletId }) => walletId), from],
  });
  const before = new Map(rows.map(({ id, found }) => [id, found]));
  return known.flatMap(({ walletId, firstPosition, openingBalance, openingHeld, openingSeq }): Finding[] => {
    const expected = before.get(walletId) ?? '';
    const found = `balance ${openingBalance} held ${openingHeld} seq ${openingSeq}`;
    const place = { position: firstPosition.toString(), walletId };
    return expected === found ? [] : [{ check: 'entries', ...place, expected, found }];
  });
}
