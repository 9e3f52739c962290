/** Whatever was done to the files of an export is named. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFile, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { parseEventLine } from '../../src/audit/export/event-line.ts';
import { ExportError, readManifest, type Manifest } from '../../src/audit/export/manifest.ts';
import { encodeLeaf } from '../../src/audit/tree/leaf.ts';
import { leafHash } from '../../src/audit/tree/merkle.ts';
import { changeManifest, openExports, replayOf } from './exports.ts';

const exports = openExports();

const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');

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
    what: 'the hashes of leaves, which end within the 101st',
    tamper: (directory) => truncate(join(directory, 'leaves-257.bin'), 100 * 32 + 8),
    finds: [
      ['files', '257', 'leaves-257.bin'],
      ['files', '357', line101],
      ['files', '456', `${SECOND} line 200`],
    ],
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
      const directory = await exports().copyOfWhole();
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
      const directory = await exports().copyOfWhole();
      const manifest = await readManifest(directory);
      assert.ok(manifest);
      await writeFile(join(directory, 'manifest.json'), JSON.stringify(change(manifest)));
      await assert.rejects(replayOf(directory), ExportError, change.toString());
    }
  });

  test('keys that are not those that were given are of no use', async () => {
    const other = 'coffer/main+00000000+AW5vdCBhIGtleQ==';
    const vkey = (await readFile(join(exports().whole, 'public-key'), 'utf8')).trim();
    assert.equal((await replayOf(exports().whole, { trusted: [vkey] })).verdict.findingCount, 0);
    const directory = await exports().copyOfWhole();
    await writeFile(join(directory, 'public-key'), `${other}\n`);
    const { verdict } = await replayOf(directory, { trusted: [vkey] });
    assert.deepEqual(
      verdict.findings.map(({ check, expected }) => [check, expected.split(':')[0]]),
      [['files', 'public-key']],
    );
  });
});
