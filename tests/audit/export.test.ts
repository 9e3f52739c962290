/** The log as files: exports that break off, are repeated, grow, or cannot be. */
import assert from 'node:assert/strict';
import { readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ExportError, readManifest, type Manifest } from '../../src/audit/export/manifest.ts';
import { createTestDatabase } from '../support/database.ts';
import { LEDGER_ID } from '../support/write-side.ts';
import { changeManifest, EVENTS, openExports, replayOf } from './exports.ts';

const exports = openExports();

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
      const directory = await exports().copyOfWhole();
      const before = await mtimes(directory);
      await spoil(directory);
      await exports().to(directory);
      const afterwards = await mtimes(directory);
      assert.deepEqual(afterwards.slice(0, 4), before.slice(0, 4), what);
      assert.notEqual(afterwards[4], before[4], what);
      const { verdict } = await replayOf(directory);
      assert.deepEqual([verdict.findings, verdict.counted.events], [[], EVENTS], what);
    }
  });

  test('that was stopped by an error says that it has not ended', async () => {
    const directory = await exports().copyOfWhole();
    await rm(join(directory, 'events-1025.ndjson.zst'));
    const stop = new Error('stopped');
    let segments = 0;
    const onProgress = (): void => {
      segments += 1;
      throw stop;
    };
    await assert.rejects(exports().to(directory, { onProgress }), stop);
    assert.equal(segments, 1);
    assert.equal((await readManifest(directory))?.complete, false);
    await assert.rejects(replayOf(directory), ExportError);
  });

  test('that is repeated heals what was damaged, how wallets stood before it too', async () => {
    const directory = join(exports().root, 'healed');
    await exports().to(directory, { from: 650n });
    const opening = await readFile(join(directory, 'opening.ndjson'));
    for (const spoil of [
      () => writeFile(join(directory, 'opening.ndjson'), opening.subarray(0, 100)),
      () => rm(join(directory, 'opening.ndjson')),
    ]) {
      await spoil();
      await exports().to(directory, { from: 650n });
      assert.deepEqual(await readFile(join(directory, 'opening.ndjson')), opening);
      assert.deepEqual((await replayOf(directory)).verdict.findings, []);
    }
  });

  test('of a log that has grown adds to the one of before', async () => {
    const directory = join(exports().root, 'grown');
    await exports().to(directory, { to: 1_000n });
    const before = await mtimes(directory);
    await exports().to(directory, { to: 1_400n });
    const { segments, to } = await exports().to(directory);
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
      await assert.rejects(exports().to(join(exports().root, 'none'), { from, to }), ExportError);
    await assert.rejects(exports().to(exports().whole, { from: 2n }), ExportError);
    await assert.rejects(
      exports().to(exports().whole, { ledger: { id: LEDGER_ID, slug: 'other' } }),
      ExportError,
    );
    const database = await createTestDatabase();
    await assert.rejects(exports().to(join(exports().root, 'empty'), { url: database.url }), /empty/);
    await database.drop();
  });
});
