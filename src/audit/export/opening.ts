/** How every wallet stood after a position: for whoever goes on from there without the events before. */
import type { Pool } from 'pg';
import { z } from 'zod';
import type { EventData } from '../../events/catalog.ts';
import type { WalletHead } from '../fold/heads.ts';

const whole = z.string().regex(/^(?:0|-?[1-9][0-9]*)$/);

/** A wallet as a line of `opening.ndjson`. */
const openingWallet = z.strictObject({
  walletId: z.uuid(),
  owner: z.string(),
  isSystem: z.boolean(),
  assetId: z.uuid(),
  asset: z.string(),
  status: z.enum(['ACTIVE', 'FROZEN']),
  limit: whole.nullable(),
  balance: whole,
  held: whole,
  seq: whole,
  movedPosition: whole,
  openedPosition: whole,
});

export type OpeningWallet = z.infer<typeof openingWallet>;

/** Wallets of one statement, about. */
const PAGE = 5_000;

/**
 * What the log says of each wallet that was open by then: its own events tell what it is, its last entry how much it had. The log up to there
 * does not change, so nothing else is asked, and it does not matter how far a read model is.
 */
export async function readOpening(pool: Pool, ledgerId: number, position: bigint): Promise<OpeningWallet[]> {
  const wallets: Opening[] = [];
  let after: WalletEvent | null = null;
  for (;;) {
    const events: WalletEvent[] = await readWalletEvents(pool, ledgerId, { upTo: position, after });
    after = events.at(-1) ?? null;
    if (after === null) return wallets;
    const opened = events.filter(({ type }) => type === 'wallet.opened').map(openedWallet);
    await addBalances(pool, ledgerId, position, opened);
    // Of the last wallet there may have been more than one page tells.
    const told = new Map([...wallets.slice(-1), ...opened].map((wallet) => [wallet.walletId, wallet]));
    for (const event of events) applyTo(told.get(event.id), event);
    wallets.push(...opened);
  }
}

type WalletEvent = {
  readonly id: string;
  readonly position: bigint;
  readonly type: string;
  readonly data: string;
};

/** By wallet, and then by position, as their index has them. */
async function readWalletEvents(
  pool: Pool,
  ledgerId: number,
  { upTo, after }: { upTo: bigint; after: WalletEvent | null },
): Promise<WalletEvent[]> {
  const { rows } = await pool.query<WalletEvent>({
    name: 'audit-wallet-events',
    text: `
select (e.data ->> 'walletId')::uuid as id, e.position, e.type, e.data
  from events e
 where e.ledger_id = $1::integer
   and e.type in ('wallet.opened', 'wallet.status_changed', 'wallet.overdraft_changed', 'wallet.limits_changed')
   and ((e.data ->> 'walletId')::uuid, e.position) > ($2::uuid, $3::bigint)
   and e.position <= $4::bigint
 order by (e.data ->> 'walletId')::uuid, e.position
 limit ${PAGE}`,
    values: [ledgerId, after?.id ?? '00000000-0000-0000-0000-000000000000', after?.position ?? 0n, upTo],
  });
  return rows;
}

type Opening = { -readonly [Name in keyof OpeningWallet]: OpeningWallet[Name] };

function openedWallet({ id, position, data }: WalletEvent): Opening {
  const { owner, assetId, asset, floor } = JSON.parse(data) as EventData<'wallet.opened'>;
  const isSystem = 'system' in owner;
  return {
    ...{ walletId: id, owner: isSystem ? owner.system : owner.userId, isSystem, assetId, asset },
    ...{ status: 'ACTIVE', limit: floor, balance: '0', held: '0', seq: '0' },
    ...{ movedPosition: position.toString(), openedPosition: position.toString() },
  };
}

function applyTo(wallet: Opening | undefined, { type, data }: WalletEvent): void {
  if (wallet === undefined) return;
  if (type === 'wallet.status_changed')
    wallet.status = (JSON.parse(data) as EventData<'wallet.status_changed'>).status;
  if (type === 'wallet.overdraft_changed')
    wallet.limit = (-BigInt(
      (JSON.parse(data) as EventData<'wallet.overdraft_changed'>).overdraft,
    )).toString();
}

type LastEntry = { id: string; balance: bigint; held: bigint; seq: bigint; position: bigint };

async function addBalances(
  pool: Pool,
  ledgerId: number,
  position: bigint,
  wallets: readonly Opening[],
): Promise<void> {
  const { rows } = await pool.query<LastEntry>({
    name: 'audit-last-entries',
    text: `
select wanted.id, e.balance_after as balance, e.held_after as held, e.seq, e.position
  from unnest($2::uuid[]) as wanted (id)
 cross join lateral (
        select l.balance_after, l.held_after, l.seq, l.position
          from ledger_entries l
         where l.ledger_id = $1::integer
           and l.wallet_id = wanted.id
           and l.position <= $3::bigint
         order by l.position desc, l.leg desc
         limit 1
       ) e`,
    values: [ledgerId, wallets.map(({ walletId }) => walletId), position],
  });
  const last = new Map(rows.map((row) => [row.id, row]));
  for (const wallet of wallets) {
    const entry = last.get(wallet.walletId);
    if (entry === undefined) continue;
    wallet.balance = entry.balance.toString();
    wallet.held = entry.held.toString();
    wallet.seq = entry.seq.toString();
    wallet.movedPosition = entry.position.toString();
  }
}

/** Throws for a line that is none. */
export function parseOpeningWallet(line: string): OpeningWallet {
  return openingWallet.parse(JSON.parse(line));
}

/** As what the log before the position comes to. */
export function openingHead(of: OpeningWallet): WalletHead {
  const [balance, held] = [BigInt(of.balance), BigInt(of.held)];
  return {
    ...{
      walletId: of.walletId,
      owner: of.owner,
      isSystem: of.isSystem,
      assetId: of.assetId,
      asset: of.asset,
    },
    limit: of.limit === null ? null : BigInt(of.limit),
    ...{ balance, held, plainBalance: balance, plainHeld: held, seq: BigInt(of.seq), status: of.status },
    ...{ movedPosition: BigInt(of.movedPosition), openedPosition: BigInt(of.openedPosition) },
  };
}
