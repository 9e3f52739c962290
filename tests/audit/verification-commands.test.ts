/** coffer audit verify, export and replay as an auditor runs them: what is printed where, and with which exit code. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { bareEnvironment, ROOT } from '../support/coffer-process.ts';
import { openFilledLedger, type FilledLedger } from './filled-ledger.ts';

/** Nobody listens there. */
const NO_DATABASE = 'postgres://nobody@127.0.0.1:1/none';

type Ran = { readonly code: number; readonly stdout: string; readonly stderr: string };

let ledger: FilledLedger;
let directory: string;

before(async () => {
  ledger = await openFilledLedger({ events: 400, sealedAt: [300] });
  directory = await mkdtemp(join(tmpdir(), 'coffer-audit-commands-'));
});

after(async () => {
  await ledger.close();
  await rm(directory, { recursive: true });
});

function audit(args: readonly string[], url = ledger.url): Promise<Ran> {
  return coffer(['audit', ...args], { DATABASE_URL: url });
}

function coffer(args: readonly string[], own: Readonly<Record<string, string>>): Promise<Ran> {
  const env = { ...bareEnvironment(), COFFER_AUDIT_KEY_FILE: ledger.keyFile, ...own };
  return new Promise((resolve) => {
    const options = { cwd: ROOT, env, timeout: 30_000 };
    const child = execFile(process.execPath, ['src/main.ts', ...args], options, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

test('verify says up to where all is in order, and exits with 0', async () => {
  const { code, stdout } = await audit(['verify']);
  assert.match(stdout, /Verified up to 400\.\n$/);
  assert.doesNotMatch(stdout, /FAIL/);
  assert.equal(code, 0);
});

test('verify names what it finds, as text and as JSON, and exits with 1', async () => {
  const copy = await ledger.copy();
  try {
    await copy.superuser.query(`update wallets set balance = balance + 1 where owner = 'treasury'`);
    const { code, stdout } = await audit(['verify', '--json'], copy.url);
    const report = JSON.parse(stdout);
    assert.deepEqual([code, report.verified, report.to, report.unsealed], [1, false, '400', '100']);
    assert.equal(report.findings[0].check, 'wallets');
    const text = await audit(['verify', '--from-checkpoint'], copy.url);
    assert.equal(text.code, 1);
    assert.match(
      text.stdout,
      /FAIL {2}wallet heads[^]*expected {2}wallets [^]*NOT verified: \d+ findings\.\n$/,
    );
  } finally {
    await copy.drop();
  }
});

test('verify exits with 2 and a sentence where it could not run', async () => {
  const note = join(directory, 'note');
  await writeFile(note, 'no checkpoint');
  for (const args of [
    ['verify', '--checkpoint', note],
    ['verify', '--from-checkpoint', note],
    ['verify', '--key', join(directory, 'missing')],
  ]) {
    const { code, stdout, stderr } = await audit(args);
    assert.deepEqual([code, stdout], [2, ''], stderr);
    assert.notEqual(stderr, '');
    assert.doesNotMatch(stderr, /^ {4}at /m, 'a stack');
  }
});

test('an environment that cannot be used is no finding: exit code 2, and the variable by its name', async () => {
  for (const args of [
    ['audit', 'verify'],
    ['audit', 'replay', directory],
    ['audit', 'check', 'proof', '--key', 'key'],
    ['projections', 'rebuild', '--dry-run'],
  ]) {
    const { code, stdout, stderr } = await coffer(args, { DATABASE_URL: 'mysql://nobody', PORT: 'abc' });
    assert.deepEqual([code, stdout], [2, ''], args.join(' '));
    assert.match(stderr, /^Unusable environment:\n {2}PORT: .*\n {2}DATABASE_URL: .*\n$/);
  }
});

test('a key file without a key is refused, and no other keys are trusted in its place', async () => {
  const out = join(directory, 'keyless');
  assert.equal((await audit(['export', out])).code, 0);
  const [empty, blank] = [join(directory, 'empty-key'), join(directory, 'blank-key')];
  await writeFile(empty, '');
  await writeFile(blank, '\n \n');
  for (const args of [
    ['verify', '--key', empty],
    ['verify', '--from-checkpoint', '--key', blank],
    ['replay', out, '--key', empty],
  ]) {
    const { code, stdout, stderr } = await audit(args);
    assert.deepEqual([code, stdout], [2, ''], args.join(' '));
    assert.match(stderr, /-key cannot be used: There is no key in it\.\n$/);
  }
});

test('export and replay give every balance as CSV, without database, and exit with 0, 1 and 2', async () => {
  const out = join(directory, 'export');
  const exported = await audit(['export', out]);
  assert.equal(exported.code, 0, exported.stderr);
  assert.match(exported.stdout, /400 events, positions 1 to 400, in 1 segment; 1 checkpoint\n$/);

  const replayed = await audit(['replay', out], NO_DATABASE);
  assert.equal(replayed.code, 0, replayed.stderr);
  assert.match(replayed.stderr, /Verified up to 400\./);
  const [head, ...lines] = replayed.stdout.trimEnd().split('\n');
  assert.equal(head, 'walletId,owner,asset,balance,held,position');
  const copy = await ledger.copy();
  const { rows } = await copy.superuser.query<{ line: string }>(`
select concat_ws(',', w.id, w.owner, a.slug, w.balance, w.held, b.position) as line
  from wallets w join assets a on a.id = w.asset_id join read.wallet_balances b on b.wallet_id = w.id order by w.id`);
  await copy.drop();
  assert.deepEqual(
    lines,
    rows.map(({ line }) => line),
  );

  const file = join(directory, 'balances.csv');
  const asOf = await audit(['replay', out, '--as-of', '100', '--out', file], NO_DATABASE);
  assert.deepEqual([asOf.code, asOf.stdout], [0, '']);
  assert.match(await readFile(file, 'utf8'), /^walletId,/);

  await writeFile(join(out, 'public-key'), 'coffer/main+00000000+AW5vdCBhIGtleQ==\n');
  const spoiled = await audit(['replay', out], NO_DATABASE);
  assert.equal(spoiled.code, 1, spoiled.stderr);
  assert.match(spoiled.stderr, /public-key[^]*NOT verified/);
  for (const args of [
    ['replay', directory],
    ['replay', out, '--as-of', 'yesterday'],
    ['replay', out, '--as-of', '401'],
  ])
    assert.deepEqual((await audit(args, NO_DATABASE)).code, 2, args.join(' '));
  for (const range of [
    ['--from', '500'],
    ['--from', '9', '--to', '8'],
  ]) {
    const { code, stderr } = await audit(['export', join(directory, 'none'), ...range]);
    assert.equal(code, 2);
    assert.match(stderr, /The log has the positions 1 to 400/);
  }
});

/** What a shell does: stdout, or a file that is named, is a disk that is full. */
function auditTo(full: string, args: readonly string[]): Promise<Ran> {
  const env = { ...bareEnvironment(), COFFER_AUDIT_KEY_FILE: ledger.keyFile, DATABASE_URL: ledger.url };
  const command = `"${process.execPath}" src/main.ts audit ${args.map((arg) => `"${arg}"`).join(' ')} > ${full}`;
  return new Promise((resolve) => {
    const options = { cwd: ROOT, env, timeout: 30_000 };
    const child = execFile('/bin/sh', ['-c', command], options, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

test('what cannot be written down was not done: exit code 2, and a sentence', async () => {
  const out = join(directory, 'to-nowhere');
  assert.equal((await audit(['export', out])).code, 0);
  const ran = [
    await auditTo('/dev/full', ['verify']),
    await auditTo('/dev/full', ['replay', out]),
    await audit(['replay', out, '--out', '/dev/full']),
    await audit(['replay', out, '--out', join(directory, 'missing', 'file')]),
  ];
  for (const { code, stdout, stderr } of ran) {
    assert.deepEqual([code, stdout], [2, ''], stderr);
    assert.match(stderr, / cannot be written: [^\n]*\n$/);
  }
});

test('a day that is in no calendar is no time', async () => {
  for (const time of ['2026-02-30T00:00:00Z', '2026-02-29T10:00:00+02:00', '2026-13-01T00:00:00Z']) {
    const { code, stderr } = await audit(['replay', join(directory, 'export'), '--as-of', time]);
    assert.equal(code, 2, time);
    assert.match(stderr, /^--as-of takes a position/);
  }
});

test('a data directory that was mistyped is not made a database of', async () => {
  const mistyped = join(directory, 'mistyped');
  for (const args of [
    ['audit', 'verify'],
    ['audit', 'export', join(directory, 'none')],
    ['audit', 'prove', '00000000-0000-7000-8000-000000000000'],
    ['audit', 'public-key'],
  ]) {
    const { code, stdout, stderr } = await coffer(args, { COFFER_DATA_DIR: mistyped });
    assert.deepEqual([code, stdout], [2, ''], args.join(' '));
    assert.match(stderr, /^There is no database in .*mistyped\. Set COFFER_DATA_DIR/);
    await assert.rejects(readdir(mistyped), { code: 'ENOENT' });
  }
});
