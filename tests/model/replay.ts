/** The log folded twice as it grows, by evolve and by the plain sum, to hold the tables and the reference to. */
import assert from 'node:assert/strict';
import type pg from 'pg';
import { changesOf } from '../../src/audit/fold/plain-sum.ts';
import type { RecordedEvent } from '../../src/events/catalog.ts';
import { evolve } from '../../src/events/evolve.ts';
import { EVENT_COLUMNS, eventOfRow, type EventRow } from '../../src/events/read.ts';
import { walletLimitsText } from '../../src/events/spend-limits.ts';
import { emptyState } from '../../src/events/state.ts';
import { walletIn } from './reference-pay.ts';
import type { World } from './world.ts';

export type Replay = ReturnType<typeof createReplay>;

export function createReplay(pool: pg.Pool) {
  const state = emptyState();
  const sums = new Map<string, { balance: bigint; held: bigint }>();
  let position = 0n;
  return {
    state,
    sumOf: (walletId: string) => sums.get(walletId) ?? { balance: 0n, held: 0n },
    /** Resolves to what was new. */
    async catchUp(): Promise<RecordedEvent[]> {
      const { rows } = await pool.query<EventRow>(
        `select ${EVENT_COLUMNS} from events e where e.position > $1 order by e.position`,
        [position],
      );
      return rows.map((row) => {
        const event = eventOfRow(row);
        evolve(state, event);
        for (const { walletId, balance, held } of changesOf(row.type, JSON.parse(row.data))) {
          const before = this.sumOf(walletId);
          sums.set(walletId, { balance: before.balance + balance, held: before.held + held });
        }
        position = row.position;
        return event;
      });
    },
  };
}

/** After each step: tables, both folds and the reference have the same, and each asset comes to zero. */
export async function checkStep(world: World): Promise<void> {
  await world.replay.catchUp();
  const walletIds = await checkWallets(world);
  await Promise.all([checkLots(world, walletIds), checkHolds(world), checkSchedules(world)]);
}

type WalletRow = {
  id: string;
  owner: string;
  slug: string;
  balance: bigint;
  held: bigint;
  limits: string | null;
};

async function checkWallets({ side, slugs, userIds, reference, replay }: World): Promise<string[]> {
  const { rows } = await side.pool.query<WalletRow>(
    `select w.id, w.owner, a.slug, w.balance, w.held, w.limits::text
       from wallets w
       join assets a on a.ledger_id = w.ledger_id and a.id = w.asset_id
      where a.slug = any ($1)`,
    [[...slugs.values()]],
  );
  const users = new Map([...userIds].map(([name, id]) => [id, name]));
  const assets = new Map([...slugs].map(([name, slug]) => [slug, name]));
  const found = new Set<string>();
  const totals = new Map<string, bigint>();
  for (const { id, owner, slug, balance, held, limits } of rows) {
    const name = [users.get(owner) ?? `@${owner}`, assets.get(slug)!] as const;
    found.add(name.join('/'));
    totals.set(slug, (totals.get(slug) ?? 0n) + balance);
    const expected = walletIn(reference.ledger, ...name);
    const folded = replay.state.wallets.get(id);
    const limitsText = folded?.limits ? walletLimitsText(folded.limits) : null;
    assert.deepEqual(
      { balance, held, limits, sum: replay.sumOf(id) },
      {
        ...{ balance: expected.balance, held: expected.held, limits: limitsText },
        sum: { balance: folded?.balance, held: folded?.held },
      },
      name.join('/'),
    );
    assert.deepEqual({ balance: folded?.balance, held: folded?.held }, { balance, held }, name.join('/'));
  }
  for (const [slug, total] of totals) assert.equal(total, 0n, slug);
  for (const [name, { balance, held }] of reference.ledger.wallets)
    assert.ok(found.has(name) || (balance === 0n && held === 0n), `${name} has no wallet`);
  return rows.map(({ id }) => id);
}

async function checkLots(
  { side, reference, replay, transactionIds }: World,
  walletIds: readonly string[],
): Promise<void> {
  const { rows } = await side.pool.query<{ id: string; remaining: bigint; reserved: bigint }>(
    'select id, remaining, reserved from lots where wallet_id = any ($1)',
    [walletIds],
  );
  const spelled = (id: string, left: bigint, kept: bigint) => `${id}: ${left}, ${kept} reserved`;
  const expected = reference.ledger.pots.map(({ bonus, left, kept }) =>
    spelled(transactionIds[bonus]!, left, kept),
  );
  const folded = walletIds.flatMap((id) =>
    (replay.state.lots.get(id) ?? []).map(({ lotId, remaining, reserved }) =>
      spelled(lotId, remaining, reserved),
    ),
  );
  const found = rows.map(({ id, remaining, reserved }) => spelled(id, remaining, reserved));
  assert.deepEqual(found.toSorted(), expected.toSorted());
  assert.deepEqual(folded.toSorted(), expected.toSorted());
}

async function checkHolds({ side, reference, replay, holdIds }: World): Promise<void> {
  const { rows } = await side.pool.query<{ id: string; captured: bigint; remaining: bigint; status: string }>(
    'select id, captured, remaining, status from holds where id = any ($1)',
    [holdIds],
  );
  const found = new Map(rows.map(({ id, ...row }) => [id, row]));
  for (const [number, { captured, remaining, status }] of reference.ledger.holds.entries()) {
    const id = holdIds[number]!;
    assert.deepEqual(found.get(id), { captured, remaining, status }, `hold ${number}`);
    const folded = replay.state.holds.get(id);
    assert.deepEqual(
      [folded?.captured, folded?.remaining, folded?.status],
      [captured.toString(), remaining.toString(), status],
      `hold ${number}`,
    );
  }
}

async function checkSchedules({ side, reference, replay, scheduleIds }: World): Promise<void> {
  const { rows } = await side.pool.query<{ id: string; status: string }>(
    'select id, status from schedules where id = any ($1)',
    [scheduleIds],
  );
  const found = new Map(rows.map(({ id, status }) => [id, status]));
  for (const [number, { status }] of reference.ledger.schedules.entries()) {
    const id = scheduleIds[number]!;
    assert.deepEqual([found.get(id), replay.state.schedules.get(id)?.status], [status, status]);
  }
}
