/** `--ledger`, of every command that is about one ledger. */
import { Option } from 'commander';
import { MAIN_LEDGER } from '../db/ledgers.ts';

export type OfLedger = { readonly ledger: string };

export function ledgerOption(): Option {
  return new Option('--ledger <slug>', 'of which ledger').default(MAIN_LEDGER);
}
