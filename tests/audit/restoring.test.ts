/**
 * A database that is put back from a backup, or whose last moments a crash has taken: what was signed once is never contradicted by
 * what is signed later, and what is in order goes on by itself.
 */
import assert from 'node:assert/strict';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { after, afterEach, before, describe, test } from 'node:test';
import { pino } from 'pino';
import { rotatedKeyFile } from '../../src/audit/sealed/incarnations.ts';
import { KeyFileError } from '../../src/audit/sealed/key-file.ts';
import { readPublicKeys } from '../../src/audit/sealed/checkpoint-log.ts';
import { openCheckpoint, type Checkpoint } from '../../src/audit/sealed/checkpoint.ts';
import { LogContradictionError } from '../../src/audit/sealed/contradiction.ts';
import { lastSignedFile } from '../../src/audit/sealed/last-signed.ts';
import { prepareSealing } from '../../src/audit/sealed/seal.ts';
import { startSealer } from '../../src/audit/sealed/sealer.ts';
import { LEDGER_ID } from '../support/write-side.ts';
import { verifyAll } from './filled-ledger.ts';
import { openRestorableLedger, SEALED_TABLES, type RestorableLedger } from './restorable-ledger.ts';

let ledger: RestorableLedger;

before(async () => {
  ledger = await openRestorableLedger();
});

afterEach(() => ledger.reset());

after(() => ledger.close());

/** Nothing is signed, and a new key does not change that; what an operator decides does, and the lost checkpoint is named. */
async function assertRefusedUntilDecided(lost: Checkpoint): Promise<void> {
  const { origin } = await ledger.latest();
  for (const attempt of [ledger.seal, ledger.rotate, ledger.seal])
    await assert.rejects(attempt(), (error: Error) => {
      assert.ok(error instanceof LogContradictionError, error.message);
      assert.match(error.message, /older (backup|than)[^]*Run `coffer audit new-incarnation`/);
      return true;
    });
  assert.equal((await ledger.latest()).origin, origin);
  const { succeeds, putAside } = await ledger.begin();
  assert.deepEqual([succeeds?.origin, succeeds?.size, putAside], [lost.origin, lost.size, null]);
  const first = await ledger.sealAndWitness();
  assert.notEqual(first.origin, origin);
  const root = lost.root.toString('base64');
  assert.deepEqual(first.extensions, [`succeeds ${lost.origin} ${lost.size} ${root}`]);
  await ledger.write(2);
  await ledger.sealAndWitness();
  await ledger.rotate();
  await ledger.write(2);
  await ledger.sealAndWitness();
}

for (const key of ['the same key', 'a key that was rotated since'] as const)
  for (const incarnation of ['the same incarnation', 'an incarnation begun since'] as const)
    describe(`With ${key}, and ${incarnation},`, () => {
      async function goOn(): Promise<Checkpoint> {
        await ledger.write(4);
        await ledger.sealAndWitness();
        if (incarnation === 'an incarnation begun since') await ledger.begin();
        if (key === 'a key that was rotated since') await ledger.rotate();
        await ledger.write(4);
        return ledger.sealAndWitness();
      }

      for (const [since, events] of [
        ['nothing', 0],
        ['less than was lost', 3],
        ['just as much', 8],
        ['more than was lost', 300],
      ] as const)
        test(`an older backup into which ${since} was written is not sealed`, async () => {
          await ledger.backUp('older');
          const lost = await goOn();
          await ledger.restore('older');
          if (events === 0) await assertSaidAtStart();
          await ledger.write(events || 1);
          await assertRefusedUntilDecided(lost);
        });

      test('a backup of the very end goes on', async () => {
        await goOn();
        await ledger.backUp('equal');
        await ledger.restore('equal');
        await ledger.write(3);
        await ledger.sealAndWitness();
      });

      test('a backup with the events, but not yet the last checkpoint, is given that checkpoint', async () => {
        await goOn();
        await ledger.write(4);
        await ledger.backUp('unsealed');
        const lost = await ledger.sealAndWitness();
        await ledger.restore('unsealed');
        assert.equal((await ledger.seal())?.more, false);
        assert.deepEqual((await ledger.latest()).root, lost.root);
        await ledger.write(300);
        await ledger.sealAndWitness();
      });
    });

async function assertSaidAtStart(): Promise<void> {
  const lines: { level: number; reason: string }[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  await prepareSealing(ledger.pool, { ledgerId: LEDGER_ID, keyFile: ledger.keyFile }, log);
  assert.deepEqual(
    lines.map(({ level }) => level),
    [50],
  );
  const { count, findings } = await ledger.audit.drift();
  assert.deepEqual([count, findings[0]?.check, findings[0]?.found], [1n, 'sealing', lines[0]?.reason]);
}

describe('A crash', () => {
  test('after the checkpoint was kept, before the database had it, leaves the same checkpoint', async () => {
    await ledger.write(5);
    await ledger.seal();
    const { note } = await ledger.latest();
    await ledger.restore('base', SEALED_TABLES);
    await ledger.write(1);
    assert.deepEqual(await ledger.seal(), { note, more: true });
    assert.equal((await ledger.latest()).note, note);
    await ledger.sealAndWitness();
  });

  test('there, and a rotation before the next checkpoint, leaves it too', async () => {
    await ledger.write(5);
    const kept = await ledger.sealAndWitness();
    await ledger.restore('base', SEALED_TABLES);
    await ledger.rotate();
    await ledger.write(1);
    await ledger.sealAndWitness();
    assert.ok(kept.size < (await ledger.latest()).size);
  });

  test('there, and a restore of what was before, is refused', async () => {
    await ledger.write(5);
    const lost = await ledger.sealAndWitness();
    await ledger.restore('base');
    await ledger.write(6);
    await assertRefusedUntilDecided(lost);
  });

  test('while the key is rotated, before the database knows the new one, leaves the old one', async () => {
    await ledger.backUp('before');
    const vkey = await ledger.rotate();
    await cp(ledger.keyFile, rotatedKeyFile(ledger.keyFile, vkey));
    await ledger.resetKey();
    await ledger.restore('before');
    await ledger.write(1);
    await ledger.sealAndWitness();
    assert.ok(!(await readPublicKeys(ledger.pool, LEDGER_ID)).includes(vkey));
  });

  test('while the key is rotated, once the database knows the new one, leaves the new one', async () => {
    const vkey = await ledger.rotate();
    await cp(ledger.keyFile, rotatedKeyFile(ledger.keyFile, vkey));
    await ledger.resetKey();
    await ledger.write(1);
    await ledger.sealAndWitness();
    const { note } = await ledger.latest();
    assert.equal(openCheckpoint(note, [vkey]).size, await ledger.head());
    await assert.rejects(readFile(rotatedKeyFile(ledger.keyFile, vkey)), { code: 'ENOENT' });
  });

  test('before anything is signed with a rotated key does not hide what was signed before', async () => {
    await ledger.backUp('older');
    await ledger.write(4);
    const lost = await ledger.sealAndWitness();
    await ledger.rotate();
    await ledger.rotate();
    await ledger.restore('older');
    await ledger.write(9);
    await assertRefusedUntilDecided(lost);
  });
});

describe('A new incarnation', () => {
  test('of one that has sealed nothing names what that one named', async () => {
    const last = await ledger.latest();
    const [first, second] = [await ledger.begin(), await ledger.begin()];
    assert.notEqual(first.origin, second.origin);
    for (const { succeeds } of [first, second])
      assert.deepEqual([succeeds?.origin, succeeds?.size], [last.origin, last.size]);
    const { extensions } = await ledger.sealAndWitness();
    assert.match(extensions.join(), new RegExp(`^succeeds ${last.origin} ${last.size} `));
  });

  test('goes on where the checkpoint beside the key is of nobody, which is put aside', async () => {
    await writeFile(lastSignedFile(ledger.keyFile), 'no checkpoint');
    await ledger.write(1);
    for (const attempt of [ledger.seal, ledger.rotate])
      await assert.rejects(attempt(), LogContradictionError);
    const last = await ledger.latest();
    const { putAside, succeeds } = await ledger.begin();
    assert.equal(await readFile(putAside ?? '', 'utf8'), 'no checkpoint');
    assert.equal(succeeds?.size, last.size);
    await ledger.sealAndWitness();
  });

  test('names the checkpoint that is handed in, where it is of the ledger', async () => {
    const { note, origin, size } = await ledger.latest();
    await ledger.begin();
    await ledger.sealAndWitness();
    const { succeeds } = await ledger.begin(note);
    assert.deepEqual([succeeds?.origin, succeeds?.size], [origin, size]);
    await assert.rejects(ledger.begin('no note'), /signed note/);
  });
});

test('A database that was never sealed does not take over the key of another log unasked', async () => {
  for (const table of SEALED_TABLES) await ledger.superuser.query(`delete from ${table}`);
  await assert.rejects(ledger.seal(), /give it a key of its own \(COFFER_AUDIT_KEY_FILE\)/);
  await ledger.begin();
  await ledger.sealAndWitness();
});

test('What cannot be kept beside the key is not signed, and is once it can', async () => {
  const file = lastSignedFile(ledger.keyFile);
  const { size } = await ledger.latest();
  await ledger.write(1);
  await rm(file);
  await mkdir(`${file}.partial`);
  await assert.rejects(ledger.seal(), (error) => error instanceof KeyFileError);
  assert.equal((await ledger.latest()).size, size);
  await rm(`${file}.partial`, { recursive: true });
  await ledger.sealAndWitness();
});

test('Why nothing is signed is shown, and found by a verification, until sealing goes on', async () => {
  const sealer = startSealer({
    ...{ pool: ledger.pool, ledgerId: LEDGER_ID, keyFile: ledger.keyFile, log: pino({ level: 'silent' }) },
    ...{ wake: () => new Promise<void>(() => undefined), onRefused: () => undefined },
  });
  const shown = async (): Promise<string[]> =>
    (await ledger.audit.drift()).findings.map(({ found }) => found);
  try {
    await ledger.write(1);
    await writeFile(lastSignedFile(ledger.keyFile), 'no checkpoint');
    await sealer.run();
    await sealer.run();
    const reasons = await shown();
    assert.equal(reasons.length, 1);
    const { findings } = await verifyAll(ledger.url);
    const found = findings.filter(({ check }) => check === 'sealing').map((finding) => finding.found);
    assert.deepEqual(found, reasons);
    await ledger.resetNote();
    await sealer.run();
    assert.deepEqual(await shown(), []);
  } finally {
    await sealer.close();
  }
});
