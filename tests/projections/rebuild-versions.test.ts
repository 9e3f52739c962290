/** A program of another version, and what pooled connections notice of a swap. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createPool } from '../../src/db/pool.ts';
import { catchUp } from '../../src/projections/catch-up.ts';
import { projections } from '../../src/projections/catalog.ts';
import type { Projection } from '../../src/projections/projection.ts';
import { outdatedProjections, requestRebuild } from '../../src/projections/rebuild/request.ts';
import { walletBalances } from '../../src/projections/wallet-balances.ts';
import { createAsset, registerUser, startService } from '../support/service.ts';
import { until } from '../support/until.ts';
import { accepted, openReadSide, type ReadSide } from './read-side.ts';
import { liveGeneration, outcomes, rebuild, seen, step, stepUntilIdle } from './rebuilding.ts';

let side: ReadSide;
let money: { userId: string; assetSlug: string; amount: string };

before(async () => {
  side = await openReadSide();
  const { id: userId } = await registerUser(side.service);
  money = { userId, assetSlug: await createAsset(side.service), amount: '10' };
  await topUp();
  for (const projection of projections) await side.catchUp(projection);
});

after(() => side.close());

async function topUp(): Promise<void> {
  accepted(await side.service.post('/transactions/topup', money));
}

const newer: Projection = { ...walletBalances, version: walletBalances.version + 1 };

async function positions(): Promise<Map<number, bigint>> {
  const rows = await side.rows(
    `select generation, position from read.checkpoints where ledger_id = $1 and projection = 'wallet_balances'`,
  );
  return new Map(rows.map(({ generation, position }) => [generation, position]));
}

describe('A program of a newer version', () => {
  test('knows what it has to rebuild, and an older one knows that this is not its business', async () => {
    assert.deepEqual(await outdatedProjections(side.pool, projections), []);
    assert.deepEqual(await outdatedProjections(side.pool, [newer]), [newer]);
    assert.deepEqual(await outdatedProjections(side.pool, [{ ...walletBalances, version: 0 }]), []);
  });

  test("builds beside what the older one goes on to move, and neither touches what is the other one's", async () => {
    const [requested] = await requestRebuild(side.pool, [newer], { dryRun: false });
    assert.equal(await step(side, projections), 'idle', 'the older program takes no part of it');
    await until('it follows', async () => {
      await step(side, [newer]);
      return (await outcomes(side, [requested!]))[0]?.state === 'following';
    });
    const [older, next] = [await liveGeneration(side, walletBalances), requested!.generation];
    await topUp();
    const head = await side.head();
    await catchUp(side.pool, side.ledgerId, [newer]);
    assert.deepEqual(
      await positions(),
      new Map([
        [older, head - 1n],
        [next, head],
      ]),
    );
    await catchUp(side.pool, side.ledgerId, [walletBalances]);
    assert.deepEqual(
      await positions(),
      new Map([
        [older, head],
        [next, head],
      ]),
    );
    const before = await seen(side, walletBalances);
    await stepUntilIdle(side, [newer]);
    assert.equal(await liveGeneration(side, walletBalances), next);
    assert.deepEqual(await seen(side, walletBalances), before);
    assert.deepEqual(await outdatedProjections(side.pool, projections), []);
  });

  test('may bring columns of its own: the view gets them with the swap', async () => {
    const owner = await side.database.connect();
    await owner.query(`alter table read.wallet_balances_0 add column note text default 'n'`);
    await owner.query('alter table read.wallet_balances_0 drop column is_system');
    await owner.end();
    const changed: Projection = {
      ...walletBalances,
      version: newer.version + 1,
      build: {
        async part(tx, { ledgerId, generation, to }) {
          await tx.query({
            text: `insert into read.wallet_balances_${generation} (ledger_id, wallet_id, owner, asset_id, balance, held, position)
              select ledger_id, id, owner, asset_id, balance, held, $2::bigint from wallets where ledger_id = $1::integer`,
            values: [ledgerId, to],
          });
        },
      },
      apply: () => Promise.resolve(),
    };
    const [ended] = await rebuild(side, [changed]);
    assert.equal(ended?.state, 'live', ended?.error ?? '');
    const [row] = await side.rows('select * from read.wallet_balances where ledger_id = $1 limit 1');
    assert.equal(row?.['note'], 'n');
    assert.equal('is_system' in row, false);
  });
});

describe('A worker that starts', () => {
  test('rebuilds by itself what an earlier program left, and it is live when it is done', async () => {
    const other = await openReadSide();
    try {
      for (const projection of projections) await other.catchUp(projection);
      await other.rows('update read.generations set version = 0 where $1 > 0');
      await other.rows('update read.checkpoints set version = 0 where $1 > 0');
      const { id: userId } = await registerUser(other.service);
      const service = await startService(other.database);
      try {
        await until('all are of this version', async () => {
          const { body } = await service.get('/projections');
          const statuses: { version: number; state: string; rebuild: unknown }[] = body.data;
          return statuses.every(
            (each) => each.version === 1 && each.state === 'live' && each.rebuild === null,
          );
        });
        assert.equal((await service.get(`/users/${userId}`)).status, 200);
        for (const projection of projections) assert.equal(await liveGeneration(other, projection), 2);
      } finally {
        await service.close();
      }
    } finally {
      await other.close();
    }
  });
});

describe('A pooled connection', () => {
  test('goes on with statements that it prepared before the swap, and reads the new tables', async () => {
    const directory = projections.find(({ name }) => name === 'directory')!;
    const pool = createPool({
      ...{
        url: side.database.url,
        name: 'test',
        max: 1,
        connectTimeoutMs: 5_000,
        statementTimeoutMs: 10_000,
      },
      ...{ lockTimeoutMs: 10_000, idleInTransactionTimeoutMs: 10_000, onIdleError: () => undefined },
    });
    try {
      const read = async (): Promise<[number, unknown[]]> => {
        const { rows } = await pool.query({ name: 'prepared', text: 'select * from read.users order by id' });
        const { rows: session } = await pool.query('select pg_backend_pid() as pid');
        return [session[0].pid, rows];
      };
      const before = await read();
      for (let round = 0; round < 3; round += 1) {
        const old = await liveGeneration(side, directory);
        await rebuild(side, [directory]);
        assert.deepEqual(await read(), before);
        await side.rows(`delete from read.users_${old} where ledger_id = $1`);
        assert.deepEqual(await read(), before, 'what happens to the old table is not seen any more');
      }
    } finally {
      await pool.end();
    }
  });
});
