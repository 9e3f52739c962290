/** What was sealed and what stands beside it, spoiled by a superuser: nodes of the tree, what incarnations name, the ledger's clock. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Finding } from '../../src/audit/fold/finding.ts';
import { exportLog } from '../../src/audit/export/export.ts';
import { readManifest, writeManifest } from '../../src/audit/export/manifest.ts';
import { replay } from '../../src/audit/export/replay.ts';
import { beginIncarnation } from '../../src/audit/sealed/change-signer.ts';
import { seal } from '../../src/audit/sealed/seal.ts';
import { verify } from '../../src/audit/verify/verify.ts';
import { LEDGER_ID } from '../support/write-side.ts';
import { openFilledLedger, verifyAll, type Copy, type FilledLedger } from './filled-ledger.ts';
import { openSealPool } from './sealed-ledger.ts';

const EVENTS = 1_500;
let ledger: FilledLedger;

before(async () => {
  ledger = await openFilledLedger({ events: EVENTS, sealedAt: [600, 1_300] });
});

after(() => ledger.close());

async function withCopy(work: (copy: Copy) => Promise<void>): Promise<void> {
  const copy = await ledger.copy();
  try {
    await work(copy);
  } finally {
    await copy.drop();
  }
}

const told = (findings: readonly Finding[]): string[] =>
  findings.map(({ check, position, expected, found }) => `${check} ${position}: ${expected}, found ${found}`);

describe('Found are', () => {
  const cases: readonly [what: string, sql: string, finding: RegExp][] = [
    [
      'a node that is gone',
      'delete from audit_nodes where index = 2',
      /^sealed 513: node 2 of level 8 .*missing$/,
    ],
    [
      'nodes that are gone from the end',
      'delete from audit_nodes where index > 2',
      /^sealed 769: nodes 3 to 4 of level 8 .*missing$/,
    ],
    ['all nodes', 'delete from audit_nodes', /^sealed 1: nodes 0 to 4 of level 8 .*missing$/],
    [
      "the ledger's clock, set forward",
      `update ledgers set head_recorded_at = head_recorded_at + interval '1 year'`,
      /^times 1500: the ledger's clock at /,
    ],
    [
      'the clock, set back',
      `update ledgers set head_recorded_at = head_recorded_at - interval '1 ms'`,
      /^times 1500: the ledger's clock at /,
    ],
    [
      'what an incarnation names, put in',
      'update audit_incarnations set succeeds = (select note from audit_checkpoints where tree_size = 600)',
      /^checkpoints null: coffer\/\S+ to name the last checkpoint of one before it/,
    ],
    [
      'what an incarnation names, without a signature',
      `update audit_incarnations set succeeds = 'coffer/main/0-0123456789abcdef'`,
      /^checkpoints null: \S+ to name a signed checkpoint/,
    ],
  ];
  for (const [what, sql, finding] of cases)
    test(what, () =>
      withCopy(async (copy) => {
        await copy.superuser.query(sql);
        const lines = told((await verifyAll(copy.url)).findings);
        assert.ok(
          lines.some((line) => finding.test(line)),
          lines.join('\n'),
        );
      }),
    );
});

test('Nodes of the upper levels are held against those below', () =>
  withCopy(async (copy) => {
    // A log long enough for level 16 is a sealed tree of events that need not make sense.
    await copy.superuser.query(`
insert into events (ledger_id, position, id, type, version, actor, data, occurred_at, recorded_at)
select ${LEDGER_ID}, n, gen_random_uuid(), 'any', 1, 'test', '{}', now(), now() from generate_series(1501, 66000) as n;
update ledgers set head_position = 66000, head_recorded_at = (select recorded_at from events where position = 66000)`);
    const pool = openSealPool(copy.url);
    try {
      while ((await seal(pool, { ledgerId: LEDGER_ID, keyFile: ledger.keyFile }))?.more === true);
    } finally {
      await pool.end();
    }
    const sealedFindings = async (): Promise<string[]> =>
      told((await verifyAll(copy.url)).findings).filter((line) => line.startsWith('sealed'));
    assert.deepEqual(await sealedFindings(), []);
    await copy.superuser.query(`update audit_nodes set hash = sha256('x') where level = 16`);
    assert.match((await sealedFindings()).join(), /^sealed 1: node 0 of level 16 /);
    await copy.superuser.query('delete from audit_nodes where level = 16');
    assert.match((await sealedFindings()).join(), /^sealed 1: node 0 of level 16 .*missing$/);
  }));

describe('A new incarnation', () => {
  async function begin(copy: Copy): Promise<void> {
    const pool = openSealPool(copy.url);
    try {
      await beginIncarnation(pool, LEDGER_ID, await ownKey(copy), null);
    } finally {
      await pool.end();
    }
  }

  /** Copies of the ledger go on in different ways, so each has the key in a file of its own. */
  async function ownKey(copy: Copy): Promise<string> {
    const file = join(ledger.directory, `${new URL(copy.url).pathname.slice(1)}.pem`);
    await writeFile(file, await readFile(ledger.keyFile), { mode: 0o600 });
    return file;
  }

  test('that has sealed nothing yet is verified from the last checkpoint of the one before', () =>
    withCopy(async (copy) => {
      await begin(copy);
      for (const since of ['latest', { note: ledger.notes[0] ?? '' }] as const) {
        const verdict = await verifyAll(copy.url, { since });
        assert.deepEqual(told(verdict.findings), []);
        assert.equal(verdict.from, since === 'latest' ? 1_301n : 601n);
      }
    }));

  test('that names nothing, or another checkpoint than its own do, is found', () =>
    withCopy(async (copy) => {
      await begin(copy);
      const pool = openSealPool(copy.url);
      await seal(pool, { ledgerId: LEDGER_ID, keyFile: await ownKey(copy) });
      await pool.end();
      assert.deepEqual(told((await verifyAll(copy.url)).findings), []);
      const named = /^checkpoints 1500: a checkpoint that says: /;
      await copy.superuser.query('update audit_incarnations set succeeds = null where number = 2');
      const without = told((await verifyAll(copy.url)).findings);
      assert.match(without[0] ?? '', /^checkpoints null: \S+ to name a checkpoint of/);
      assert.match(without[1] ?? '', named);
      await copy.superuser.query(
        'update audit_incarnations set succeeds = (select note from audit_checkpoints where tree_size = 600) where number = 2',
      );
      assert.ok(told((await verifyAll(copy.url)).findings).some((line) => named.test(line)));
    }));
});

test('A verification since a checkpoint, and an export from there, do not need the read model of wallets', () =>
  withCopy(async (copy) => {
    await copy.superuser.query(`
delete from read.wallets where position > 700;
update read.checkpoints set position = 700 where projection = 'directory';
update read.users u set status = 'ACTIVE'`);
    const since = { note: ledger.notes[1] ?? '' };
    const { findings } = await verifyAll(copy.url, { since });
    assert.deepEqual(told(findings), []);
    const directory = join(ledger.directory, 'part');
    await exportLog({
      ...{ url: copy.url, ledger: { id: LEDGER_ID, slug: 'main' }, directory, from: 1_001n, to: null },
      onProgress: () => undefined,
    });
    const { verdict } = await replay({
      ...{ directory, asOf: { position: null, time: null }, trusted: [], kept: [], threads: 1 },
      onProgress: () => undefined,
    });
    assert.deepEqual(told(verdict.findings), []);
  }));

describe('Who names the keys to trust', () => {
  test('is told where an export has no checkpoint any more', async () => {
    const directory = join(ledger.directory, 'stripped');
    await exportLog({
      ...{ url: ledger.url, ledger: { id: LEDGER_ID, slug: 'main' }, directory, from: null, to: null },
      onProgress: () => undefined,
    });
    const trusted = (await readFile(join(directory, 'public-key'), 'utf8')).trim().split('\n');
    const replayed = () =>
      replay({
        ...{ directory, asOf: { position: null, time: null }, trusted, kept: [], threads: 1 },
        onProgress: () => undefined,
      });
    assert.deepEqual(told((await replayed()).verdict.findings), []);
    const manifest = await readManifest(directory);
    assert.ok(manifest);
    await writeManifest(directory, { ...manifest, checkpoints: null });
    assert.match(
      told((await replayed()).verdict.findings).join(),
      /^checkpoints null: .*nobody vouches for them$/,
    );
  });

  test('is told where a database has none', () =>
    withCopy(async (copy) => {
      const trusted = (await copy.superuser.query<{ vkey: string }>('select vkey from audit_keys')).rows;
      await copy.superuser.query('delete from audit_checkpoints; delete from audit_nodes');
      const { findings } = await verify({
        ...{ url: copy.url, ledgerId: LEDGER_ID, threads: 1, kept: [], since: null },
        trusted: trusted.map(({ vkey }) => vkey),
        onProgress: () => undefined,
      });
      assert.match(told(findings).join(), /^checkpoints null: .*nobody vouches for them$/);
    }));
});
