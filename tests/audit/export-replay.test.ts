/** The log as files: every balance can be rebuilt from them without the database, and whatever was done to them is named. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFile, cp, mkdtemp, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type pg from 'pg';
import { CheckpointError } from '../../src/audit/sealed/checkpoint.ts';
import { parseEventLine } from '../../src/audit/export/event-line.ts';
import { exportLog, type ExportOptions } from '../../src/audit/export/export.ts';
import { encodeLeaf } from '../../src/audit/tree/leaf.ts';
import { ExportError, readManifest, writeManifest, type Manifest } from '../../src/audit/export/manifest.ts';
import { leafHash } from '../../src/audit/tree/merkle.ts';
import { replay, type Replayed, type ReplayOptions } from '../../src/audit/export/replay.ts';
import { createTestDatabase } from '../support/database.ts';
import { LEDGER_ID } from '../support/write-side.ts';
import { openFilledLedger, type FilledLedger } from './filled-ledger.ts';
import { openSealPool } from './sealed-ledger.ts';

const EVENTS = 1_500;

let ledger: FilledLedger;
let pool: pg.Pool;
let root: string;
/** An export of all, which no test changes. */
let whole: string;

before(async () => {
  ledger = await openFilledLedger({ events: EVENTS, sealedAt: [300, 700, 1_300] });
  pool = openSealPool(ledger.url);
  root = await mkdtemp(join(tmpdir(), 'coffer-export-'));
  whole = join(root, 'whole');
  await exportTo(whole);
});

after(async () => {
  await pool.end();
  await ledger.close();
  await rm(root, { recursive: true });
});

function exportTo(directory: string, options: Partial<ExportOptions> = {}): Promise<Manifest> {
  return exportLog({
    ...{ url: ledger.url, ledger: { id: LEDGER_ID, slug: 'main' }, directory, from: null, to: null },
    ...{ onProgress: () => undefined, segmentEvents: 256n },
    ...options,
  });
}

function replayOf(directory: string, options: Partial<ReplayOptions> = {}): Promise<Replayed> {
  return replay({
    ...{ directory, asOf: { position: null, time: null }, trusted: [], kept: [], threads: 1 },
    onProgress: () => undefined,
    ...options,
  });
}

/** Balances as the service has them in its history at a position. */
async function balancesAt(position: bigint): Promise<string[]> {
  const { rows } = await pool.query<{ line: string }>(
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

const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');

describe('A replay', () => {
  for (const threads of [1, 2])
    test(`by ${threads} threads gives the balances of the service, and finds nothing wrong`, async () => {
      const replayed = await replayOf(whole, { threads });
      assert.deepEqual(replayed.verdict.findings, []);
      assert.deepEqual(
        [replayed.verdict.counted.events, replayed.verdict.checkpoints, replayed.verdict.checkpoint?.size],
        [EVENTS, 3, 1_300n],
      );
      const { rows } = await pool.query<{ line: string }>(
        `select concat_ws(' ', id, balance, held) as line from wallets order by 1`,
      );
      assert.deepEqual(
        balancesOf(replayed),
        rows.map(({ line }) => line),
      );
    });

  test('as of a position gives the balances of then, at both ends and where segments meet', async () => {
    for (const position of [1n, 256n, 257n, 1_500n]) {
      const replayed = await replayOf(whole, { asOf: { position, time: null } });
      assert.deepEqual(replayed.verdict.findings, []);
      assert.deepEqual(balancesOf(replayed), await balancesAt(position), position.toString());
    }
    for (const position of [0n, 1_501n])
      await assert.rejects(replayOf(whole, { asOf: { position, time: null } }), ExportError);
  });

  test('as of a time gives what was recorded by then, to the millisecond', async () => {
    const { rows } = await pool.query<{ recorded_at: string }>(
      'select recorded_at from events where position = 600',
    );
    const at = Date.parse(rows[0]?.recorded_at ?? '');
    for (const ms of [at - 1, at]) {
      const time = new Date(ms).toISOString();
      const found = await pool.query<{ position: bigint }>('select last_position_at($1, $2) as position', [
        LEDGER_ID,
        time,
      ]);
      const replayed = await replayOf(whole, { asOf: { position: null, time } });
      assert.deepEqual(balancesOf(replayed), await balancesAt(found.rows[0]?.position ?? 0n), time);
    }
    const early = await replayOf(whole, { asOf: { position: null, time: '2000-01-01T00:00:00.000Z' } });
    assert.deepEqual([early.wallets, early.verdict.findings], [[], []]);
  });

  test('of a part of the log starts from how wallets stood before it', async () => {
    for (const [from, to] of [
      [301n, 1_500n],
      [650n, 1_400n],
      [701n, 701n],
    ] as const) {
      const directory = join(root, `part-${from}`);
      await exportTo(directory, { from, to });
      const replayed = await replayOf(directory, { threads: 2 });
      assert.deepEqual(replayed.verdict.findings, [], from.toString());
      assert.deepEqual(balancesOf(replayed), await balancesAt(to));
    }
    // The checkpoint that it begins at counts too.
    assert.equal((await replayOf(join(root, 'part-301'))).verdict.checkpoints, 3);
    const asOf = { position: null, time: '2000-01-01T00:00:00.000Z' };
    await assert.rejects(replayOf(join(root, 'part-650'), { asOf }), ExportError);
    await assert.rejects(
      replayOf(join(root, 'part-650'), { kept: [ledger.notes[0] ?? ''] }),
      CheckpointError,
    );
  });

  test('holds the export against a checkpoint that was kept', async () => {
    const { verdict } = await replayOf(whole, { kept: [ledger.notes[1] ?? ''] });
    assert.equal(verdict.findingCount, 0);
    const short = join(root, 'short');
    await exportTo(short, { to: 1_000n });
    const cut = await replayOf(short, { kept: [ledger.notes[2] ?? ''] });
    assert.deepEqual(
      cut.verdict.findings.map(({ check, position }) => [check, position]),
      [['checkpoints', '1300']],
    );
  });

  test('is refused where there is no export, or none that has ended', async () => {
    await assert.rejects(replayOf(join(root, 'nowhere')), ExportError);
    const directory = await copyOfWhole();
    await changeManifest(directory, (manifest) => ({ ...manifest, complete: false }));
    await assert.rejects(replayOf(directory), ExportError);
  });
});

async function copyOfWhole(): Promise<string> {
  const directory = await mkdtemp(join(root, 'copy-'));
  await cp(whole, directory, { recursive: true, preserveTimestamps: true });
  return directory;
}

async function changeManifest(directory: string, change: (manifest: Manifest) => Manifest): Promise<void> {
  const manifest = await readManifest(directory);
  assert.ok(manifest);
  await writeManifest(directory, change(manifest));
}

/** Lines of the second segment, positions 257 to 512. `forge`: what is made to fit them again. */
async function changeLines(
  directory: string,
  change: (lines: string[]) => string[],
  forge: { leaves?: boolean; manifest?: boolean } = {},
): Promise<void> {
  const [path, leavesPath] = [join(directory, SECOND), join(directory, 'leaves-257.bin')];
  const lines = zstdDecompressSync(await readFile(path))
    .toString()
    .split('\n')
    .slice(0, -1);
  const changed = change(lines);
  const bytes = zstdCompressSync(changed.map((line) => `${line}\n`).join(''));
  await writeFile(path, bytes);
  const leaves = Buffer.concat(changed.map((line) => leafHash(encodeLeaf(parseEventLine(line)))));
  if (forge.leaves) await writeFile(leavesPath, leaves);
  if (!forge.manifest) return;
  await changeManifest(directory, (manifest) => ({
    ...manifest,
    segments: manifest.segments.map((segment) =>
      segment.file === SECOND
        ? {
            ...{ ...segment, sha256: sha256(bytes) },
            leaves: forge.leaves ? { ...segment.leaves, sha256: sha256(leaves) } : segment.leaves,
          }
        : segment,
    ),
  }));
}

const SECOND = 'events-257.ndjson.zst';
const raised = (lines: string[]): string[] =>
  lines.map((line, index) => (index === payingLine(lines) ? line.replace(/"amount":"/g, '$&9') : line));
const payingLine = (lines: string[]): number => lines.findIndex((line) => line.includes('"type":"spend"'));
const metadata = (lines: string[]): string[] =>
  lines.map((line, index) => (index === 100 ? line.replace(/"actor":"[^"]*"/, '"actor":"nobody"') : line));

type Tampering = {
  readonly what: string;
  readonly tamper: (directory: string) => Promise<unknown>;
  /** A finding has to have all of it: check, position, words of what was expected. */
  readonly finds: readonly (readonly [string, string | null, string])[];
};

const line101 = `${SECOND} line 101`;
const TAMPERINGS: readonly Tampering[] = [
  {
    what: 'an actor',
    tamper: (directory) => changeLines(directory, metadata),
    finds: [
      ['files', '357', line101],
      ['files', '257', `${SECOND}: SHA-256`],
      ['checkpoints', '700', 'root'],
    ],
  },
  {
    what: 'an actor, with the hashes in the manifest made to fit',
    tamper: (directory) => changeLines(directory, metadata, { manifest: true }),
    finds: [
      ['files', '357', line101],
      ['checkpoints', '700', 'root'],
    ],
  },
  {
    what: 'an actor, with all hashes made to fit',
    tamper: (directory) => changeLines(directory, metadata, { leaves: true, manifest: true }),
    finds: [['checkpoints', '700', 'root']],
  },
  {
    what: 'an amount, with all hashes made to fit',
    tamper: (directory) => changeLines(directory, raised, { leaves: true, manifest: true }),
    finds: [
      ['balances', null, ''],
      ['checkpoints', '700', 'root'],
    ],
  },
  {
    what: 'the order of two lines',
    tamper: (directory) =>
      changeLines(directory, (lines) => lines.with(100, lines[101] ?? '').with(101, lines[100] ?? '')),
    finds: [
      ['files', '358', line101],
      ['positions', '358', 'position 357'],
    ],
  },
  {
    what: 'a line that is there twice',
    tamper: (directory) => changeLines(directory, (lines) => lines.toSpliced(101, 0, lines[100] ?? '')),
    finds: [
      ['files', '357', `${SECOND} line 102`],
      ['files', '257', '256 lines'],
    ],
  },
  {
    what: 'lines that are gone from the end',
    tamper: (directory) => changeLines(directory, (lines) => lines.slice(0, 250)),
    finds: [['files', '257', '256 lines']],
  },
  {
    what: 'a line that is no event',
    tamper: async (directory) => {
      const path = join(directory, SECOND);
      const lines = zstdDecompressSync(await readFile(path))
        .toString()
        .split('\n');
      await writeFile(path, zstdCompressSync(lines.with(100, '{"position":"357"}').join('\n')));
    },
    finds: [['files', '357', line101]],
  },
  {
    what: 'bytes that are cut from a file',
    tamper: async (directory) => {
      const path = join(directory, SECOND);
      await truncate(path, (await stat(path)).size - 200);
    },
    finds: [['files', '257', SECOND]],
  },
  {
    what: 'bytes behind the end of a file',
    tamper: (directory) => appendFile(join(directory, SECOND), Buffer.alloc(300_000, 'x')),
    finds: [['files', '257', SECOND]],
  },
  {
    what: 'a file that is gone',
    tamper: (directory) => rm(join(directory, SECOND)),
    finds: [['files', '257', SECOND]],
  },
  {
    what: 'leaf hashes that are gone',
    tamper: (directory) => rm(join(directory, 'leaves-257.bin')),
    finds: [['files', '257', 'leaves-257.bin']],
  },
  {
    what: 'the last segments, in the manifest too',
    tamper: (directory) =>
      changeManifest(directory, (manifest) => ({ ...manifest, segments: manifest.segments.slice(0, 4) })),
    finds: [['files', '1025', 'segments up to position 1500']],
  },
  {
    what: 'checkpoints that nobody has signed',
    tamper: (directory) => writeFile(join(directory, 'checkpoints.ndjson'), '{"note":"x"}\nnull\n'),
    finds: [
      ['files', null, 'checkpoints.ndjson'],
      ['checkpoints', null, 'line 1'],
      ['checkpoints', null, 'line 2'],
    ],
  },
];

describe('What was changed in an export is named:', () => {
  for (const { what, tamper, finds } of TAMPERINGS)
    test(what, async () => {
      const directory = await copyOfWhole();
      await tamper(directory);
      const { verdict } = await replayOf(directory);
      for (const [check, position, words] of finds)
        assert.ok(
          verdict.findings.some(
            (finding) =>
              finding.check === check &&
              (position === null || finding.position === position) &&
              finding.expected.includes(words),
          ),
          `${check} ${position} ${words}: ${JSON.stringify(verdict.findings.slice(0, 10), null, 1)}`,
        );
    });

  test('a manifest that leads elsewhere, or has a hole, is refused', async () => {
    const changes: ((manifest: Manifest) => unknown)[] = [
      (manifest) => ({ ...manifest, publicKey: { file: '../public-key', sha256: sha256('') } }),
      (manifest) => ({ ...manifest, publicKey: { file: '/etc/passwd', sha256: sha256('') } }),
      (manifest) => ({
        ...manifest,
        segments: manifest.segments.map((of) => ({ ...of, file: `schemas/../../${of.file}` })),
      }),
      (manifest) => ({ ...manifest, segments: manifest.segments.toSpliced(2, 1) }),
      (manifest) => ({ ...manifest, segments: manifest.segments.toReversed() }),
      (manifest) => ({ ...manifest, from: '0' }),
      (manifest) => ({ ...manifest, from: '257', segments: manifest.segments.slice(1) }),
      (manifest) => ({ ...manifest, format: 'another' }),
      () => 'no manifest',
    ];
    for (const change of changes) {
      const directory = await copyOfWhole();
      const manifest = await readManifest(directory);
      assert.ok(manifest);
      await writeFile(join(directory, 'manifest.json'), JSON.stringify(change(manifest)));
      await assert.rejects(replayOf(directory), ExportError, change.toString());
    }
  });

  test('keys that are not those that were given are of no use', async () => {
    const other = 'coffer/main+00000000+AW5vdCBhIGtleQ==';
    const vkey = (await readFile(join(whole, 'public-key'), 'utf8')).trim();
    assert.equal((await replayOf(whole, { trusted: [vkey] })).verdict.findingCount, 0);
    const directory = await copyOfWhole();
    await writeFile(join(directory, 'public-key'), `${other}\n`);
    const { verdict } = await replayOf(directory, { trusted: [vkey] });
    assert.deepEqual(
      verdict.findings.map(({ check, expected }) => [check, expected.split(':')[0]]),
      [['files', 'public-key']],
    );
  });
});

describe('An export', () => {
  const mtimes = async (directory: string): Promise<number[]> => {
    const { segments } = (await readManifest(directory)) as Manifest;
    return Promise.all(segments.map(async ({ file }) => (await stat(join(directory, file))).mtimeMs));
  };

  test('that broke off is gone on with: whole segments stay as they are', async () => {
    for (const [what, spoil] of Object.entries<(directory: string) => Promise<unknown>>({
      'a segment is gone': (directory) => rm(join(directory, 'events-1025.ndjson.zst')),
      'a segment is cut': (directory) => truncate(join(directory, 'events-1025.ndjson.zst'), 100),
      'leaf hashes are gone': (directory) => rm(join(directory, 'leaves-1025.bin')),
      'it was not written down': (directory) =>
        changeManifest(directory, (manifest) => ({
          ...{ ...manifest, complete: false, checkpoints: null, publicKey: null },
          segments: manifest.segments.slice(0, 4),
        })),
      'it was not given its name': (directory) =>
        rename(join(directory, 'events-1025.ndjson.zst'), join(directory, 'events-1025.ndjson.zst.part')),
    })) {
      const directory = await copyOfWhole();
      const before = await mtimes(directory);
      await spoil(directory);
      await exportTo(directory);
      const afterwards = await mtimes(directory);
      assert.deepEqual(afterwards.slice(0, 4), before.slice(0, 4), what);
      assert.notEqual(afterwards[4], before[4], what);
      const { verdict } = await replayOf(directory);
      assert.deepEqual([verdict.findings, verdict.counted.events], [[], EVENTS], what);
    }
  });

  test('that was stopped by an error says that it has not ended', async () => {
    const directory = await copyOfWhole();
    await rm(join(directory, 'events-1025.ndjson.zst'));
    const stop = new Error('stopped');
    let segments = 0;
    const onProgress = (): void => {
      segments += 1;
      throw stop;
    };
    await assert.rejects(exportTo(directory, { onProgress }), stop);
    assert.equal(segments, 1);
    assert.equal((await readManifest(directory))?.complete, false);
    await assert.rejects(replayOf(directory), ExportError);
  });

  test('of a log that has grown adds to the one of before', async () => {
    const directory = join(root, 'grown');
    await exportTo(directory, { to: 1_000n });
    const before = await mtimes(directory);
    await exportTo(directory, { to: 1_400n });
    const { segments, to } = await exportTo(directory);
    assert.deepEqual([segments.length, to], [6, '1500']);
    assert.deepEqual((await mtimes(directory)).slice(0, 3), before.slice(0, 3));
    assert.deepEqual((await replayOf(directory)).verdict.findings, []);
  });

  test('of positions that are not there, or into that of others, is refused', async () => {
    for (const [from, to] of [
      [0n, 10n],
      [10n, 9n],
      [1n, 1_501n],
      [1_501n, null],
    ] as const)
      await assert.rejects(exportTo(join(root, 'none'), { from, to }), ExportError);
    await assert.rejects(exportTo(whole, { from: 2n }), ExportError);
    await assert.rejects(exportTo(whole, { ledger: { id: LEDGER_ID, slug: 'other' } }), ExportError);
    const database = await createTestDatabase();
    await assert.rejects(exportTo(join(root, 'empty'), { url: database.url }), /empty/);
    await database.drop();
  });
});
