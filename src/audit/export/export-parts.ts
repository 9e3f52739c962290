/** The files of an export beside its events: checkpoints, public keys, schemas, and the wallets before the first event. */
import { createHash, hash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Pool } from 'pg';
import { replaceFile } from '../../db/embedded/durable-file.ts';
import { inSnapshot } from '../../db/pool.ts';
import { currentVersion, eventSchemas, isEventType } from '../../events/catalog.ts';
import { readCheckpoints, readPublicKeys, type StoredCheckpoint } from '../sealed/checkpoint-log.ts';
import { jsonSchemaOf } from '../fold/event-validators.ts';
import type { Manifest } from './manifest.ts';
import { readOpening } from './opening.ts';
import { readLogFrontier } from '../sealed/log-frontier.ts';

type HashedFile = { file: string; sha256: string };

async function writeHashed(directory: string, file: string, content: string): Promise<HashedFile> {
  await replaceFile(join(directory, file), content);
  return { file, sha256: hash('sha256', content, 'hex') };
}

/** A line a checkpoint, `{"size","note"}`, in the order of sizes, written page by page; null where nothing is sealed up to there. */
export async function writeCheckpoints(
  pool: Pool,
  ledgerId: number,
  directory: string,
  upTo: bigint,
): Promise<Manifest['checkpoints']> {
  const file = 'checkpoints.ndjson';
  const partial = join(directory, `${file}.part`);
  const digest = createHash('sha256');
  let count = 0;
  async function* lines(): AsyncGenerator<string> {
    let after: StoredCheckpoint | undefined;
    do {
      const page = await readCheckpoints(pool, ledgerId, { upTo, ...(after && { after }) });
      const text = page
        .map(({ treeSize, note }) => `${JSON.stringify({ size: treeSize.toString(), note })}\n`)
        .join('');
      digest.update(text);
      count += page.length;
      after = page.at(-1);
      yield text;
    } while (after !== undefined);
  }
  await pipeline(Readable.from(lines()), createWriteStream(partial, { mode: 0o600, flush: true }));
  if (count === 0) {
    await rm(partial);
    return null;
  }
  await rename(partial, join(directory, file));
  return { file, sha256: digest.digest('hex'), count };
}

/** The vkeys that ever signed, a line each. Whoever trusts them has to have them from elsewhere too. */
export async function writePublicKeys(
  pool: Pool,
  ledgerId: number,
  directory: string,
): Promise<HashedFile | null> {
  const vkeys = await readPublicKeys(pool, ledgerId);
  return vkeys.length === 0
    ? null
    : writeHashed(directory, 'public-key', vkeys.map((vkey) => `${vkey}\n`).join(''));
}

/** JSON Schemas (2020-12) of the data of every type of event. */
export async function writeSchemas(directory: string): Promise<HashedFile[]> {
  await mkdir(join(directory, 'schemas'), { recursive: true });
  const written: HashedFile[] = [];
  for (const type of Object.keys(eventSchemas).filter(isEventType)) {
    const content = `${JSON.stringify(jsonSchemaOf(type), null, 2)}\n`;
    written.push(await writeHashed(directory, `schemas/${type}@${currentVersion[type]}.json`, content));
  }
  return written;
}

/** How every wallet stood after a position, and the tree up to there: what an export from the middle of the log starts from. */
export async function writeOpening(
  pool: Pool,
  ledgerId: number,
  directory: string,
  position: bigint,
): Promise<NonNullable<Manifest['opening']>> {
  const wallets = await readOpening(pool, ledgerId, position);
  const lines = wallets.map((wallet) => `${JSON.stringify(wallet)}\n`).join('');
  const subtrees = await inSnapshot(pool, (tx) => readLogFrontier(tx, ledgerId, position));
  return {
    ...(await writeHashed(directory, 'opening.ndjson', lines)),
    wallets: wallets.length,
    subtrees: subtrees.map((subtree) => ({ level: subtree.level, hash: subtree.hash.toString('hex') })),
  };
}
