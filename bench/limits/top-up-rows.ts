// Rows of top-ups as the service writes them: decided and folded by its own rules, before anything is timed.

import { fingerprint } from '../../src/commands/idempotency.ts';
import { contextFor } from '../../src/commands/decision-context.ts';
import { decide } from '../../src/commands/decide.ts';
import type { Transaction } from '../../src/db/transaction.ts';
import type { PreparedEvent } from '../../src/events/append.ts';
import { canonicalJson } from '../../src/events/canonical.ts';
import { evolveWithEntries } from '../../src/events/evolve.ts';
import { keyHash } from '../../src/events/key-hash.ts';
import { emptyState, walletKey, type LedgerState, type WalletState } from '../../src/events/state.ts';
import { moneyRoutes } from '../../src/http/money-commands.ts';
import { newRunNonce, createKeySource } from '../load/idempotency-key.ts';

export type TopUpBatch = {
  readonly occurredAt: string;
  readonly events: readonly PreparedEvent[];
  /** As the batch leaves them. */
  readonly wallets: readonly WalletState[];
};

export type TopUps = {
  /** The next batch, by turns to all users. */
  next(commands: number): TopUpBatch;
};

export function createTopUps(state: LedgerState, users: readonly string[], assetSlug: string): TopUps {
  const nextKey = createKeySource(newRunNonce());
  let turn = 0;
  return {
    next(commands) {
      const occurredAt = new Date().toISOString();
      const context = contextFor(occurredAt);
      const touched = new Set<string>();
      const events = Array.from({ length: commands }, (): PreparedEvent => {
        const userId = users[turn++ % users.length] ?? '';
        const body = { userId, assetSlug, amount: '1' };
        const command = moneyRoutes.topup.command({}, body);
        const decision = decide(state, command, context);
        if (decision.kind !== 'events' || decision.events.length > 1)
          throw new Error(`a top-up was to lead to one event, not to ${canonicalJson(decision)}`);
        const [event] = decision.events;
        const entries = evolveWithEntries(state, { ...event, occurredAt });
        for (const { walletId } of entries) touched.add(walletId);
        const text = nextKey();
        const canonicalRequest = canonicalJson({ body, command: command.kind, params: {} });
        const key = { text, hash: keyHash(text), fingerprint: fingerprint(canonicalRequest, null) };
        return { event, entries, actor: 'anonymous', correlationId: crypto.randomUUID(), key };
      });
      const wallets = [...touched].toSorted().flatMap((id) => state.wallets.get(id) ?? []);
      return { occurredAt, events, wallets };
    },
  };
}

type WalletRow = {
  id: string;
  owner: string;
  is_system: boolean;
  asset_id: string;
  balance: bigint;
  held: bigint;
  floor: bigint | null;
  seq: bigint;
  status: WalletState['status'];
};

/** Users, the asset and its wallets, of which none has lots or limits. */
export async function readTopUpState(
  tx: Transaction,
  ledgerId: number,
  assetSlug: string,
): Promise<LedgerState> {
  const state = emptyState();
  const users = await tx.query<{ id: string; status: 'ACTIVE' | 'BANNED'; created_at: string }>({
    text: 'select id, status, created_at from users where ledger_id = $1',
    values: [ledgerId],
  });
  for (const { id, status, created_at: createdAt } of users.rows)
    state.users.set(id, { id, status, createdAt });
  const assets = await tx.query<{
    id: string;
    name: string;
    scale: number;
    supply_cap: bigint | null;
    status: 'ACTIVE' | 'FROZEN';
  }>({
    text: 'select id, name, scale, supply_cap, status from assets where ledger_id = $1 and slug = $2',
    values: [ledgerId, assetSlug],
  });
  const [asset] = assets.rows;
  if (asset === undefined) throw new Error(`there is no asset ${assetSlug}`);
  const { supply_cap: supplyCap, scale, ...rest } = asset;
  const shown = { slug: assetSlug, scale: scale.toString(), supplyCap };
  state.assets.set(assetSlug, { ...rest, ...shown, limits: null });
  const wallets = await tx.query<WalletRow>({
    text: `
select id, owner, is_system, asset_id, balance, held, floor, seq, status
  from wallets
 where ledger_id = $1
   and asset_id = $2`,
    values: [ledgerId, asset.id],
  });
  for (const { is_system: isSystem, asset_id: assetId, owner, ...row } of wallets.rows) {
    const owned = isSystem ? { system: owner } : { userId: owner };
    const nothing = { nextDueAt: null, limits: null };
    state.wallets.set(row.id, { ...row, ...nothing, owner: owned, assetId, asset: assetSlug });
    state.walletIds.set(walletKey(owned, assetSlug), row.id);
  }
  return state;
}
