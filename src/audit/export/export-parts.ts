/** The files of an export beside its events: checkpoints, public keys, schemas, and the wallets before the first event. */
import { hash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { replaceFile } from '../../db/embedded/durable-file.ts';
import { inSnapshot } from '../../db/pool.ts';
import { currentVersion, eventSchemas, isEventType } from '../../events/catalog.ts';
import {
  readCheckpoints,
  readIncarnation,
  readPublicKeys,
  type StoredCheckpoint,
} from '../sealed/checkpoint-log.ts';
import { jsonSchemaOf } from '../fold/event-validators.ts';
import type { Manifest } from './manifest.ts';
import { readOpening } from './opening.ts';
import { readFrontier } from '../sealed/sealed-tree.ts';

type HashedFile = { file: string; sha256: string };

async function writeHashed(directory: string, file: string, content: string): Promise<HashedFile> {
  await replaceFile(join(directory, file), content);
  return { file, sha256: hash('sha256', content, 'hex') };
}

/** A line a checkpoint, `{"size","note"}`, in the order of sizes; null where nothing is sealed up to there. */
export async function writeCheckpoints(
  pool: Pool,
  ledgerId: number,
  directory: string,
  upTo: bigint,
): Promise<Manifest['checkpoints']> {
  const lines: string[] = [];
  let after: StoredCheckpoint | undefined;
  do {
    const page = await readCheckpoints(pool, ledgerId, { upTo, ...(after && { after }) });
    for (const { treeSize, note } of page)
      lines.push(`${JSON.stringify({ size: treeSize.toString(), note })}\n`);
    after = page.at(-1);
  } while (after !== undefined);
  if (lines.length === 0) return null;
  return { ...(await writeHashed(directory, 'checkpoints.ndjson', lines.join(''))), count: lines.length };
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
  const incarnation = (await readIncarnation(pool, ledgerId))?.number ?? 0;
  const subtrees = await inSnapshot(pool, (tx) => readFrontier(tx, { ledgerId, incarnation }, position));
  return {
    ...(await writeHashed(directory, 'opening.ndjson', lines)),
    wallets: wallets.length,
    subtrees: subtrees.map((subtree) => ({ level: subtree.level, hash: subtree.hash.toString('hex') })),
  };
}
