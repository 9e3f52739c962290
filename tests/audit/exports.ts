/** Exports of a ledger into directories of their own. */
import assert from 'node:assert/strict';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import type pg from 'pg';
import { exportLog, type ExportOptions } from '../../src/audit/export/export.ts';
import { readManifest, writeManifest, type Manifest } from '../../src/audit/export/manifest.ts';
import { replay, type Replayed, type ReplayOptions } from '../../src/audit/export/replay.ts';
import { LEDGER_ID } from '../support/write-side.ts';
import { openFilledLedger, type FilledLedger } from './filled-ledger.ts';
import { openSealPool } from './sealed-ledger.ts';

export const EVENTS = 1_500;

export type Exports = {
  readonly ledger: FilledLedger;
  readonly pool: pg.Pool;
  readonly root: string;
  /** An export of all, which no test changes. */
  readonly whole: string;
  to(directory: string, options?: Partial<ExportOptions>): Promise<Manifest>;
  copyOfWhole(): Promise<string>;
};

/** Opened before the tests of the file, and closed behind them. */
export function openExports(): () => Exports {
  let exports: Exports;
  before(async () => {
    const ledger = await openFilledLedger({ events: EVENTS, sealedAt: [300, 700, 1_300] });
    const root = await mkdtemp(join(tmpdir(), 'coffer-export-'));
    const whole = join(root, 'whole');
    exports = {
      ...{ ledger, pool: openSealPool(ledger.url), root, whole },
      to: (directory, options = {}) =>
        exportLog({
          ...{ url: ledger.url, ledger: { id: LEDGER_ID, slug: 'main' }, directory, from: null, to: null },
          ...{ onProgress: () => undefined, segmentEvents: 256n },
          ...options,
        }),
      async copyOfWhole() {
        const directory = await mkdtemp(join(root, 'copy-'));
        await cp(whole, directory, { recursive: true, preserveTimestamps: true });
        return directory;
      },
    };
    await exports.to(whole);
  });
  after(async () => {
    await exports.pool.end();
    await exports.ledger.close();
    await rm(exports.root, { recursive: true });
  });
  return () => exports;
}

export function replayOf(directory: string, options: Partial<ReplayOptions> = {}): Promise<Replayed> {
  return replay({
    ...{ directory, asOf: { position: null, time: null }, trusted: [], kept: [], threads: 1 },
    onProgress: () => undefined,
    ...options,
  });
}

export async function changeManifest(
  directory: string,
  change: (manifest: Manifest) => Manifest,
): Promise<void> {
  const manifest = await readManifest(directory);
  assert.ok(manifest);
  await writeManifest(directory, change(manifest));
}
