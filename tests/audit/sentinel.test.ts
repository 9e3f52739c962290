/** The drift sentinel finds what differs from the log while the service runs, says so, and takes it back when it is mended. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { pino } from 'pino';
import { readDrift, recordLook } from '../../src/audit/drift/drift-log.ts';
import type { Finding } from '../../src/audit/fold/finding.ts';
import { lookOnce, startSentinel } from '../../src/audit/drift/sentinel.ts';
import { inTransaction } from '../../src/db/pool.ts';
import type { Recurring } from '../../src/recurring.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createAsset, registerUser, startService, type Service } from '../support/service.ts';
import { until } from '../support/until.ts';
import { LEDGER_ID } from '../support/write-side.ts';
import { openSealedLedger, type SealedLedger } from './sealed-ledger.ts';

describe('The drift sentinel', () => {
  let ledger: SealedLedger;
  const started: Recurring[] = [];

  before(async () => {
    ledger = await openSealedLedger();
    await ledger.write(300);
  });

  afterEach(async () => {
    for (const sentinel of started.splice(0)) await sentinel.close();
  });

  after(() => ledger.close());

  const look = () => inTransaction(ledger.pool, (tx) => lookOnce(tx, LEDGER_ID));

  async function lookAtAll(): Promise<void> {
    const head = await ledger.head();
    for (let at = 0n; at < head;) {
      const looked = await look();
      assert.ok(looked !== null);
      at = looked.to === head ? head : looked.to;
    }
  }

  const drift = () => readDrift(ledger.pool, LEDGER_ID);

  /** The same change, made and taken back. */
  async function spoiled(spoil: string, mend: string, work: () => Promise<void>): Promise<void> {
    await ledger.superuser.query(spoil);
    try {
      await work();
    } finally {
      await ledger.superuser.query(mend);
    }
  }

  test('comes to the head in windows, and then looks at the log another time', async () => {
    const first = await look();
    assert.deepEqual([first?.from, first?.to, first?.isNew], [0n, 128n, true]);
    const second = await look();
    assert.deepEqual([second?.from, second?.to, second?.isNew], [128n, 256n, true]);
    const third = await look();
    assert.deepEqual([third?.from, third?.to, third?.isNew], [256n, await ledger.head(), true]);
    assert.equal((await drift()).verified, await ledger.head());
    const again = await look();
    assert.deepEqual([again?.from, again?.isNew], [0n, false]);
    assert.equal((await drift()).verified, await ledger.head());
    assert.equal((await drift()).count, 0n);
  });

  test('goes on with what is new', async () => {
    await lookAtAll();
    const before = await ledger.head();
    await ledger.write(5);
    const looked = await look();
    assert.deepEqual([looked?.from, looked?.to], [before, await ledger.head()]);
  });

  const differences = {
    'an amount in an event': [
      `update events set data = replace(data::text, '"amount":"1"', '"amount":"2"')::json where position = 100`,
      `update events set data = replace(data::text, '"amount":"2"', '"amount":"1"')::json where position = 100`,
    ],
    'an entry': [
      'update ledger_entries set balance_after = balance_after + 1 where position = 100 and leg = 1',
      'update ledger_entries set balance_after = balance_after - 1 where position = 100 and leg = 1',
    ],
    'the entry before a window': [
      'update ledger_entries set balance_after = balance_after + 1 where position = 256 and leg = 1',
      'update ledger_entries set balance_after = balance_after - 1 where position = 256 and leg = 1',
    ],
    'a wallet head': [
      'update wallets set balance = balance + 1 where not is_system',
      'update wallets set balance = balance - 1 where not is_system',
    ],
    'wallets, one of which is gone': [
      'create table kept_wallet as select * from wallets where not is_system; delete from wallets where not is_system',
      'insert into wallets select * from kept_wallet; drop table kept_wallet',
    ],
    'balances that should have been projected and are not there': [
      `insert into read.checkpoints (ledger_id, projection, generation, version, position) values (${LEDGER_ID}, 'wallet_balances', 1, 1, 200)`,
      `delete from read.checkpoints where projection = 'wallet_balances'`,
    ],
    'a key': [
      'update idempotency_keys set position = position + 1000 where position = 100',
      'update idempotency_keys set position = position - 1000 where position = 1100',
    ],
  } as const;

  for (const [what, [spoil, mend]] of Object.entries(differences)) {
    test(`finds a difference in ${what}, and finds it mended`, async () => {
      await lookAtAll();
      await spoiled(spoil, mend, async () => {
        await until('it is found', async () => {
          await look();
          return (await drift()).count > 0n || undefined;
        });
        const [finding] = (await drift()).findings;
        assert.ok(finding !== undefined && finding.expected !== finding.found);
      });
      await until('it is found mended', async () => {
        await look();
        return (await drift()).count === 0n || undefined;
      });
    });
  }

  test('remembers what it found at a position while it looks at the same wallet elsewhere', async () => {
    await lookAtAll();
    const treasury = `wallet_id in (select id from wallets where is_system) and position in (100, 101, 102)`;
    await spoiled(
      `update ledger_entries set held_after = held_after + 1 where ${treasury}`,
      `update ledger_entries set held_after = held_after - 1 where ${treasury}`,
      async () => {
        await until('it is found', async () => {
          await look();
          return (await drift()).count > 0n || undefined;
        });
        const { count } = await drift();
        const found = await look();
        assert.ok(found !== null && found.from >= 128n, 'the next window is another one');
        assert.equal((await drift()).count, count);
      },
    );
    await until('it is found mended', async () => {
      await look();
      return (await drift()).count === 0n || undefined;
    });
  });

  test('notes what PostgreSQL cannot store', async () => {
    await lookAtAll();
    const verified = await ledger.head();
    const finding: Finding = {
      ...{ check: 'schema', position: '1', walletId: null },
      ...{ expected: 'a reference', found: 'a\u0000b' },
    };
    await inTransaction(ledger.pool, (tx) =>
      recordLook(tx, LEDGER_ID, {
        ...{ from: 0n, to: 1n, walletIds: [], verified, window: verified },
        findings: [finding],
      }),
    );
    assert.deepEqual(
      (await drift()).findings.map(({ found }) => found),
      [String.raw`a\u0000b`],
    );
    await lookAtAll();
    assert.equal((await drift()).count, 0n);
  });

  test('leaves it to the process that looks already', async () => {
    await inTransaction(ledger.pool, async (tx) => {
      assert.notEqual(await lookOnce(tx, LEDGER_ID), null);
      assert.equal(await look(), null);
    });
  });

  test('looks by itself where no job comes, and logs what it finds', async () => {
    const lines: { msg: string; finding?: { check: string } }[] = [];
    const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
    await spoiled(...differences['a wallet head'], async () => {
      const wake = (): Promise<void> => Promise.reject(new Error('no queue'));
      started.push(startSentinel({ pool: ledger.pool, ledgerId: LEDGER_ID, wake, log }));
      await until(
        'it is logged',
        () => lines.some(({ finding }) => finding?.check === 'wallets') || undefined,
      );
    });
  });
});

describe('What the sentinel says', () => {
  let database: TestDatabase;
  let service: Service;

  before(async () => {
    database = await createTestDatabase();
    service = await startService(database);
  });

  after(async () => {
    await service.close();
    await database.drop();
  });

  test('is in GET /projections and in the metrics', async () => {
    const { id: userId } = await registerUser(service);
    const assetSlug = await createAsset(service);
    await service.post('/transactions/topup', { userId, assetSlug, amount: '10' });
    const { body } = await until('all is verified', async () => {
      const answer = await service.get('/projections');
      return answer.body.drift.verifiedPosition === answer.headers['coffer-position'] && answer;
    });
    assert.deepEqual(
      { ...body.drift, verifiedPosition: null, checkedAt: null },
      { ...{ verifiedPosition: null, checkedAt: null }, ...{ findings: '0', latest: [] } },
    );
    const { text: metrics } = await service.get('/metrics');
    assert.match(metrics, /^coffer_verified_position [1-9]/m);
    assert.match(metrics, /^coffer_drift_findings 0$/m);
  });
});
