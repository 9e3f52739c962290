/** Files of an export that somebody has emptied, taken away or made up: each is named, and the rest is read on. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Finding } from '../../src/audit/fold/finding.ts';
import { exportLog } from '../../src/audit/export/export.ts';
import { readManifest, writeManifest, type Manifest } from '../../src/audit/export/manifest.ts';
import { replay } from '../../src/audit/export/replay.ts';
import { LEDGER_ID } from '../support/write-side.ts';
import { openFilledLedger } from './filled-ledger.ts';

const EVENTS = 300;
const FIRST = 101n;

let root: string;
/** An export from the middle of the log, which has every kind of file, and which no test changes. */
let whole: string;

before(async () => {
  const ledger = await openFilledLedger({ events: EVENTS, sealedAt: [150, 250] });
  root = await mkdtemp(join(tmpdir(), 'coffer-export-files-'));
  whole = join(root, 'whole');
  await exportLog({
    ...{ url: ledger.url, ledger: { id: LEDGER_ID, slug: 'main' }, directory: whole, from: FIRST, to: null },
    onProgress: () => undefined,
  });
  await ledger.close();
});

after(() => rm(root, { recursive: true }));

async function copyOfWhole(): Promise<string> {
  const directory = await mkdtemp(join(root, 'copy-'));
  await cp(whole, directory, { recursive: true });
  return directory;
}

async function findingsIn(directory: string): Promise<readonly Finding[]> {
  const asOf = { position: null, time: null };
  const { verdict } = await replay({
    ...{ directory, asOf, trusted: [], kept: [], threads: 1, onProgress: () => undefined },
  });
  return verdict.findings;
}

function assertNamed(findings: readonly Finding[], words: RegExp): void {
  const said = findings.map(({ check, expected, found }) => `${check}: ${expected}, found ${found}`);
  assert.ok(
    said.some((line) => words.test(line)),
    `${words} is not in\n${said.join('\n')}`,
  );
}

async function changeManifest(directory: string, change: (manifest: Manifest) => Manifest): Promise<void> {
  const manifest = await readManifest(directory);
  assert.ok(manifest);
  await writeManifest(directory, change(manifest));
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const NOTHING = sha256('');

test('An export from the middle of the log replays without findings', async () => {
  assert.deepEqual(await findingsIn(whole), []);
});

describe('Of an export is named', () => {
  const files = [
    'checkpoints.ndjson',
    'public-key',
    'opening.ndjson',
    'schemas/transaction.posted@1.json',
  ] as const;
  for (const file of files) {
    test(`${file} when it was emptied`, async () => {
      const directory = await copyOfWhole();
      await writeFile(join(directory, file), '');
      assertNamed(await findingsIn(directory), new RegExp(`^files: ${file}: SHA-256 .*, found ${NOTHING}$`));
    });

    test(`${file} when it is gone`, async () => {
      const directory = await copyOfWhole();
      await rm(join(directory, file));
      assertNamed(await findingsIn(directory), new RegExp(`^files: ${file}: a file that can be read`));
    });
  }

  test('a file with fewer lines than the manifest counts, though its hash fits', async () => {
    const directory = await copyOfWhole();
    const shortened = async (file: string): Promise<string> => {
      const [first = ''] = (await readFile(join(directory, file), 'utf8')).split('\n');
      await writeFile(join(directory, file), `${first}\n`);
      return sha256(`${first}\n`);
    };
    const [checkpoints, opening] = [await shortened('checkpoints.ndjson'), await shortened('opening.ndjson')];
    await changeManifest(directory, (manifest) => {
      assert.ok(manifest.checkpoints !== null && manifest.opening !== null);
      return {
        ...manifest,
        checkpoints: { ...manifest.checkpoints, sha256: checkpoints },
        opening: { ...manifest.opening, sha256: opening },
      };
    });
    const findings = await findingsIn(directory);
    assertNamed(findings, /^files: checkpoints\.ndjson: 2 lines, found 1 lines$/);
    assertNamed(findings, /^files: opening\.ndjson: \d+ lines, found 1 lines$/);
  });
});

test('A file that the manifest does not name is not missed', async () => {
  const directory = await copyOfWhole();
  await rm(join(directory, 'checkpoints.ndjson'));
  await rm(join(directory, 'public-key'));
  await changeManifest(directory, (manifest) => ({ ...manifest, checkpoints: null, publicKey: null }));
  assert.deepEqual(await findingsIn(directory), []);
});
