import { extname } from 'node:path';
import { MAIN_LEDGER } from '../../db/ledgers.ts';

/**
 * Each ledger is sealed with a key of its own, which stands beside that of `main` and bears its name: so that what is signed for
 * one says nothing of another, and its key can be handed over with it.
 */
export function ledgerKeyFile(keyFile: string, slug: string): string {
  if (slug === MAIN_LEDGER) return keyFile;
  const extension = extname(keyFile);
  return `${keyFile.slice(0, keyFile.length - extension.length)}.${slug}${extension}`;
}
