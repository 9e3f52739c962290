/** The log as files: every balance can be rebuilt from them without the database. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ExportError } from '../../src/audit/export/manifest.ts';
import type { Replayed } from '../../src/audit/export/replay.ts';
import { CheckpointError } from '../../src/audit/sealed/checkpoint.ts';
import { LEDGER_ID } from '../support/write-side.ts';
import { changeManifest, EVENTS, openExports, replayOf } from './exports.ts';

const exports = openExports();

/** Balances as the service has them in its history at a position. */
async function balancesAt(position: bigint): Promise<string[]> {
  const { rows } = await exports().pool.query<{ line: string }>(
    `select concat_ws(' ', o.data ->> 'walletId', coalesce(e.balance_after, 0), coalesce(e.held_after, 0)) as line
       from events o
       left join lateral (
             select balance_after, held_after from ledger_entries
              where wallet_id = (o.data ->> 'walletId')::uuid and position <= $1::bigint
              order by position desc, leg desc limit 1) e on true
      where o.type = 'wallet.opened' and o.position <= $1::bigint order by 1`,
    [position],
  );
  return rows.map(({ line }) => line);
}

const balancesOf = ({ wallets }: Replayed): string[] =>
  wallets.map(({ walletId, balance, held }) => `${walletId} ${balance} ${held}`).sort();

describe('A replay', () => {
  for (const threads of [1, 2])
    test(`by ${threads} threads gives the balances of the service, and finds nothing wrong`, async () => {
      const replayed = await replayOf(exports().whole, { threads });
      assert.deepEqual(replayed.verdict.findings, []);
      assert.deepEqual(
        [replayed.verdict.counted.events, replayed.verdict.checkpoints, replayed.verdict.checkpoint?.size],
        [EVENTS, 3, 1_300n],
      );
      const { rows } = await exports().pool.query<{ line: string }>(
        `select concat_ws(' ', id, balance, held) as line from wallets order by 1`,
      );
      assert.deepEqual(
        balancesOf(replayed),
        rows.map(({ line }) => line),
      );
    });

  test('as of a position gives the balances of then, at both ends and where segments meet', async () => {
    for (const position of [1n, 256n, 257n, 1_500n]) {
      const replayed = await replayOf(exports().whole, { asOf: { position, time: null } });
      assert.deepEqual(replayed.verdict.findings, []);
      assert.deepEqual(balancesOf(replayed), await balancesAt(position), position.toString());
    }
    for (const position of [0n, 1_501n])
      await assert.rejects(replayOf(exports().whole, { asOf: { position, time: null } }), ExportError);
  });

  test('as of a time gives what was recorded by then, to the millisecond', async () => {
    const { rows } = await exports().pool.query<{ recorded_at: string }>(
      'select recorded_at from events where position = 600',
    );
    const at = Date.parse(rows[0]?.recorded_at ?? '');
    for (const ms of [at - 1, at]) {
      const time = new Date(ms).toISOString();
      const found = await exports().pool.query<{ position: bigint }>(
        'select last_position_at($1, $2) as position',
        [LEDGER_ID, time],
      );
      const replayed = await replayOf(exports().whole, { asOf: { position: null, time } });
      assert.deepEqual(balancesOf(replayed), await balancesAt(found.rows[0]?.position ?? 0n), time);
    }
    const early = await replayOf(exports().whole, {
      asOf: { position: null, time: '2000-01-01T00:00:00.000Z' },
    });
    assert.deepEqual([early.wallets, early.verdict.findings], [[], []]);
  });

  test('of a part of the log starts from how wallets stood before it', async () => {
    for (const [from, to] of [
      [301n, 1_500n],
      [650n, 1_400n],
      [701n, 701n],
    ] as const) {
      const directory = join(exports().root, `part-${from}`);
      await exports().to(directory, { from, to });
      const replayed = await replayOf(directory, { threads: 2 });
      assert.deepEqual(replayed.verdict.findings, [], from.toString());
      assert.deepEqual(balancesOf(replayed), await balancesAt(to));
    }
    // The checkpoint that it begins at counts too.
    assert.equal((await replayOf(join(exports().root, 'part-301'))).verdict.checkpoints, 3);
    const asOf = { position: null, time: '2000-01-01T00:00:00.000Z' };
    await assert.rejects(replayOf(join(exports().root, 'part-650'), { asOf }), ExportError);
    await assert.rejects(
      replayOf(join(exports().root, 'part-650'), { kept: [exports().ledger.notes[0] ?? ''] }),
      CheckpointError,
    );
  });

  test('holds the export against a checkpoint that was kept', async () => {
    const { verdict } = await replayOf(exports().whole, { kept: [exports().ledger.notes[1] ?? ''] });
    assert.equal(verdict.findingCount, 0);
    const short = join(exports().root, 'short');
    await exports().to(short, { to: 1_000n });
    const cut = await replayOf(short, { kept: [exports().ledger.notes[2] ?? ''] });
    assert.deepEqual(
      cut.verdict.findings.map(({ check, position }) => [check, position]),
      [['checkpoints', '1300']],
    );
  });

  test('is refused where there is no export, or none that has ended', async () => {
    await assert.rejects(replayOf(join(exports().root, 'nowhere')), ExportError);
    const directory = await exports().copyOfWhole();
    await changeManifest(directory, (manifest) => ({ ...manifest, complete: false }));
    await assert.rejects(replayOf(directory), ExportError);
  });
});
