/** coffer keys: who may ask, and what. */
import { InvalidArgumentError, type Command } from 'commander';
import { createKey, listKeys, revokeKey, rotateKey, type StoredKey } from '../access/keys.ts';
import { isScope, SCOPES, type Scope } from '../access/scopes.ts';
import type { Config } from '../config.ts';
import { ledgerIdOf } from '../db/ledgers.ts';
import type { Run } from './audit.ts';
import { withMigratedPool } from './command-pool.ts';
import { ledgerOption, type OfLedger } from './of-ledger.ts';

const MAX_OVERLAP_SECONDS = 7 * 24 * 60 * 60;

type CreateOptions = OfLedger & {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly expires?: Date;
};

export function addKeyCommands(program: Command, run: Run): void {
  const keys = program.command('keys').description('who may ask, and what; docs/access.md');
  keys
    .command('create')
    .requiredOption('--name <name>', 'for people: who uses it', keyName)
    .requiredOption('--scopes <scopes>', `a list with commas, of ${SCOPES.join(', ')}`, scopeList)
    .addOption(ledgerOption())
    .option(
      '--expires <when>',
      'a time, such as 2027-01-31T00:00:00Z, or a span, such as 90d, 12h, 30m',
      moment,
    )
    .description('make a key: stdout is the key alone, and nobody can show it again')
    .action(run((config, options: CreateOptions) => create(config, options)));
  keys
    .command('list')
    .addOption(ledgerOption())
    .description('all keys of a ledger, oldest first, without their secrets')
    .action(run((config, options: OfLedger) => list(config, options)));
  keys
    .command('revoke')
    .argument('<key>', 'its id or its prefix, never the key itself')
    .addOption(ledgerOption())
    .description('end a key for ever, in every process within a second')
    .action(run((config, key: string, options: OfLedger) => revoke(config, key, options)));
  keys
    .command('rotate')
    .argument('<key>', 'its id or its prefix, never the key itself')
    .addOption(ledgerOption())
    .option(
      '--overlap <span>',
      'how long the old secret counts beside the new one, such as 1h; 7d at most',
      span,
      0,
    )
    .description('give a key another secret: stdout is the key alone')
    .action(
      run((config, key: string, options: OfLedger & { readonly overlap: number }) =>
        rotate(config, key, options),
      ),
    );
}

function create(config: Config, { name, scopes, ledger, expires }: CreateOptions): Promise<number> {
  return withMigratedPool(config, async ({ pool }) => {
    const expiresAt = expires?.toISOString() ?? null;
    const { key, text } = await createKey(pool, await ledgerIdOf(pool, ledger), { name, scopes, expiresAt });
    console.log(text);
    console.error(`${key.prefix}  id ${key.id}  ${key.scopes.join(',')}  ledger ${ledger}`);
    console.error(expiresAt === null ? 'It has no end.' : `It ends at ${expiresAt}.`);
    console.error(
      'It is not shown again: only its hash is kept. From the first key on, every request needs one.',
    );
    return 0;
  });
}

function list(config: Config, { ledger }: OfLedger): Promise<number> {
  return withMigratedPool(config, async ({ pool }) => {
    for (const key of await listKeys(pool, await ledgerIdOf(pool, ledger))) console.log(lineOf(key));
    return 0;
  });
}

function lineOf({ id, prefix, state, scopes, name, lastUsedAt, expiresAt }: StoredKey): string {
  const used = lastUsedAt === null ? 'never used' : `used ${lastUsedAt}`;
  const end = expiresAt === null ? '' : `  ends ${expiresAt}`;
  return `${prefix.padEnd(12)}  ${id}  ${state.padEnd(7)}  ${scopes.join(',')}  ${used}${end}  ${JSON.stringify(name)}`;
}

function revoke(config: Config, wanted: string, { ledger }: OfLedger): Promise<number> {
  return withMigratedPool(config, async ({ pool }) => {
    const key = await revokeKey(pool, await ledgerIdOf(pool, ledger), named(wanted));
    console.log(`${key.prefix} is revoked`);
    const left = (await listKeys(pool, key.ledgerId)).filter(({ state }) => state === 'valid');
    if (left.length === 0)
      console.error(
        'No key of this ledger counts any more, and requests still need one: `coffer keys create` makes it.',
      );
    return 0;
  });
}

function rotate(
  config: Config,
  wanted: string,
  { ledger, overlap }: OfLedger & { readonly overlap: number },
): Promise<number> {
  return withMigratedPool(config, async ({ pool }) => {
    const { key, text } = await rotateKey(pool, await ledgerIdOf(pool, ledger), named(wanted), overlap);
    console.log(text);
    const until = key.previousUntil === null ? 'counts no longer' : `counts until ${key.previousUntil}`;
    console.error(`${key.prefix}  id ${key.id}: the secret before it ${until}.`);
    return 0;
  });
}

/** Who pastes a whole key has it in the history of the shell already; it need not be in an error too. */
function named(wanted: string): string {
  return /^cof_[a-z2-7]{8}_/.exec(wanted) === null ? wanted : wanted.slice(0, 12);
}

function keyName(text: string): string {
  const name = text.trim();
  if (name.length >= 1 && name.length <= 100 && !/\p{Cc}/u.test(name)) return name;
  throw new InvalidArgumentError('It has 1 to 100 characters.');
}

function scopeList(text: string): Scope[] {
  const scopes = text.split(',').map((scope) => scope.trim());
  const unknown = scopes.filter((scope) => !isScope(scope));
  if (unknown.length > 0)
    throw new InvalidArgumentError(
      `There is no scope ${unknown.join(', ')}. There are: ${SCOPES.join(', ')}.`,
    );
  return [...new Set(scopes.filter(isScope))];
}

const UNITS: Readonly<Record<string, number>> = { d: 86_400, h: 3_600, m: 60, s: 1 };

/** Seconds. */
function span(text: string): number {
  const seconds = secondsOf(text);
  if (seconds !== null && seconds <= MAX_OVERLAP_SECONDS) return seconds;
  throw new InvalidArgumentError('It is a span of 7d at most, such as 30m, 12h or 2d.');
}

function secondsOf(text: string): number | null {
  const [, count, unit] = /^([0-9]{1,6})([smhd])$/.exec(text) ?? [];
  return count === undefined || unit === undefined ? null : Number(count) * (UNITS[unit] ?? 0);
}

function moment(text: string): Date {
  const seconds = secondsOf(text);
  const isTime = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?$/.test(text);
  const at = seconds === null ? Date.parse(isTime ? text : '') : Date.now() + seconds * 1_000;
  if (Number.isNaN(at))
    throw new InvalidArgumentError('It is a time, such as 2027-01-31T00:00:00Z, or a span, such as 90d.');
  if (at <= Date.now()) throw new InvalidArgumentError('It is over already.');
  return new Date(at);
}
