/** Folds segments of an export: reads its lines, holds each against its leaf hash, and takes what is wanted into the fold. */
import { createHash, type Hash } from 'node:crypto';
import { open, readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { createZstdDecompress, type ZstdDecompress } from 'node:zlib';
import { boundedSpans, type LinesIn } from '../rows/bounded-lines.ts';
import { parseEventLine } from './event-line.ts';
import { createLineReader } from './line-leaf.ts';
import type { LoggedEvent } from '../tree/decode-leaf.ts';
import { encodeLeaf } from '../tree/leaf.ts';
import { framedLeafHash, HASH_BYTES, leafHash } from '../tree/merkle.ts';
import { readFact } from '../fold/event-validators.ts';
import { createRangeFold, type RangeFold } from '../fold/range-fold.ts';
import type { PositionRange, RangeSummary } from '../fold/range-summary.ts';

export type SegmentFile = {
  readonly path: string;
  readonly sha256: string;
  /** Positions. */
  readonly first: bigint;
  readonly last: bigint;
  readonly leaves: { readonly path: string; readonly sha256: string };
};

/** Segments that follow each other. */
export type ReplayTask = PositionRange & {
  readonly segments: readonly SegmentFile[];
  readonly marked: readonly bigint[];
  /** What comes after is part of the tree, and not of the balances. */
  readonly until: Until;
};

type Until = { readonly position: bigint | null; readonly time: string | null };

/** Larger ones spare turns of the event loop, of which each costs as much as some lines. */
const CHUNK_BYTES = 1_048_576;

/** Whatever is wrong with the files is a finding of the summary. `onProgress` is told how many positions each segment had. */
export async function replaySegments(
  task: ReplayTask,
  onProgress: (positions: bigint) => void,
): Promise<RangeSummary> {
  const fold = createRangeFold(task, task.marked, readFact);
  for (const segment of task.segments) {
    await replaySegment(fold, segment, task.until);
    onProgress(segment.last - segment.first + 1n);
  }
  return fold.finish();
}

async function replaySegment(fold: RangeFold, segment: SegmentFile, until: Until): Promise<void> {
  const name = basename(segment.path);
  const wrong = (where: string, expected: string, found: string): void =>
    fold.report('files', { position: segment.first }, `${where}: ${expected}`, found);
  const leaves = await readLeafHashes(segment, wrong);
  const digest = createHash('sha256');
  try {
    const expected = segment.last - segment.first + 1n;
    const replayLine = createLineReplay(fold, { name, first: segment.first, until, leaves });
    let line = 0;
    for await (const { bytes, starts, ends } of linesIn(segment.path, digest)) {
      for (const [index, start] of starts.entries()) {
        line += 1;
        // Whatever else there is belongs to no position: a few bytes may be compressed from lines without end.
        if (BigInt(line) > expected) return wrong(name, `${expected} lines`, 'more');
        replayLine(line, bytes, start, ends[index] ?? start);
      }
    }
    const sha256 = digest.digest('hex');
    if (sha256 !== segment.sha256) wrong(name, `SHA-256 ${segment.sha256}`, sha256);
    if (BigInt(line) !== expected) wrong(name, `${expected} lines`, `${line} lines`);
  } catch (error) {
    wrong(name, 'a file that can be read', error instanceof Error ? error.message : String(error));
  }
}

async function readLeafHashes(
  { leaves, first, last }: SegmentFile,
  wrong: (where: string, expected: string, found: string) => void,
): Promise<Buffer> {
  const name = basename(leaves.path);
  const expected = Number(last - first + 1n) * HASH_BYTES;
  const bytes = await readAtMost(leaves.path, expected).catch((error: Error) => {
    wrong(name, 'a file that can be read', error.message);
    return Buffer.alloc(0);
  });
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== leaves.sha256) wrong(name, `SHA-256 ${leaves.sha256}`, sha256);
  return bytes;
}

async function readAtMost(path: string, bytes: number): Promise<Buffer> {
  const { size } = await stat(path);
  if (size > bytes) throw new Error(`it has ${size} bytes, and not ${bytes}`);
  return readFile(path);
}

type LineReplay = (line: number, bytes: Buffer, start: number, end: number) => void;

/** Of a segment: each line against its position and the hash that was exported with it. Lines are counted from 1. */
function createLineReplay(
  fold: RangeFold,
  { name, first, until, leaves }: { name: string; first: bigint; until: Until; leaves: Buffer },
): LineReplay {
  const readLine = createLineReader();

  return (line, bytes, start, end) => {
    const expected = first + BigInt(line) - 1n;
    const where = (): string => `${name} line ${line}`;
    let read: { readonly event: LoggedEvent; readonly hash: Buffer };
    try {
      const usual = readLine(bytes, start, end);
      read =
        usual === null
          ? unusualLine(bytes.toString('utf8', start, end))
          : { event: usual.event, hash: framedLeafHash(usual.framed) };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return fold.report(
        'files',
        { position: expected },
        `${where()}: the event at position ${expected}`,
        message,
      );
    }
    const { event, hash } = read;
    const { position, recordedAt } = event;
    const at = (line - 1) * HASH_BYTES;
    if (position !== expected)
      fold.report(
        'files',
        { position },
        `${where()}: the event at position ${expected}`,
        `position ${position}`,
      );
    else if (
      at + HASH_BYTES > leaves.length ||
      leaves.compare(hash, 0, HASH_BYTES, at, at + HASH_BYTES) !== 0
    ) {
      const wanted = leaves.toString('hex', at, at + HASH_BYTES);
      fold.report('files', { position }, `${where()}: leaf hash ${wanted}`, hash.toString('hex'));
    }
    const late =
      (until.position !== null && position > until.position) ||
      (until.time !== null && recordedAt > until.time);
    if (late) fold.pass(event, hash);
    else fold.add(event, hash, null);
  };
}

/** By way of the values. Throws for what is no event, and for a position or a version of more bytes than a leaf has for it. */
function unusualLine(text: string): { event: LoggedEvent; hash: Buffer } {
  const event = parseEventLine(text);
  return { event, hash: leafHash(encodeLeaf(event)) };
}

/** The lines of a compressed file, some at a time, while its bytes are hashed. Rejects for one that cannot be decompressed. */
async function* linesIn(path: string, digest: Hash): AsyncGenerator<LinesIn> {
  const plain = createZstdDecompress({ chunkSize: CHUNK_BYTES });
  const read = readInto(plain, path, digest);
  yield* boundedSpans(plain as AsyncIterable<Buffer>);
  await read;
}

/**
 * Resolves when all is read, or nobody wants it any more; what goes wrong is for who reads `plain`. All goes through one buffer, which is read
 * into again once its bytes are decompressed: one for each chunk would be collected long after it is done with.
 */
async function readInto(plain: ZstdDecompress, path: string, digest: Hash): Promise<void> {
  const closed = new Promise<void>((resolve) => plain.once('close', resolve));
  try {
    await using file = await open(path);
    const buffer = Buffer.alloc(CHUNK_BYTES);
    for (;;) {
      const { bytesRead } = await file.read(buffer);
      if (bytesRead === 0 || plain.destroyed) break;
      const bytes = buffer.subarray(0, bytesRead);
      digest.update(bytes);
      await Promise.race([closed, new Promise((resolve) => plain.write(bytes, resolve))]);
    }
    plain.end();
  } catch (error) {
    plain.destroy(error instanceof Error ? error : new Error(String(error)));
  }
}
