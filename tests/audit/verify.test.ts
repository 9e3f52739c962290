/** A ledger that is as it has to be is said to be so, however it is looked at; and what was signed of it is held against it. */
import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import {
  CheckpointError,
  openCheckpoint,
  signCheckpoint,
  type Checkpoint,
} from '../../src/audit/sealed/checkpoint.ts';
import { rotateKey } from '../../src/audit/sealed/change-signer.ts';
import { vkeyOf } from '../../src/audit/sealed/note.ts';
import { seal } from '../../src/audit/sealed/seal.ts';
import type { Verdict } from '../../src/audit/fold/verdict.ts';
import { createTestDatabase, dropOnceFree } from '../support/database.ts';
import { createAsset, registerUser, startService, type Service } from '../support/service.ts';
import { LEDGER_ID } from '../support/write-side.ts';
import { openFilledLedger, verifyAll, type Copy, type FilledLedger } from './filled-ledger.ts';
import { openSealPool } from './sealed-ledger.ts';

const EVENTS = 1_500;
const SEALED_AT = [300, 700, 768, 1_300];

let ledger: FilledLedger;
/** The public keys, as somebody would keep them. */
let vkeys: readonly string[];
let checkpoints: readonly Checkpoint[];

before(async () => {
  ledger = await openFilledLedger({ events: EVENTS, sealedAt: SEALED_AT });
  const pool = openSealPool(ledger.url);
  const { rows } = await pool.query<{ vkey: string }>('select vkey from audit_keys');
  await pool.end();
  vkeys = rows.map(({ vkey }) => vkey);
  checkpoints = ledger.notes.map((note) => openCheckpoint(note, vkeys));
});

after(() => ledger.close());

function assertClean({ findings, findingCount }: Verdict): void {
  assert.deepEqual(findings, []);
  assert.equal(findingCount, 0);
}

const told = ({ findings }: Verdict): (string | null)[][] =>
  findings.map(({ check, position }) => [check, position]);

async function withCopy(sql: string, work: (copy: Copy) => Promise<void>): Promise<void> {
  const copy = await ledger.copy();
  try {
    await copy.superuser.query(sql);
    await work(copy);
  } finally {
    await copy.drop();
  }
}

/** A note like the given one, of another tree, signed with the key of the log. */
async function forge(checkpoint: Checkpoint): Promise<string> {
  const privateKey = createPrivateKey(await readFile(ledger.keyFile, 'utf8'));
  return signCheckpoint({ ...checkpoint, root: Buffer.alloc(32, 7) }, privateKey);
}

const note = (nth: number): string => ledger.notes.at(nth) ?? '';
const checkpoint = (nth: number): Checkpoint => checkpoints.at(nth) as Checkpoint;

describe('A ledger in order', () => {
  for (const threads of [1, 2])
    test(`is found to be so by ${threads} threads, which count what there is`, async () => {
      const verdict = await verifyAll(ledger.url, { threads });
      assertClean(verdict);
      assert.deepEqual([verdict.from, verdict.to, verdict.counted.events], [1n, 1_500n, EVENTS]);
      const pool = openSealPool(ledger.url);
      const { rows } = await pool.query<Record<string, bigint>>(`
select (select count(*) from ledger_entries) as entries, (select count(*) from idempotency_keys) as keys,
       (select count(*) from wallets) as wallets, (select count(*) from events where data::jsonb ? 'reverses') as reversals`);
      await pool.end();
      const { entries, keys } = verdict.counted;
      assert.deepEqual(
        [BigInt(entries), BigInt(keys), BigInt(verdict.wallets)],
        [rows[0]?.['entries'], rows[0]?.['keys'], rows[0]?.['wallets']],
      );
      assert.ok(verdict.counted.reversals > 10 && verdict.counted.holds > 50 && verdict.counted.rows > 400);
      assert.equal(verdict.checkpoints, SEALED_AT.length);
      assert.deepEqual(verdict.checkpoint, { origin: checkpoint(-1).origin, size: 1_300n });
    });

  test('is verified up to its head while its read models are behind, each where it stands', () =>
    withCopy(
      `truncate read.transactions_1, read.wallet_balances_1, read.holds_1, read.asset_activity_1;
       update read.checkpoints set position = 0 where projection <> 'directory'`,
      async (copy) => assertClean(await verifyAll(copy.url)),
    ));

  test('with a read model that has rows, and no checkpoint, is not in order', () =>
    withCopy(`delete from read.checkpoints where projection = 'wallet_balances'`, async (copy) => {
      const verdict = await verifyAll(copy.url);
      assert.equal(verdict.findings[0]?.check, 'read_models');
    }));

  test('with a read model ahead of the log is not in order', () =>
    withCopy(
      `update read.checkpoints set position = 2000 where projection = 'wallet_balances'`,
      async (copy) => assert.deepEqual(told(await verifyAll(copy.url)), [['read_models', null]]),
    ));

  test('may be empty', async () => {
    const database = await createTestDatabase();
    const verdict = await verifyAll(database.url);
    assertClean(verdict);
    assert.deepEqual([verdict.from, verdict.to, verdict.checkpoint], [1n, 0n, null]);
    await assert.rejects(verifyAll(database.url, { since: 'latest' }), CheckpointError);
    await database.drop();
  });

  test('is verified up to where it was, while the service writes on', async () => {
    const database = await createTestDatabase();
    const service = await startService(database);
    try {
      const verdicts = await verifyWhileWritten(database.url, service);
      for (const verdict of verdicts) assertClean(verdict);
      const [first, last] = [verdicts[0]?.to ?? 0n, verdicts.at(-1)?.to ?? 0n];
      assert.ok(first > 0n && last > first, `${first} to ${last}`);
    } finally {
      await service.close();
      await dropOnceFree(database);
    }
  });
});

async function verifyWhileWritten(url: string, service: Service): Promise<Verdict[]> {
  const slug = await createAsset(service);
  const users = await Promise.all(Array.from({ length: 5 }, () => registerUser(service)));
  const verdicts: Verdict[] = [];
  let writing = true;
  async function write(userId: string): Promise<void> {
    while (writing) {
      await service.post('/transactions/topup', { userId, assetSlug: slug, amount: '5' });
      await service.post('/transactions/spend', { userId, assetSlug: slug, amount: '3' });
    }
  }
  async function look(): Promise<void> {
    try {
      for (let round = 0; round < 3; round += 1) verdicts.push(await verifyAll(url, { threads: 2 }));
    } finally {
      writing = false;
    }
  }
  await Promise.all([look(), ...users.map(({ id }) => write(id))]);
  return verdicts;
}

describe('Checkpoints in the database', () => {
  const changed = (sql: string): string => `begin; ${sql}; commit`;

  test('that were changed are found', () =>
    withCopy(
      changed(`
update audit_checkpoints set note = replace(note, '300', '301') where tree_size = 300;
update audit_checkpoints set root_hash = sha256('x') where tree_size = 700;
update audit_checkpoints set tree_size = 1299 where tree_size = 1300`),
      async (copy) =>
        assert.deepEqual(told(await verifyAll(copy.url)), [
          ['checkpoints', '300'],
          ['checkpoints', '700'],
          ['checkpoints', '1299'],
        ]),
    ));

  test('of another tree are found, though the key of the log has signed them', async () => {
    const { size, root } = openCheckpoint(await forge(checkpoint(1)), vkeys);
    await withCopy('select 1', async (copy) => {
      await copy.superuser.query(
        'update audit_checkpoints set note = $1, root_hash = $2 where tree_size = $3',
        [await forge(checkpoint(1)), root, size.toString()],
      );
      assert.deepEqual(told(await verifyAll(copy.url)), [['checkpoints', '700']]);
    });
  });

  test('beyond the head are found', () =>
    withCopy(
      `insert into audit_checkpoints select 1, incarnation, 2000, origin, root_hash, note, sealed_at, 1300, 300 from audit_checkpoints where tree_size = 300`,
      async (copy) => assert.deepEqual(told(await verifyAll(copy.url)), [['sealed', null]]),
    ));

  test('whose key is gone are found', () =>
    withCopy('delete from audit_keys', async (copy) =>
      assert.deepEqual(
        told(await verifyAll(copy.url)),
        SEALED_AT.map((size) => ['checkpoints', size.toString()]),
      ),
    ));

  test('that an older key has signed are as good', () =>
    withCopy('select 1', async (copy) => {
      const pool = openSealPool(copy.url);
      const keyFile = `${ledger.directory}/rotated.pem`;
      await writeFile(keyFile, await readFile(ledger.keyFile), { mode: 0o600 });
      await rotateKey(pool, LEDGER_ID, keyFile);
      await seal(pool, { ledgerId: LEDGER_ID, keyFile });
      await pool.end();
      const verdict = await verifyAll(copy.url);
      assertClean(verdict);
      assert.equal(verdict.checkpoint?.size, 1_500n);
    }));

  test('stand beside nodes of the tree, of which one that was changed is found', async () => {
    await withCopy(`update audit_nodes set hash = sha256('x') where index = 2`, async (copy) =>
      assert.deepEqual(told(await verifyAll(copy.url)), [['sealed', '513']]),
    );
  });
});

describe('A checkpoint that was kept', () => {
  test('and is of the log, is counted', async () => {
    const verdict = await verifyAll(ledger.url, { kept: [note(0), note(2)] });
    assertClean(verdict);
    assert.equal(verdict.checkpoints, SEALED_AT.length + 2);
  });

  test('of another tree is found, whatever the database says', async () => {
    const kept = [await forge(checkpoint(0)), await forge({ ...checkpoint(0), size: 999n })];
    assert.deepEqual(told(await verifyAll(ledger.url, { kept })), [
      ['checkpoints', '300'],
      ['checkpoints', '999'],
    ]);
  });

  test('of more events than there are is found', async () => {
    const kept = [await forge({ ...checkpoint(0), size: 2_000n })];
    assert.deepEqual(told(await verifyAll(ledger.url, { kept })), [['checkpoints', '2000']]);
  });

  test('cannot be used where nobody has signed it', async () => {
    for (const kept of ['', 'a note', note(0).replace('300', '400')])
      await assert.rejects(verifyAll(ledger.url, { kept: [kept] }), CheckpointError);
  });
});

describe('Trusted keys', () => {
  test('stand for those of the database', async () =>
    assertClean(await verifyAll(ledger.url, { trusted: vkeys, kept: [note(0)] })));

  test('that have not signed, make every checkpoint a finding', async () => {
    const [name = ''] = (vkeys[0] ?? '').split('+');
    const trusted = [vkeyOf(name, generateKeyPairSync('ed25519').publicKey)];
    assert.deepEqual(
      told(await verifyAll(ledger.url, { trusted })),
      SEALED_AT.map((size) => ['checkpoints', size.toString()]),
    );
    await assert.rejects(verifyAll(ledger.url, { trusted, since: 'latest' }), CheckpointError);
  });
});

describe('From a checkpoint on', () => {
  for (const [nth, size] of SEALED_AT.entries())
    test(`of ${size} events, a ledger in order is found to be so`, async () => {
      const verdict = await verifyAll(ledger.url, { since: { note: note(nth) } });
      assertClean(verdict);
      assert.deepEqual(
        [verdict.from, verdict.counted.events, verdict.checkpoint?.size],
        [BigInt(size) + 1n, EVENTS - size, 1_300n],
      );
    });

  test('the latest one is taken', async () => {
    const verdict = await verifyAll(ledger.url, { since: 'latest', threads: 2 });
    assertClean(verdict);
    assert.equal(verdict.from, 1_301n);
  });

  test('what was forged after it is found', () =>
    withCopy(
      `update ledger_entries set amount = amount + 1 where position = (
         select max(position) from events where type = 'transaction.posted');
       update wallets set balance = balance + 1
        where id = (select (data #>> '{postings,0,to,walletId}')::uuid from events where type = 'transaction.posted'
                     order by position desc limit 1)`,
      async (copy) => {
        const { findings } = await verifyAll(copy.url, { since: 'latest' });
        const checks = new Set(findings.map(({ check }) => check));
        assert.deepEqual([...checks].sort(), ['entries', 'wallets', 'zero_sum']);
      },
    ));

  test('a log that is not the one that was signed is told, and then verified from the beginning', () =>
    withCopy(`update events set actor = 'nobody' where position = 1299`, async (copy) => {
      const verdict = await verifyAll(copy.url, { since: 'latest' });
      assert.deepEqual(told(verdict), [
        ['checkpoints', '1300'],
        ['checkpoints', '1300'],
      ]);
      assert.equal(verdict.from, 1n);
    }));

  test('a checkpoint of another tree is told', async () => {
    const since = { note: await forge(checkpoint(1)) };
    assert.deepEqual(told(await verifyAll(ledger.url, { since })), [['checkpoints', '700']]);
  });

  test('a log that ends before it is told', () =>
    withCopy('update ledgers set head_position = 1000', async (copy) => {
      const found = told(await verifyAll(copy.url, { since: 'latest' }));
      assert.ok(found.some(([check, position]) => check === 'positions' && position === '1001'));
      assert.ok(found.some(([check]) => check === 'sealed'));
    }));

  test('checkpoints kept of its size are held against it, and earlier ones are refused', async () => {
    const since = { note: note(1) };
    assertClean(await verifyAll(ledger.url, { since, kept: [note(1), note(2)] }));
    const forged = [await forge(checkpoint(1))];
    assert.deepEqual(told(await verifyAll(ledger.url, { since, kept: forged })), [['checkpoints', '700']]);
    await assert.rejects(verifyAll(ledger.url, { since, kept: [note(0)] }), CheckpointError);
  });
});
