/**
 * A process that dies between any two statements of a batch, or right after sending one: what another process finds
 * is the whole command or nothing of it, and the client's retry is told which.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { pino } from 'pino';
import type pg from 'pg';
import type { Command } from '../../src/commands/schemas.ts';
import type { Answer } from '../../src/commands/submission.ts';
import { createWriteSide } from '../../src/commands/write-side.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { assertLedgerIsSound, eventsWithKey, headPosition } from '../support/ledger-facts.ts';
import { until } from '../support/until.ts';
import {
  bodyOf,
  freshName,
  LEDGER_ID,
  newAsset,
  newUser,
  openWriteSide,
  requestOf,
  type WriteSide,
} from '../support/write-side.ts';
import { openGatedPool } from './gated-pool.ts';

/** The process dies before this statement leaves, or after it has left. */
type Death = { readonly at: number; readonly moment: 'before' | 'after' };

let database: TestDatabase;
let observer: pg.Client;
let side: WriteSide;
let assetSlug: string;

before(async () => {
  database = await createTestDatabase();
  observer = await database.connect();
  side = openWriteSide(database.url);
  assetSlug = await newAsset(side);
});

after(async () => {
  await side.close();
  await observer.end();
  await database.drop();
});

/** Runs a command in a process that dies there. Resolves to the names of the statements that had left. */
async function runUntilDeath(command: Command, key: string, death: Death | null): Promise<string[]> {
  const left: string[] = [];
  let dead = false;
  const gated = openGatedPool(database.url, () => async ({ name }, client) => {
    const isLast = death !== null && left.length === death.at;
    if (dead || (isLast && death.moment === 'before')) {
      dead = true;
      kill(client);
      throw new Error('Connection terminated: the process is dead');
    }
    left.push(name);
    if (!isLast) return;
    dead = true;
    // It leaves first: the socket is broken once what was written to it is on its way.
    setImmediate(() => kill(client));
  });
  const queue = createWriteSide({
    pool: gated.pool,
    ledgerId: LEDGER_ID,
    log: pino({ level: 'silent' }),
    ...{ maxBatch: 500, maxQueue: 10, batchDeadlineMs: 0 },
    onCommitted: () => undefined,
    onRetry: () => undefined,
  });
  const answer = queue.submit(requestOf(command, key));
  if (death === null) bodyOf(await answer);
  else await answer.catch(() => undefined);
  await queue.close();
  await gated.close();
  return left;
}

/** As the kernel does it for a process that is gone. */
function kill(client: pg.PoolClient): void {
  const { connection } = client as unknown as { connection: { stream: { destroy(): void } } };
  connection.stream.destroy();
}

/** A session outlives its client for a moment; what it still does, it has done when it is gone. */
async function untilSessionsAreGone(): Promise<void> {
  await until('the sessions of the dead process are gone', async () => {
    const { rows } = await observer.query<{ count: number }>(
      `select count(*)::integer as count
         from pg_stat_activity
        where datname = current_database() and application_name = 'coffer write' and state <> 'idle'`,
    );
    return rows[0]!.count === 0;
  });
}

const commands: Readonly<Record<string, () => Promise<Command>>> = {
  'a top-up that opens a wallet': async () => ({
    kind: 'topup',
    userId: await newUser(side),
    assetSlug,
    amount: '5',
  }),
  'a spend that is declined': async () => ({
    kind: 'spend',
    userId: await newUser(side, { assetSlug, amount: '1' }),
    assetSlug,
    amount: '5',
  }),
  'a registration': async () => ({ kind: 'user.register', email: `${freshName('user')}@example.com` }),
  'a capture of a hold': async () => {
    const userId = await newUser(side, { assetSlug, amount: '10' });
    const placed = await side.submit({ kind: 'hold', userId, assetSlug, amount: '7' });
    return { kind: 'capture', holdId: String(bodyOf(placed).holdId) };
  },
};

for (const [what, command] of Object.entries(commands)) {
  test(`${what}, with a death at every statement`, async () => {
    const isDeclined = what.includes('declined');
    const whole = isDeclined
      ? await statementsOf(await command())
      : await runUntilDeath(await command(), randomUUID(), null);
    assert.ok(whole.includes('append') && whole.at(-1) === 'commit', whole.join(', '));
    for (const moment of ['before', 'after'] as const) {
      for (const at of whole.keys()) await assertAllOrNothing(await command(), { at, moment }, whole);
    }
  });
}

async function statementsOf(command: Command): Promise<string[]> {
  return runUntilDeath(command, randomUUID(), { at: 1_000, moment: 'before' });
}

async function assertAllOrNothing(command: Command, death: Death, whole: readonly string[]): Promise<void> {
  const key = randomUUID();
  const head = await headPosition(observer);
  await runUntilDeath(command, key, death);
  await untilSessionsAreGone();
  const landed = await eventsWithKey(observer, key);
  const place = `${death.moment} ${whole[death.at]}`;
  // Nothing without COMMIT; once it has left, all of it or nothing of it.
  if (death.moment === 'before' || whole[death.at] !== 'commit') assert.equal(landed, 0, place);
  if (landed === 0) assert.equal(await headPosition(observer), head, `${place}: something was written`);
  const retry: Answer = await side.submit(command, key);
  assert.equal(retry.replayed, landed === 1, place);
  assert.ok(retry.position !== null && retry.position > head, place);
  assert.equal(await eventsWithKey(observer, key), 1, place);
}

test('after all of this the ledger is sound', () => assertLedgerIsSound(observer));
