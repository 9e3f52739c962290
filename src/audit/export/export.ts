/**
 * Takes the log out of the database: segments of lines, with their hashes, the signed checkpoints, the public keys, and the schemas of all events. What
 * has been written is written down in the manifest segment by segment, so an export that broke off, or one of an earlier day, is gone on with.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createZstdCompress } from 'node:zlib';
import type { Pool, PoolClient } from 'pg';
import { headPosition } from '../../events/head.ts';
import { replaceFile } from '../../db/embedded/durable-file.ts';
import { createAuditPool } from '../rows/audit-pool.ts';
import { eventLine } from './event-line.ts';
import { writeCheckpoints, writeOpening, writePublicKeys, writeSchemas } from './export-parts.ts';
import { readLeaves } from '../rows/log-rows.ts';
import { ExportError, FORMAT, readManifest, writeManifest, type Manifest, type Segment } from './manifest.ts';
import type { PositionRange } from '../fold/range-summary.ts';

/** Events of a segment. */
const SEGMENT = 65_536n;

export type ExportOptions = {
  readonly url: string;
  readonly ledger: { readonly id: number; readonly slug: string };
  readonly directory: string;
  /** First and last position; the whole log without. */
  readonly from: bigint | null;
  readonly to: bigint | null;
  readonly onProgress: (progress: { done: bigint; total: bigint }) => void;
  /** Events of a segment; the same for all exports into one directory. */
  readonly segmentEvents?: bigint;
  /** Called with each segment once it is written. What has become of its files is not looked at again. */
  readonly onSegment?: (segment: Segment) => Promise<void>;
};

/** Rejects with an ExportError where the directory holds something else, or the positions are not in the log. */
export async function exportLog(options: ExportOptions): Promise<Manifest> {
  const pool = createAuditPool(options.url, 2);
  try {
    await mkdir(options.directory, { recursive: true });
    return await exportFrom(pool, options);
  } finally {
    await pool.end();
  }
}

async function exportFrom(pool: Pool, options: ExportOptions): Promise<Manifest> {
  const { directory, ledger } = options;
  const head = await headPosition(pool, ledger.id);
  const [from, to] = [options.from ?? 1n, options.to ?? head];
  if (head === 0n) throw new ExportError('The log is empty: there is nothing to export.');
  if (from < 1n || to < from || to > head)
    throw new ExportError(`The log has the positions 1 to ${head}: ${from} to ${to} cannot be exported.`);
  const earlier = await readManifest(directory);
  refuseOther(earlier, options, from);
  const segmentEvents = options.segmentEvents ?? SEGMENT;
  const kept = earlier === null ? [] : await keptSegments(directory, earlier, { to, segmentEvents });
  let manifest: Manifest = {
    ...{ format: FORMAT, ledger: ledger.slug, complete: false },
    ...{ from: from.toString(), to: to.toString(), events: eventsIn(kept), segments: kept },
    ...{ checkpoints: null, publicKey: null, schemas: [], opening: await keptOpening(directory, earlier) },
  };
  if (from > 1n && manifest.opening === null)
    manifest = { ...manifest, opening: await writeOpening(pool, ledger.id, directory, from - 1n) };
  const client = await pool.connect();
  try {
    // From here on its files are not those of the export that may have been complete before.
    await writeManifest(directory, manifest);
    for (const range of segmentsOf({ from: lastOf(kept) ?? from - 1n, to }, segmentEvents)) {
      const segment = await writeSegment(client, ledger.id, directory, range);
      const segments = [...manifest.segments, segment];
      manifest = { ...manifest, segments, events: eventsIn(segments) };
      await writeManifest(directory, manifest);
      await options.onSegment?.(segment);
      options.onProgress({ done: range.to - from + 1n, total: to - from + 1n });
    }
  } finally {
    client.release();
  }
  manifest = {
    ...{ ...manifest, complete: true },
    checkpoints: await writeCheckpoints(pool, ledger.id, directory, to),
    publicKey: await writePublicKeys(pool, ledger.id, directory),
    schemas: await writeSchemas(directory),
  };
  await writeManifest(directory, manifest);
  return manifest;
}

function refuseOther(earlier: Manifest | null, { ledger, directory }: ExportOptions, from: bigint): void {
  if (earlier === null) return;
  if (earlier.ledger !== ledger.slug || earlier.from !== from.toString()) {
    throw new ExportError(
      `${directory} holds an export of the ledger ${earlier.ledger} from position ${earlier.from}: take another directory.`,
    );
  }
}

/** Those that are there as the manifest says, up to the first that is not. The last one may have been short: it is written again. */
async function keptSegments(
  directory: string,
  { from, segments }: Manifest,
  { to, segmentEvents }: { to: bigint; segmentEvents: bigint },
): Promise<Segment[]> {
  const kept: Segment[] = [];
  let next = BigInt(from);
  for (const segment of segments) {
    const last = BigInt(segment.last);
    const isFull = last % segmentEvents === 0n || last === to;
    if (!isFull || last > to || BigInt(segment.first) !== next) return kept;
    for (const { file, sha256 } of [segment, segment.leaves])
      if ((await hashOfFile(join(directory, file)).catch(nullIfMissing)) !== sha256) return kept;
    kept.push(segment);
    next = last + 1n;
  }
  return kept;
}

/** Null for one that is not as it was written: it is written again. */
async function keptOpening(directory: string, earlier: Manifest | null): Promise<Manifest['opening']> {
  const opening = earlier?.opening ?? null;
  if (opening === null) return null;
  const found = await hashOfFile(join(directory, opening.file)).catch(nullIfMissing);
  return found === opening.sha256 ? opening : null;
}

function nullIfMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}

/** Segments end where a number of whole ones would, so that an export that goes on later adds to them. */
function* segmentsOf(
  { from: start, to: end }: PositionRange,
  segmentEvents: bigint,
): Generator<PositionRange> {
  for (let from = start; from < end;) {
    const full = (from / segmentEvents + 1n) * segmentEvents;
    const to = full < end ? full : end;
    yield { from, to };
    from = to;
  }
}

/** Lines go to the compressor as it takes them; the leaf hashes, 32 bytes an event, are gathered. */
async function writeSegment(
  client: PoolClient,
  ledgerId: number,
  directory: string,
  range: PositionRange,
): Promise<Segment> {
  const first = range.from + 1n;
  const file = `events-${first}.ndjson.zst`;
  const hashes: Buffer[] = [];
  const partial = join(directory, `${file}.part`);
  await pipeline(
    Readable.from(linesOf(client, ledgerId, range, hashes)),
    createZstdCompress(),
    createWriteStream(partial, { mode: 0o600, flush: true }),
  );
  if (BigInt(hashes.length) !== range.to - range.from)
    throw new ExportError(
      `Events are missing between ${first} and ${range.to}: \`coffer audit verify\` says which.`,
    );
  await rename(partial, join(directory, file));
  const leaves = Buffer.concat(hashes);
  const leavesFile = `leaves-${first}.bin`;
  await replaceFile(join(directory, leavesFile), leaves);
  return {
    ...{
      file,
      sha256: await hashOfFile(join(directory, file)),
      bytes: (await stat(join(directory, file))).size,
    },
    ...{ first: first.toString(), last: range.to.toString(), events: hashes.length },
    leaves: { file: leavesFile, sha256: createHash('sha256').update(leaves).digest('hex') },
  };
}

async function* linesOf(
  client: PoolClient,
  ledgerId: number,
  range: PositionRange,
  hashes: Buffer[],
): AsyncGenerator<string> {
  const step = 2_048n;
  for (let { from } = range; from < range.to; from += step) {
    const to = from + step < range.to ? from + step : range.to;
    const lines: string[] = [];
    await readLeaves(client, ledgerId, { from, to }, (leaf, hash) => {
      lines.push(eventLine(leaf));
      hashes.push(hash);
    });
    yield lines.join('');
  }
}

export async function hashOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

function eventsIn(segments: readonly Segment[]): number {
  return segments.reduce((sum, { events }) => sum + events, 0);
}

function lastOf(segments: readonly Segment[]): bigint | null {
  const last = segments.at(-1);
  return last === undefined ? null : BigInt(last.last);
}
