/** A file of an export is read no further than it is wanted, and let go of. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { replaySegments } from '../../src/audit/export/replay-segment.ts';
import { until } from '../support/until.ts';

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** Files that this process has open. */
async function openFiles(): Promise<string[]> {
  const numbers = await readdir('/proc/self/fd');
  return Promise.all(numbers.map((number) => readlink(`/proc/self/fd/${number}`).catch(() => '')));
}

test('of a file with too many lines the rest is not read, and it does not stay open', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'coffer-segment-'));
  t.after(() => rm(directory, { recursive: true }));
  // Of several reads, and more than its reader takes at once.
  const lines = Array.from({ length: 16_384 }, () => randomBytes(512).toString('base64')).join('\n');
  const [bytes, leaves] = [zstdCompressSync(Buffer.from(lines)), randomBytes(32)];
  const [path, leafPath] = [join(directory, 'events-1.ndjson.zst'), join(directory, 'leaves-1.bin')];
  await writeFile(path, bytes);
  await writeFile(leafPath, leaves);
  const segment = { path, sha256: sha256(bytes), first: 1n, last: 1n };
  const { findings } = await replaySegments(
    {
      ...{ from: 0n, to: 1n, marked: [], until: { position: null, time: null } },
      segments: [{ ...segment, leaves: { path: leafPath, sha256: sha256(leaves) } }],
    },
    () => undefined,
  );
  assert.ok(findings.some(({ expected, found }) => expected.includes('1 lines') && found === 'more'));
  await until('the file is closed', async () => !(await openFiles()).includes(path));
});
