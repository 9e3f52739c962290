/**
 * What commands would do, decided from one snapshot: no lock is taken, nothing is written, no key is looked at. By the
 * time it is told, it may have changed.
 */
import type { Pool } from 'pg';
import { inSnapshot } from '../db/pool.ts';
import { stateUnderLocks, walletsToLock } from './batch-state.ts';
import { contextFor } from './decision-context.ts';
import { settlementsOf } from './batch-plan.ts';
import { decideBatch } from './decide-batch.ts';
import { createDirectoryCache } from './directory-cache.ts';
import { withLimitsAfter } from './limits-after.ts';
import { readUnderLocks } from './lock-and-read.ts';
import { needsOf } from './needs.ts';
import { readHolds, readLots, readOriginals } from './read-heads.ts';
import { readReferences } from './references.ts';
import { forkState } from '../events/state.ts';
import type { Request, Settlement } from './submission.ts';
import { uuidv7 } from '../uuid.ts';

export type DryRun = (
  requests: readonly Request[],
  atomic: boolean,
) => Promise<{ readonly settlement: Settlement; readonly headPosition: bigint }>;

export function createDryRun(pool: Pool, ledgerId: number): DryRun {
  return (requests, atomic) =>
    inSnapshot(pool, async (tx) => {
      const commands = requests.map(({ command }) => command);
      const cache = createDirectoryCache(ledgerId);
      const references = await readReferences(tx, ledgerId, commands);
      const needs = needsOf(commands, references);
      await cache.ensure(tx, needs);
      const walletIds = walletsToLock(cache, needs);
      const read = await readUnderLocks(tx, ledgerId, { walletIds, keyHashes: [] });
      const { occurredAt, wallets, headPosition } = read;
      const holds = await readHolds(tx, ledgerId, references);
      const originals = await readOriginals(tx, ledgerId, references);
      const lots = await readLots(tx, ledgerId, { wallets, references });
      const state = stateUnderLocks({
        cache,
        needs,
        wallets,
        emails: new Map(),
        holds,
        lots,
        originals,
        schedules: [],
      });
      if (state === null) throw new Error('a snapshot shows a wallet without its asset');
      const submission = {
        requests: requests.map((request) => ({ ...request, idempotencyKey: null })),
        atomic,
        attemptedEventIds: [],
        settle: () => undefined,
        fail: () => undefined,
      };
      const keyed = { submission, keyHashes: requests.map(() => null) };
      const before = forkState(state);
      const drawn = new Set<string>();
      const plan = decideBatch({
        ...{ state, batch: [keyed], stored: new Map(), occurredAt },
        contextFor: (at) => ({ ...contextFor(at), nextId: () => drawInto(drawn) }),
      });
      const personal = new Map(
        plan.events.map(({ event }) => [
          event.id,
          new Map(event.personal.map(({ field, value }) => [field, value])),
        ]),
      );
      const [settlement] = settlementsOf(plan, { firstPosition: 1n, recordedAt: occurredAt }, personal);
      if (settlement === undefined) throw new Error('a dry run was not settled');
      const shown = withLimitsAfter(settlement, plan, before);
      return { settlement: withoutDrawnIds(shown, drawn), headPosition };
    });
}

function drawInto(drawn: Set<string>): string {
  const id = uuidv7();
  drawn.add(id);
  return id;
}

/** What would have got an id has none. */
function withoutDrawnIds(settlement: Settlement, drawn: ReadonlySet<string>): Settlement {
  const text = JSON.stringify(settlement, (_name, value: unknown) => {
    if (typeof value === 'bigint') return null;
    return typeof value === 'string' && drawn.has(value) ? null : value;
  });
  return JSON.parse(text) as Settlement;
}
