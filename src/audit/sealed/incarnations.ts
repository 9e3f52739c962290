/**
 * Who may sign what. A log has an origin, which names the ledger and the incarnation, and one key at a time. What is signed goes on
 * from one checkpoint to the next: a ledger that was restored from an older backup can't, so it gets a new incarnation, whose
 * checkpoints name the old one's last.
 */
import { hash, randomBytes } from 'node:crypto';
import type { Transaction } from '../../db/transaction.ts';
import { readIncarnation, readPublicKeys, type Incarnation } from './checkpoint-log.ts';
import { installKeyFile, KeyFileError, readKeyFile, readOrMakeKeyFile, type SigningKey } from './key-file.ts';
import { vkeyOf } from './note.ts';

/** First of the two numbers of the advisory lock that a sealer holds; the second is the ledger. */
const SEALING_LOCK = 0x436f_6666;

/** This process is not the one to seal: the ledger's key is not in its file. */
export class NotOurKeyError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NotOurKeyError';
  }
}

export type Signer = { readonly incarnation: Incarnation; readonly key: SigningKey };

/** Until the end of the transaction no other one seals, or changes who does. False when another one has it. */
export async function tryLockSealing(tx: Transaction, ledgerId: number): Promise<boolean> {
  const { rows } = await tx.query<{ locked: boolean }>({
    name: 'try-lock-sealing',
    text: 'select pg_try_advisory_xact_lock($1::integer, $2::integer) as locked',
    values: [SEALING_LOCK, ledgerId],
  });
  return rows[0]?.locked === true;
}

/** The same, waiting as long as the session's lock_timeout allows. */
export async function lockSealing(tx: Transaction, ledgerId: number): Promise<void> {
  await tx.query({
    name: 'lock-sealing',
    text: 'select pg_advisory_xact_lock($1::integer, $2::integer)',
    values: [SEALING_LOCK, ledgerId],
  });
}

/**
 * The incarnation that is sealed and the key that signs for it; the first ones are made here. Under the lock. Rejects with a
 * NotOurKeyError where the key is elsewhere, with a KeyFileError where the file cannot be used.
 */
export async function readSigner(tx: Transaction, ledgerId: number, keyFile: string): Promise<Signer> {
  const incarnation = (await readIncarnation(tx, ledgerId)) ?? (await startIncarnation(tx, ledgerId, null));
  const known = await readPublicKeys(tx, ledgerId);
  const current = known.at(-1);
  if (current === undefined) {
    const key = await readOrMakeKeyFile(keyFile);
    await addPublicKey(tx, ledgerId, vkeyOf(incarnation.origin, key.publicKey));
    return { incarnation, key };
  }
  const key = await readKeyFile(keyFile);
  if (key !== null && vkeyOf(incarnation.origin, key.publicKey) === current) return { incarnation, key };
  const rotated = await installRotated(keyFile, incarnation, current);
  if (rotated !== null) return { incarnation, key: rotated };
  throw new NotOurKeyError(
    `${key === null ? `There is no ${keyFile}` : `The key in ${keyFile} is not the one`} that this ledger's checkpoints are signed with, ${current}. ` +
      'Put that key there, or run `coffer audit rotate-key` to go on with a new one.',
  );
}

/** A rotation that broke off between the database and the file is brought to its end. Null where there was none. */
async function installRotated(
  keyFile: string,
  { origin }: Incarnation,
  current: string,
): Promise<SigningKey | null> {
  const key = await readKeyFile(rotatedKeyFile(keyFile, current));
  if (key === null || vkeyOf(origin, key.publicKey) !== current) return null;
  await installKeyFile(rotatedKeyFile(keyFile, current), keyFile);
  return key;
}

/** Where a new key waits for the database to know it: named for the key, so that two rotations never share one. */
export function rotatedKeyFile(keyFile: string, vkey: string): string {
  const publicKey = vkey.split('+').slice(2).join('+');
  return `${keyFile}.${hash('sha256', publicKey).slice(0, 16)}.next`;
}

/** Under the lock. `succeeds`: the signed checkpoint that the new incarnation goes on from. */
export async function startIncarnation(
  tx: Transaction,
  ledgerId: number,
  succeeds: string | null,
): Promise<Incarnation> {
  const randomId = randomBytes(8).toString('hex');
  const { rows } = await tx.query<Incarnation>({
    text: `
insert into audit_incarnations (ledger_id, number, random_id, origin, succeeds)
select l.id, n.number, $2::text, 'coffer/' || l.slug || '/' || n.number || '-' || $2::text, $3::text
  from ledgers l
 cross join lateral (
        select coalesce(max(i.number), 0) + 1 as number
          from audit_incarnations i
         where i.ledger_id = l.id
       ) n
 where l.id = $1::integer
returning number, origin, succeeds`,
    values: [ledgerId, randomId, succeeds],
  });
  const started = rows[0];
  if (started === undefined) throw new Error(`there is no ledger ${ledgerId}`);
  return started;
}

/** Under the lock: from now on this key signs. */
export async function addPublicKey(tx: Transaction, ledgerId: number, vkey: string): Promise<void> {
  await tx.query({
    text: `
insert into audit_keys (ledger_id, number, vkey)
select $1::integer, coalesce(max(k.number), 0) + 1, $2::text
  from audit_keys k
 where k.ledger_id = $1::integer`,
    values: [ledgerId, vkey],
  });
}

/** Whether sealing has to wait for somebody to do something about the key; anything else is a fault. */
export function isKeyTrouble(error: unknown): error is Error {
  return error instanceof KeyFileError || error instanceof NotOurKeyError;
}
