/**
 * Demo data through real commands: two users with gold coins and diamonds. Every command has a fixed key, so that
 * a seeding that was cut short goes on where it stopped, and a second one changes nothing.
 */
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { CommandQueue } from './commands/queue.ts';
import type { Command } from './commands/schemas.ts';
import { canonicalJson } from './events/canonical.ts';
import { readRemembered } from './events/remembered.ts';
import { headPosition } from './events/head.ts';
import { projectedPosition } from './projections/queries/positions.ts';
import { projections } from './projections/catalog.ts';

const FIRST_KEY = 'demo-asset-gold_coins';
const LAST_KEY = 'demo-transfer-alice-bob-diamonds';

export type SeedOptions = { queue: CommandQueue; pool: Pool; ledgerId: number; log: Logger };

/** Resolves to false, having done nothing, when the ledger holds other data. */
export async function seedDemoData(options: SeedOptions): Promise<boolean> {
  const { pool, ledgerId, log } = options;
  const empty = (await headPosition(pool, ledgerId)) === 0n;
  const begun = !empty && (await readRemembered(pool, ledgerId, FIRST_KEY)) !== null;
  if (!empty && !begun) {
    log.info('the ledger is not empty: no demo data was written');
    return false;
  }
  if (begun && (await readRemembered(pool, ledgerId, LAST_KEY)) !== null) return true;
  await writeDemoData(options);
  log.info('demo data: alice@example.com and bob@example.com have gold_coins and diamonds');
  return true;
}

async function writeDemoData({ queue }: SeedOptions): Promise<void> {
  const send = async (idempotencyKey: string, command: Command): Promise<Record<string, unknown>> => {
    const canonicalRequest = canonicalJson(command);
    const request = { command, idempotencyKey, canonicalRequest, actor: 'seed', correlationId: null };
    const { outcome } = await queue.submit(request);
    if (outcome.kind !== 'accepted') throw new Error(`demo command ${idempotencyKey} was not accepted`);
    return outcome.body;
  };

  await send(FIRST_KEY, { kind: 'asset.create', slug: 'gold_coins', name: 'Gold coins', scale: 2 });
  await send('demo-asset-diamonds', {
    kind: 'asset.create',
    slug: 'diamonds',
    name: 'Diamonds',
    scale: 0,
    supplyCap: '1000000',
  });
  const alice = await send('demo-user-alice', { kind: 'user.register', email: 'alice@example.com' });
  const bob = await send('demo-user-bob', { kind: 'user.register', email: 'bob@example.com' });
  const [aliceId, bobId] = [String(alice['id']), String(bob['id'])];

  const gold = { assetSlug: 'gold_coins' };
  const diamonds = { assetSlug: 'diamonds' };
  await send('demo-topup-alice-gold', {
    kind: 'topup',
    userId: aliceId,
    ...gold,
    amount: '100000',
    reference: 'demo-1',
  });
  await send('demo-topup-bob-gold', {
    kind: 'topup',
    userId: bobId,
    ...gold,
    amount: '50000',
    reference: 'demo-2',
  });
  await send('demo-bonus-alice-diamonds', { kind: 'bonus', userId: aliceId, ...diamonds, amount: '25' });
  await send('demo-bonus-bob-diamonds', { kind: 'bonus', userId: bobId, ...diamonds, amount: '10' });
  await send('demo-spend-alice-gold', {
    kind: 'spend',
    userId: aliceId,
    ...gold,
    amount: '12550',
    reference: 'demo-order-1',
    metadata: { item: 'sword' },
  });
  await send(LAST_KEY, { kind: 'transfer', fromUserId: aliceId, toUserId: bobId, ...diamonds, amount: '5' });
}

/** True when the demo data is written whole and every read model has it. */
export async function demoDataIsProjected(pool: Pool, ledgerId: number): Promise<boolean> {
  const last = await readRemembered(pool, ledgerId, LAST_KEY);
  if (last === null) return false;
  const reached = await projectedPosition(
    pool,
    ledgerId,
    projections.map(({ name }) => name),
  );
  return reached >= last.position;
}
