/** Overdrafts, limits and their counters, held by an auditor against the log; and what a superuser did to them. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { CheckName } from '../../src/audit/fold/finding.ts';
import { exportLog } from '../../src/audit/export/export.ts';
import { replay } from '../../src/audit/export/replay.ts';
import { projections } from '../../src/projections/catalog.ts';
import { catchUp, ensureCheckpoints } from '../../src/projections/catch-up.ts';
import { LEDGER_ID, bodyOf, newAsset, newUser, openWritePool } from '../support/write-side.ts';
import { openSealedLedger, type SealedLedger } from './sealed-ledger.ts';
import { verifyAll } from './filled-ledger.ts';

let ledger: SealedLedger;
let assetSlug: string;
let rich: string;
let poor: string;
let plain: string;
/** Positions of what is forged below. */
const at: Record<string, bigint> = {};
let sealedNote: string;

// oxlint-disable-next-line typescript/no-explicit-any -- bodies of all shapes
async function done(command: Parameters<SealedLedger['side']['submit']>[0], name = 'last'): Promise<any> {
  const answer = await ledger.side.submit(command);
  at[name] = answer.position!;
  return bodyOf(answer);
}

async function walletOf(userId: string): Promise<string> {
  const { rows } = await ledger.pool.query<{ id: string }>('select id from wallets where owner = $1', [
    userId,
  ]);
  return rows[0]!.id;
}

before(async () => {
  ledger = await openSealedLedger();
  assetSlug = await newAsset(ledger.side);
  const funds = { assetSlug, amount: '100' };
  const users = [await newUser(ledger.side, funds), await newUser(ledger.side, funds)] as const;
  const third = await newUser(ledger.side, { assetSlug: await newAsset(ledger.side), amount: '100' });
  [rich, poor, plain] = [await walletOf(users[0]), await walletOf(users[1]), await walletOf(third)];
  const money = { userId: users[0], assetSlug };
  await done({ kind: 'wallet.overdraft', walletId: poor, limit: '50' }, 'overdraft');
  await done({ kind: 'spend', userId: users[1], assetSlug, amount: '120' }, 'below zero');
  await done({ kind: 'wallet.limits', walletId: rich, day: '60', month: '500' }, 'limits');
  await done({ kind: 'spend', ...money, amount: '20' }, 'spend');
  const released = await done({ kind: 'hold', ...money, amount: '15' }, 'hold');
  await done({ kind: 'wallet.overdraft', walletId: poor, limit: '10' }, 'lowered');
  sealedNote = (await ledger.seal())!.note;
  await done({ kind: 'topup', userId: users[1], assetSlug, amount: '15' });
  await done({ kind: 'release', holdId: released.holdId }, 'release');
  await done({ kind: 'asset.limits', slug: assetSlug, week: '45', perTransaction: '40' }, 'asset limits');
  await done(
    { kind: 'transfer', fromUserId: users[0], toUserId: users[1], assetSlug, amount: '35' },
    'transfer',
  );
  const captured = await done({ kind: 'hold', ...money, amount: '5' });
  await done({ kind: 'capture', holdId: captured.holdId, amount: '2', final: true });
  await done({ kind: 'topup', userId: users[1], assetSlug, amount: '15' });
  await done({ kind: 'spend', userId: users[1], assetSlug, amount: '40' });
  const pool = openWritePool(ledger.database.url);
  await ensureCheckpoints(pool, projections);
  await catchUp(pool, LEDGER_ID, projections);
  await pool.end();
});

after(async () => {
  await rm(join(ledger.directory, 'export'), { recursive: true, force: true });
  await ledger.close();
});

/** The table is put back as it was. */
async function findingsWhile(table: 'wallets' | 'assets' | 'events', spoil: string) {
  const { superuser, database } = ledger;
  await superuser.query(`create table kept as select * from ${table}`);
  try {
    const { rowCount } = await superuser.query(spoil);
    assert.ok(rowCount! > 0, `nothing was spoiled by ${spoil}`);
    return (await verifyAll(database.url)).findings;
  } finally {
    await superuser.query(`delete from ${table}; insert into ${table} select * from kept; drop table kept`);
  }
}

const setData = (path: string, value: string | null, name: string): string =>
  `
update events
   set data = ${value === null ? `data::jsonb #- '${path}'` : `jsonb_set(data::jsonb, '${path}', '${value}')`}
 where position = ${at[name]}`.replace(/set data = (.*)\n/, 'set data = ($1)::json\n');

async function assertFound(
  table: 'wallets' | 'assets' | 'events',
  spoil: string,
  expected: { check: CheckName; position?: bigint | undefined; walletId?: string },
): Promise<void> {
  const findings = await findingsWhile(table, spoil);
  const { check, position, walletId } = expected;
  const found = findings.some(
    (finding) =>
      finding.check === check &&
      (position === undefined || finding.position === position.toString()) &&
      (walletId === undefined || finding.walletId === walletId),
  );
  assert.ok(found, JSON.stringify(findings, null, 1));
}

describe('A ledger with overdrafts and limits', () => {
  test('is found in order', async () => {
    const { findings, to } = await verifyAll(ledger.database.url);
    assert.deepEqual(findings, []);
    assert.equal(to, await ledger.head());
  });

  test('is found in order from a checkpoint on, in the middle of what was spent', async () => {
    const since = { note: sealedNote };
    const { findings, from } = await verifyAll(ledger.database.url, { since });
    assert.deepEqual(findings, []);
    assert.ok(from > at['overdraft']!);
  });

  for (const from of [null, 'lowered'] as const) {
    test(`is replayed from an export of ${from === null ? 'all' : 'a part'}, without the database`, async () => {
      const directory = join(ledger.directory, 'export', from ?? 'all');
      await exportLog({
        ...{ url: ledger.database.url, ledger: { id: LEDGER_ID, slug: 'main' }, directory },
        ...{ from: from === null ? null : at[from]! + 1n, to: null, segmentEvents: 256n },
        onProgress: () => undefined,
      });
      const { verdict, wallets } = await replay({
        ...{ directory, asOf: { position: null, time: null }, trusted: [], kept: [], threads: 1 },
        onProgress: () => undefined,
      });
      assert.deepEqual(verdict.findings, []);
      assert.equal(wallets.find(({ walletId }) => walletId === poor)?.limit, -10n);
    });
  }
});

describe('What a superuser did is found:', () => {
  const row = (id: () => string, set: string) => () => `update wallets set ${set} where id = '${id()}'`;
  const wallets: [string, () => string, () => string][] = [
    [
      // Two spends, and what was captured of a hold.
      'a counter that was lowered',
      row(() => rich, `limits = replace(limits::text, '"57"]', '"1"]')::json`),
      () => rich,
    ],
    [
      'a limit that was raised',
      row(() => rich, `limits = replace(limits::text, '"60"', '"90"')::json`),
      () => rich,
    ],
    ['limits that were taken away', row(() => rich, 'limits = null'), () => rich],
    [
      'an overdraft that was raised in the row',
      row(() => poor, `limits = replace(limits::text, '"overdraft":"10"', '"overdraft":"99"')::json`),
      () => poor,
    ],
    ['a floor that was lowered with it', row(() => poor, 'floor = -99'), () => poor],
    [
      'limits of a wallet that was given none',
      row(
        () => plain,
        `limits = '{"counted":{"day":[],"month":[],"week":[]},"limits":{"day":null,"month":null,"perTransaction":null,"week":null},"overdraft":"0"}'`,
      ),
      () => plain,
    ],
  ];
  for (const [what, spoil, walletId] of wallets) {
    test(what, async () => {
      await assertFound('wallets', spoil(), { check: 'wallets', walletId: walletId() });
    });
  }

  test('limits of an asset that were lifted', () =>
    assertFound(
      'assets',
      `update assets set limits = replace(limits::text, '"45"', '"450"')::json where limits is not null`,
      { check: 'wallets' },
    ));

  test('a spend beyond the limit of its wallet', () =>
    assertFound('events', setData('{limits,day}', '"19"', 'limits'), {
      ...{ check: 'limits', position: at['spend'], walletId: rich },
    }));

  test('a spend beyond the limit of its asset', () =>
    assertFound('events', setData('{limits,perTransaction}', '"34"', 'asset limits'), {
      ...{ check: 'limits', position: at['transfer'], walletId: rich },
    }));

  test('a hold that was not counted', () =>
    assertFound('events', setData('{hold,counted}', null, 'hold'), {
      ...{ check: 'limits', position: at['hold'], walletId: rich },
    }));

  test('a hold that gives back elsewhere than it was counted', () =>
    assertFound('events', setData('{hold,counted,windows}', '["week"]', 'release'), {
      ...{ check: 'holds', position: at['release'], walletId: rich },
    }));

  test('a wallet that was taken below its overdraft', () =>
    assertFound('events', setData('{overdraft}', '"19"', 'overdraft'), {
      ...{ check: 'floors', position: at['below zero'], walletId: poor },
    }));

  test('limits that the log knows and the row does not', async () => {
    const query = `update wallets set limits = null where id = '${poor}'`;
    await assertFound('wallets', query, { check: 'wallets', walletId: poor });
  });
});
