/** Files of an export that somebody has emptied, taken away or made up: each is named, and the rest is read on. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { Finding } from '../../src/audit/fold/finding.ts';
import { exportLog } from '../../src/audit/export/export.ts';
import { readManifest, writeManifest, type Manifest } from '../../src/audit/export/manifest.ts';
import { MAX_LINE_BYTES } from '../../src/audit/rows/bounded-lines.ts';
import { replay } from '../../src/audit/export/replay.ts';
import { LEDGER_ID } from '../support/write-side.ts';
import { openFilledLedger } from './filled-ledger.ts';

const EVENTS = 300;
const FIRST = 101n;
const SEGMENT = 'events-101.ndjson.zst';

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

/** One line of the segment, whose position is FIRST + 20. */
const CHANGED = 20;

async function changeLine(directory: string, change: (line: string) => string): Promise<void> {
  const path = join(directory, SEGMENT);
  const lines = zstdDecompressSync(await readFile(path))
    .toString()
    .split('\n');
  const line = lines[CHANGED] ?? '';
  assert.notEqual(change(line), line);
  await writeFile(path, zstdCompressSync(lines.with(CHANGED, change(line)).join('\n')));
}

function recordedAt(line: string, tell: (time: string) => string): string {
  return line.replace(/"recordedAt":"([^"]*)"/, (_all, time: string) => `"recordedAt":"${tell(time)}"`);
}

describe('A line of an export is named, and the rest read on,', () => {
  const place = `${SEGMENT} line ${CHANGED + 1}: the event at position ${FIRST + BigInt(CHANGED)}`;
  const noTime = 'no time: recordedAt';
  const cases: readonly [what: string, found: string, change: (line: string) => string][] = [
    [
      'when its time has a 90th second',
      noTime,
      (line) => recordedAt(line, (time) => `${time.slice(0, 17)}90.406Z`),
    ],
    [
      'when its day is not in the calendar',
      noTime,
      (line) => recordedAt(line, (time) => `2026-02-30${time.slice(10)}`),
    ],
    ['when its time is none', noTime, (line) => recordedAt(line, () => 'yesterday')],
    [
      'when its position is beyond 8 bytes',
      '.* out of range',
      (line) => line.replace(/"position":"\d+"/, '"position":"9223372036854775808"'),
    ],
    [
      'when its version is beyond 2 bytes',
      '.* out of range',
      (line) => line.replace(/"version":\d+/, '"version":32768'),
    ],
  ];
  for (const [what, found, change] of cases)
    test(what, async () => {
      const directory = await copyOfWhole();
      await changeLine(directory, change);
      const findings = await findingsIn(directory);
      assertNamed(findings, new RegExp(`^files: ${place}, found ${found}`));
      assertReadOn(findings);
    });
});

test('A line without end is not taken into memory, and the file it is in is named', async () => {
  const directory = await copyOfWhole();
  const endless = Buffer.alloc(MAX_LINE_BYTES + 2, 'x');
  await writeFile(join(directory, SEGMENT), zstdCompressSync(endless));
  await writeFile(join(directory, 'checkpoints.ndjson'), endless);
  const findings = await findingsIn(directory);
  for (const file of [SEGMENT, 'checkpoints.ndjson'])
    assertNamed(
      findings,
      new RegExp(`^files: ${file}: a file that can be read, found it has a line of more than`),
    );
});

test('Lines that no position is left for are not read on without end', async () => {
  const directory = await copyOfWhole();
  const path = join(directory, SEGMENT);
  const lines = zstdDecompressSync(await readFile(path)).toString();
  await writeFile(path, zstdCompressSync(`${lines}${'x\n'.repeat(100_000)}`));
  const findings = await findingsIn(directory);
  assert.deepEqual(
    findings.map(({ expected, found }) => [expected, found]),
    [[`${SEGMENT}: 200 lines`, 'more']],
  );
});

/** Of positions only the one of the line is missing, and no other line is named. */
function assertReadOn(findings: readonly Finding[]): void {
  const position = FIRST + BigInt(CHANGED);
  assert.deepEqual(
    findings.filter(({ check }) => check === 'positions').map(({ expected, found }) => [expected, found]),
    [[`position ${position}`, `position ${position + 1n}`]],
  );
  const lines = findings.filter(({ expected }) => expected.startsWith(`${SEGMENT} line`));
  assert.equal(lines.length, 1);
  assert.ok(!findings.some(({ expected }) => expected.endsWith('a file that can be read')));
}

test('A file that the manifest does not name is not missed', async () => {
  const directory = await copyOfWhole();
  await rm(join(directory, 'checkpoints.ndjson'));
  await rm(join(directory, 'public-key'));
  await changeManifest(directory, (manifest) => ({ ...manifest, checkpoints: null, publicKey: null }));
  assert.deepEqual(await findingsIn(directory), []);
});
