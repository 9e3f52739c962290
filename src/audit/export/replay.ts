/**
 * Rebuilds every balance from an export, without database or network, and verifies on the way: the files against the manifest, each event against
 * its leaf hash, the tree against the signed checkpoints, and the balances by the fold and by the plain sum.
 */
import { join } from 'node:path';
import { createChain, FROM_THE_BEGINNING, type ChainStart } from '../fold/chain.ts';
import { checkErasedWallets } from '../fold/erased-wallets.ts';
import { createFindingList, requireSigned, type FindingList } from '../fold/finding.ts';
import { emptyHeads, setWallet, type WalletHead } from '../fold/heads.ts';
import { readExportedCheckpoints } from './exported-checkpoints.ts';
import { eachCountedLine, eachLine } from './hashed-file.ts';
import type { ExpectedCheckpoints } from '../fold/expected-checkpoints.ts';
import { ExportError, readManifest, type Manifest, type Segment } from './manifest.ts';
import { openingHead, parseOpeningWallet } from './opening.ts';
import type { RangeSummary } from '../fold/range-summary.ts';
import { replaySegments, type ReplayTask, type SegmentFile } from './replay-segment.ts';
import { createTaskRunner, threadsFor, type Threads } from '../threads/task-runner.ts';
import type { Counted, Verdict } from '../fold/verdict.ts';

/** Of each check. */
const MAX_FINDINGS = 200;
/** Of a task: half a million events, as the service exports them. */
const MAX_SEGMENTS = 8;

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
    await runner.run(tasksOf({ ...options, threads }, manifest, checkpoints), (summary) => {
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
  requireSigned(findings, { ...options, latest: checkpoints.latest() });
  const wallets = [...chain.heads.wallets.values()].sort((left, right) =>
    left.walletId < right.walletId ? -1 : 1,
  );
  const verdict = {
    ...{ from, to, counted, wallets: wallets.length },
    seconds: (performance.now() - startedAt) / 1_000,
    ...{ checkpoint: checkpoints.latest(), checkpoints: checkpoints.count() },
    ...{ findings: findings.items, findingCount: findings.count() },
  };
  return { verdict, wallets };
}

/** As few tasks as there are threads, since what a task comes to is told of each wallet that it touches; but none that takes more memory the longer the log is. */
async function* tasksOf(
  { directory, asOf, threads }: ReplayOptions & { threads: number },
  manifest: Manifest,
  checkpoints: ExpectedCheckpoints,
): AsyncGenerator<ReplayTask> {
  const share = Math.min(Math.ceil(manifest.segments.length / threads), MAX_SEGMENTS);
  for (let at = 0; at < manifest.segments.length; at += share) {
    const segments = manifest.segments.slice(at, at + share).map((segment) => fileOf(directory, segment));
    const from = (segments[0]?.first ?? 1n) - 1n;
    const to = segments.at(-1)?.last ?? from;
    yield { from, to, segments, marked: checkpoints.sizesWithin({ from, to }), until: asOf };
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

async function startOf(directory: string, manifest: Manifest, findings: FindingList): Promise<ChainStart> {
  const { opening } = manifest;
  for (const schema of manifest.schemas) await eachLine(directory, schema, findings, () => undefined);
  if (opening === null) return FROM_THE_BEGINNING();
  const heads = emptyHeads();
  await eachCountedLine(directory, { ...opening, count: opening.wallets }, findings, (line, number) =>
    setWallet(heads, openingHeadOf(line, `${opening.file} line ${number}`)),
  );
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
