/** A random history written through the real service: a log with every kind of event in it. */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { ownerKey, type Owner } from '../../src/events/catalog.ts';
import { canonicalJson } from '../../src/events/canonical.ts';
import { beginning, commandOf } from '../commands/random-ledger.ts';
import { lastingHistories, type Action } from '../commands/random-steps.ts';
import { uuid } from '../events/facts.ts';
import type { ReadSide } from './read-side.ts';

/** Commands submitted together, so that the log has been written in batches of several. */
const TOGETHER = 7;

/** Erased in the end: one whom the histories do not name. */
const dora = { id: uuid('a', 4), email: 'dora@example.com' };

/** The same seed gives the same commands. Recorded times spread over some hours. */
export async function writeRandomLog(
  side: ReadSide,
  options: { seed: number; histories: number },
): Promise<void> {
  const steps: Action[] = [...beginning];
  for (const history of fc.sample(lastingHistories, { seed: options.seed, numRuns: options.histories }))
    steps.push(...history);
  steps.push({ kind: 'user.register', ...dora }, { kind: 'user.erase', userId: dora.id });
  for (let from = 0; from < steps.length; from += TOGETHER) {
    const wallets = await walletIds(side);
    const found = {
      walletId: (owner: Owner, asset: string) => wallets.get(`${ownerKey(owner)}/${asset}`),
      holds: await idsOf(side, `type = 'hold.placed'`),
      lots: await idsOf(side, `data -> 'lot' is not null`),
      now: await recordedAt(side),
      transactions: await idsOf(
        side,
        `type in ('transaction.posted', 'hold.captured', 'transaction.rejected')`,
      ),
      schedules: await idsOf(side, `type = 'scheduled.created'`),
    };
    const together = steps.slice(from, from + TOGETHER).map(async (step) => {
      const command = commandOf(step, found);
      await side.service.app.queue.submit({
        ...{ command, idempotencyKey: randomUUID(), canonicalRequest: canonicalJson(command) },
        ...{ actor: 'test', correlationId: null },
      });
    });
    await Promise.all(together);
    await side.rows(
      `update ledgers set head_recorded_at = head_recorded_at + interval '11 minutes' where id = $1`,
    );
  }
}

async function idsOf(side: ReadSide, condition: string): Promise<string[]> {
  const rows = await side.rows(
    `select id from events where ledger_id = $1 and ${condition} order by position`,
  );
  return rows.map(({ id }) => id);
}

async function recordedAt(side: ReadSide): Promise<string> {
  const [row] = await side.rows(
    `select greatest(head_recorded_at, date_trunc('milliseconds', clock_timestamp())) as now from ledgers where id = $1`,
  );
  return row!.now;
}

async function walletIds(side: ReadSide): Promise<Map<string, string>> {
  const rows = await side.rows(
    `select w.id, w.owner, a.slug from wallets w join assets a on a.ledger_id = w.ledger_id and a.id = w.asset_id
      where w.ledger_id = $1`,
  );
  return new Map(rows.map(({ id, owner, slug }) => [`${owner}/${slug}`, id]));
}

/** How often each type of event is in the log. */
export async function countsByType(side: ReadSide): Promise<Map<string, bigint>> {
  const rows = await side.rows(
    'select type, count(*) as events from events where ledger_id = $1 group by type',
  );
  return new Map(rows.map(({ type, events }) => [type, events]));
}
