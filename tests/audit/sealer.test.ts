/** The log is sealed by itself: by jobs, without them, in whichever process has the key, and said so where it cannot be. */
import assert from 'node:assert/strict';
import { chmod, readFile } from 'node:fs/promises';
import { after, afterEach, before, describe, test } from 'node:test';
import { pino, type Logger } from 'pino';
import { openCheckpoint } from '../../src/audit/sealed/checkpoint.ts';
import { rotateKey } from '../../src/audit/sealed/change-signer.ts';
import { lastSignedFile } from '../../src/audit/sealed/last-signed.ts';
import { startSealer, type SealerDeps } from '../../src/audit/sealed/sealer.ts';
import type { Recurring } from '../../src/recurring.ts';
import { LEDGER_ID } from '../support/write-side.ts';
import { until } from '../support/until.ts';
import { openSealedLedger, type SealedLedger } from './sealed-ledger.ts';

let ledger: SealedLedger;
const started: Recurring[] = [];

before(async () => {
  ledger = await openSealedLedger();
});

afterEach(async () => {
  for (const sealer of started.splice(0)) await sealer.close();
});

after(() => ledger.close());

function start(deps: Partial<SealerDeps> = {}): Recurring {
  const sealer = startSealer({
    ...{ pool: ledger.pool, ledgerId: LEDGER_ID, keyFile: ledger.keyFile },
    wake: () => new Promise(() => undefined),
    onRefused: () => undefined,
    log: pino({ level: 'silent' }),
    ...deps,
  });
  started.push(sealer);
  return sealer;
}

/** Lines of a log as they come. */
function recorder(): { log: Logger; lines: { level: number; reason?: string; msg: string }[] } {
  const lines: { level: number; reason?: string; msg: string }[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { log, lines };
}

async function unsealed(): Promise<bigint> {
  const latest = await ledger.audit.checkpoint();
  return latest === null ? ledger.head() : BigInt(latest.unsealedEvents);
}

async function checkpoints(): Promise<number> {
  const { rows } = await ledger.pool.query<{ count: number }>(
    'select count(*)::integer as count from audit_checkpoints',
  );
  return rows[0]!.count;
}

const untilSealed = (): Promise<true> =>
  until('all is sealed', async () => (await unsealed()) === 0n || undefined);

test('asks for a job first, and seals by itself when none came', async () => {
  const asked: bigint[] = [];
  start({
    wake: async () => {
      asked.push(await unsealed());
      throw new Error('no queue');
    },
  });
  await ledger.write(5);
  await untilSealed();
  assert.equal(asked.length, 1);
  assert.notEqual(asked[0], 0n);
});

test('does so where the queue does not even answer, and keeps the checkpoint beside the key', async () => {
  start();
  await ledger.write(5);
  await untilSealed();
  const latest = await ledger.audit.checkpoint();
  await until('the checkpoint is kept', async () => {
    return (await readFile(lastSignedFile(ledger.keyFile), 'utf8')) === latest?.note;
  });
});

test('seals once where it is asked twice at once, and signs nothing where nothing is new', async () => {
  const sealer = start();
  await ledger.write(5);
  const count = await checkpoints();
  await Promise.all([sealer.run(), sealer.run()]);
  await sealer.run();
  assert.equal(await checkpoints(), count + 1);
});

test('seals a long log in several checkpoints, one after the other', async () => {
  // More than one checkpoint takes; rows as a superuser can write them.
  const head = await ledger.head();
  const more = 70_000n;
  await ledger.superuser.query(
    `insert into events (ledger_id, position, id, type, version, actor, data, occurred_at, recorded_at)
     select 1, $1::bigint + n, gen_random_uuid(), 'any', 1, 'test', '{}', now(), now()
       from generate_series(1, $2::bigint) as n`,
    [head, more],
  );
  await ledger.superuser.query('update ledgers set head_position = $1', [head + more]);
  const count = await checkpoints();
  const sealer = start();
  await sealer.run();
  assert.equal(await unsealed(), 0n);
  assert.equal(await checkpoints(), count + 2);
  const { rows } = await ledger.pool.query<{ level: number; index: bigint }>(
    'select level, index from audit_nodes where level > 8',
  );
  assert.deepEqual(rows, [{ level: 16, index: 0n }]);
  const last = await ledger.head();
  for (const position of [1n, 65_536n, 65_537n, last]) {
    await ledger.audit.inclusion({ position, treeSize: undefined });
    await ledger.audit.consistency({ from: position, to: undefined });
  }
});

test('takes a rotated key up at its next checkpoint', async () => {
  start();
  const vkey = await rotateKey(ledger.pool, LEDGER_ID, ledger.keyFile);
  await append();
  await untilSealed();
  const latest = await ledger.audit.checkpoint();
  assert.ok(latest);
  assert.equal(openCheckpoint(latest.note, [vkey]).size, await ledger.head());
});

/** An event past the write side, whose entries no longer follow the log. */
async function append(): Promise<void> {
  await ledger.superuser.query(`
insert into events (ledger_id, position, id, type, version, actor, data, occurred_at, recorded_at)
select 1, head_position + 1, gen_random_uuid(), 'any', 1, 'test', '{}', now(), now() from ledgers;
update ledgers set head_position = head_position + 1`);
}

describe('What stands in the way is logged once, counted each time, and left behind once it is gone:', () => {
  async function expectRefusal(
    deps: Partial<SealerDeps>,
    level: number,
    reason: RegExp,
    mend: () => Promise<void>,
  ) {
    const { log, lines } = recorder();
    let refused = 0;
    const sealer = start({ ...deps, log, onRefused: () => void (refused += 1) });
    await append();
    await sealer.run();
    await sealer.run();
    assert.equal(refused, 2);
    assert.equal(lines.length, 1);
    assert.equal(lines[0]!.level, level);
    assert.match(lines[0]!.reason!, reason);
    assert.equal(await unsealed(), 1n);
    await mend();
    await sealer.run();
    assert.equal(await unsealed(), 0n);
    assert.equal(lines[1]?.msg, 'sealing goes on');
  }

  test('a key file that others may read', async () => {
    await chmod(ledger.keyFile, 0o644);
    await expectRefusal({}, 40, /readable or writable by others/, () => chmod(ledger.keyFile, 0o600));
  });

  test('a log that was changed', async () => {
    const { rows } = await ledger.superuser.query(`
select position, actor from events order by position desc limit 1`);
    const { position } = rows[0] as { position: string };
    await ledger.superuser.query("update events set actor = 'forger' where position = $1", [position]);
    await expectRefusal({}, 50, /the log was changed/, async () => {
      await ledger.superuser.query("update events set actor = 'test' where position = $1", [position]);
    });
  });
});
