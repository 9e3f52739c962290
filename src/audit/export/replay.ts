/**
 * Rebuilds every balance from an export, without database or network, and verifies on the way: the files against the manifest, each event against
 * its leaf hash, the tree against the signed checkpoints, and the balances by the fold and by the plain sum.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { createChain, FROM_THE_BEGINNING, type ChainStart } from '../fold/chain.ts';
import { CheckpointError, openCheckpoint, type Checkpoint } from '../sealed/checkpoint.ts';
import { checkErasedWallets } from '../fold/erased-wallets.ts';
import { createFindingList, type FindingList } from '../fold/finding.ts';
import { emptyHeads, setWallet, type WalletHead } from '../fold/heads.ts';
import { ExportError, readManifest, type Manifest, type Segment } from './manifest.ts';
import { openingHead, parseOpeningWallet } from './opening.ts';
import type { RangeSummary } from '../fold/range-summary.ts';
import { replaySegments, type ReplayTask, type SegmentFile } from './replay-segment.ts';
import { createTaskRunner, threadsFor, type Threads } from '../threads/task-runner.ts';
import type { Counted, Verdict } from '../fold/verdict.ts';

/** Of each check. */
const MAX_FINDINGS = 200;

const checkpointLine = z.object({ note: z.string() });

export type ReplayOptions = {
  readonly directory: string;
  /** How it was then; the end of the export without. */
  readonly asOf: { readonly position: bigint | null; readonly time: string | null };
  /** Keys to trust, as vkeys; none: those that came with the export. */
  readonly trusted: readonly string[];
  /** Checkpoints that somebody kept, as signed notes. */
  readonly kept: readonly string[];
  readonly threads: Threads;
  readonly onProgress: (progress: { done: bigint; total: bigint }) => void;
};

export type Replayed = { readonly verdict: Verdict; readonly wallets: readonly WalletHead[] };

/** Rejects with an ExportError where there is no export to read, or with a CheckpointError for a kept checkpoint that cannot be used. */
export async function replay(options: ReplayOptions): Promise<Replayed> {
  const startedAt = performance.now();
  const { directory } = options;
  const manifest = await readManifest(directory);
  if (manifest === null) throw new ExportError(`${directory} holds no export: there is no manifest.json.`);
  if (!manifest.complete)
    throw new ExportError(`The export in ${directory} has not ended: run it again to go on.`);
  const findings = createFindingList(MAX_FINDINGS);
  const [from, to] = [BigInt(manifest.from), BigInt(manifest.to)];
  const { position: asOf } = options.asOf;
  if (asOf !== null && (asOf < from || asOf > to))
    throw new ExportError(`The export has the positions ${from} to ${to}, not ${asOf}.`);
  checkSegments(manifest, findings);
  const checkpoints = await readExportedCheckpoints(options, manifest, findings);
  const chain = createChain(await startOf(directory, manifest, findings), findings, checkpoints.onMark);
  if (manifest.opening !== null) checkpoints.onMark(from - 1n, chain.tree.root());
  const counted: Counted = { events: 0, entries: 0, keys: 0, rows: 0, holds: 0, reversals: 0 };
  let done = 0n;
  const threads = threadsFor(options.threads, to - from);
  const runner = createTaskRunner<ReplayTask, RangeSummary>({
    threads,
    module: new URL('./replay-thread.ts', import.meta.url),
    workerData: null,
    serve: replaySegments,
    onProgress(positions) {
      done += positions;
      options.onProgress({ done, total: to - from + 1n });
    },
  });
  try {
    await runner.run(tasksOf({ ...options, threads }, manifest, checkpoints.sizes), (summary) => {
      refuseEarlier(options, manifest, summary);
      chain.add(summary);
      counted.events += summary.events;
      counted.keys += summary.keys;
      counted.holds += summary.holds.length;
    });
  } finally {
    await runner.close();
  }
  checkErasedWallets(chain.heads, findings);
  const wallets = [...chain.heads.wallets.values()].sort((left, right) =>
    left.walletId < right.walletId ? -1 : 1,
  );
  const verdict = {
    ...{ from, to, counted, wallets: wallets.length },
    seconds: (performance.now() - startedAt) / 1_000,
    ...{ checkpoint: checkpoints.latest(), checkpoints: checkpoints.sizes.length },
    ...{ findings: findings.items, findingCount: findings.count() },
  };
  return { verdict, wallets };
}

/** As few tasks as there are threads: what a task comes to is told of each wallet that it touches. */
async function* tasksOf(
  { directory, asOf, threads }: ReplayOptions & { threads: number },
  manifest: Manifest,
  sizes: readonly bigint[],
): AsyncGenerator<ReplayTask> {
  const share = Math.ceil(manifest.segments.length / threads);
  for (let at = 0; at < manifest.segments.length; at += share) {
    const segments = manifest.segments.slice(at, at + share).map((segment) => fileOf(directory, segment));
    const from = (segments[0]?.first ?? 1n) - 1n;
    const to = segments.at(-1)?.last ?? from;
    yield { from, to, segments, marked: sizes.filter((size) => size > from && size <= to), until: asOf };
  }
}

function fileOf(directory: string, { file, sha256, first, last, leaves }: Segment): SegmentFile {
  return {
    ...{ path: join(directory, file), sha256, first: BigInt(first), last: BigInt(last) },
    leaves: { path: join(directory, leaves.file), sha256: leaves.sha256 },
  };
}

/** The manifest itself may have been written by anybody: its beginning needs an opening, its segments have to follow each other from its first to its last position. */
function checkSegments({ from, to, segments, opening }: Manifest, findings: FindingList): void {
  if (from === '0' || (from === '1') !== (opening === null))
    throw new ExportError(`The manifest is broken: from position ${from} it needs another opening.`);
  let next = BigInt(from);
  for (const { file, first, last } of segments) {
    if (BigInt(first) !== next || BigInt(last) < next)
      throw new ExportError(`The manifest is broken: ${file} has to begin at position ${next}.`);
    next = BigInt(last) + 1n;
  }
  if (next === BigInt(to) + 1n) return;
  const place = { position: next.toString(), walletId: null };
  findings.add({
    check: 'files',
    ...place,
    expected: `segments up to position ${to}`,
    found: `up to ${next - 1n}`,
  });
}

/** The text of a file that the manifest names. A missing one, or another one, is a finding. */
async function readHashed(
  directory: string,
  named: { file: string; sha256: string },
  findings: FindingList,
): Promise<string> {
  const report = (expected: string, found: string): void =>
    findings.add({
      check: 'files',
      position: null,
      walletId: null,
      expected: `${named.file}: ${expected}`,
      found,
    });
  const bytes = await readFile(join(directory, named.file)).catch((error: Error) => {
    report('a file that can be read', error.message);
    return null;
  });
  if (bytes === null) return '';
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== named.sha256) report(`SHA-256 ${named.sha256}`, sha256);
  return bytes.toString('utf8');
}

/** The lines of a file of which the manifest says how many they are. */
async function readCounted(
  directory: string,
  named: { file: string; sha256: string },
  { count, findings }: { count: number; findings: FindingList },
): Promise<string[]> {
  const lines = linesOf(await readHashed(directory, named, findings));
  const found = `${lines.length} lines`;
  if (lines.length !== count)
    findings.add({
      ...{ check: 'files', position: null, walletId: null },
      ...{ expected: `${named.file}: ${count} lines`, found },
    });
  return lines;
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

async function startOf(directory: string, manifest: Manifest, findings: FindingList): Promise<ChainStart> {
  const { opening } = manifest;
  for (const schema of manifest.schemas) await readHashed(directory, schema, findings);
  if (opening === null) return FROM_THE_BEGINNING();
  const heads = emptyHeads();
  const lines = await readCounted(directory, opening, { count: opening.wallets, findings });
  for (const [index, line] of lines.entries()) {
    const head = openingHeadOf(line, `${opening.file} line ${index + 1}`);
    setWallet(heads, head);
  }
  const subtrees = opening.subtrees.map(({ level, hash }) => ({ level, hash: Buffer.from(hash, 'hex') }));
  return { position: BigInt(manifest.from) - 1n, heads, subtrees, partial: true };
}

/** How it was before its first event an export from the middle of the log cannot tell. */
function refuseEarlier(
  { asOf }: ReplayOptions,
  { opening, from }: Manifest,
  { from: before, firstRecordedAt }: RangeSummary,
): void {
  const isFirst = before + 1n === BigInt(from);
  if (opening === null || !isFirst || asOf.time === null || firstRecordedAt === null) return;
  if (asOf.time < firstRecordedAt)
    throw new ExportError(`The export begins at ${firstRecordedAt}, after ${asOf.time}.`);
}

function openingHeadOf(line: string, where: string): WalletHead {
  try {
    return openingHead(parseOpeningWallet(line));
  } catch (error) {
    throw new ExportError(`${where} is no wallet: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function readExportedCheckpoints(options: ReplayOptions, manifest: Manifest, findings: FindingList) {
  const { directory, trusted, kept } = options;
  const exported =
    manifest.publicKey === null ? [] : linesOf(await readHashed(directory, manifest.publicKey, findings));
  const keys = trusted.length > 0 ? trusted : exported;
  const { checkpoints } = manifest;
  const lines =
    checkpoints === null
      ? []
      : await readCounted(directory, checkpoints, { count: checkpoints.count, findings });
  const expected = new Map<bigint, Checkpoint[]>();
  let latest: { origin: string; size: bigint } | null = null;

  function report(size: bigint | null, wanted: string, found: string): void {
    const place = { position: size?.toString() ?? null, walletId: null };
    findings.add({ check: 'checkpoints', ...place, expected: wanted, found });
  }
  const begin = BigInt(manifest.from) - 1n;
  for (const note of kept) {
    const checkpoint = openCheckpoint(note, keys);
    if (checkpoint.size < begin)
      throw new CheckpointError(
        `A kept checkpoint is of ${checkpoint.size} events, before the beginning of the export.`,
      );
    add(checkpoint);
  }
  for (const [index, line] of lines.entries()) {
    try {
      add(openCheckpoint(checkpointLine.parse(JSON.parse(line)).note, keys));
    } catch (error) {
      if (!(error instanceof CheckpointError || error instanceof SyntaxError || error instanceof z.ZodError))
        throw error;
      report(null, `line ${index + 1} of the checkpoints to be signed`, error.message);
    }
  }
  function add(checkpoint: Checkpoint): void {
    // Of a tree that ends before the export begins nothing can be said.
    if (checkpoint.size < begin) return;
    expected.set(checkpoint.size, [...(expected.get(checkpoint.size) ?? []), checkpoint]);
    if (checkpoint.size > BigInt(manifest.to))
      report(checkpoint.size, `${checkpoint.size} events`, `the export ends at ${manifest.to}`);
  }

  return {
    sizes: [...expected.keys()].sort((left, right) => (left < right ? -1 : 1)),
    latest: () => latest,
    onMark(size: bigint, root: Buffer | null): void {
      for (const { origin, root: signed } of expected.get(size) ?? []) {
        if (root?.equals(signed)) latest = { origin, size };
        else
          report(
            size,
            `root ${signed.toString('base64')}, as ${origin} signed`,
            root?.toString('base64') ?? 'no tree: events are missing',
          );
      }
    },
  };
}
