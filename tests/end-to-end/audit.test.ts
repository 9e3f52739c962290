/** The audit log as an operator and an auditor use it: real processes, real files, real signals. */
import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openCheckpoint } from '../../src/audit/sealed/checkpoint.ts';
import { parseVkey } from '../../src/audit/sealed/note.ts';
import {
  killStarted,
  makeDataDir,
  runCoffer,
  startCoffer,
  type Coffer,
  type Environment,
} from '../support/coffer-process.ts';
import { createTestDatabase, dropOnceFree, type TestDatabase } from '../support/database.ts';
import { anyCommand, newKeys, send } from '../support/load.ts';
import { until } from '../support/until.ts';

let database: TestDatabase;
let directory: { path: string; remove(): Promise<void> };
let environment: Environment;
let coffer: Coffer;
let users: string[];

before(async () => {
  database = await createTestDatabase();
  directory = await makeDataDir();
  environment = { DATABASE_URL: database.url, COFFER_DATA_DIR: join(directory.path, 'data') };
  coffer = await startCoffer(['serve'], environment);
  await coffer.post('/assets', { slug: 'gold' });
  const registered = await Promise.all(
    ['one', 'two'].map((name) => coffer.post('/users', { email: `${name}@example.com` })),
  );
  users = registered.map(({ body }) => String(body.id));
});

after(async () => {
  killStarted();
  await dropOnceFree(database);
  await directory.remove();
});

const keyFile = (): string => join(directory.path, 'data', 'audit-key.pem');

async function untilSealed(): Promise<void> {
  await until('all is sealed', async () => {
    const { status, body } = await coffer.get('/audit/checkpoint', { accept: 'application/json' });
    return status === 200 && body.unsealedEvents === '0';
  });
}

async function write(name: string, content: string): Promise<string> {
  const path = join(directory.path, name);
  await writeFile(path, content);
  return path;
}

/** Output of a command whose answer is what it prints. */
async function ask(args: readonly string[], code = 0): Promise<string> {
  const ended = await runCoffer(['audit', ...args], environment);
  assert.equal(ended.code, code, ended.output);
  return ended.output;
}

/** The auditor's machine has no database. */
async function check(proof: string, key: string): Promise<{ code: number | null; output: string }> {
  return runCoffer(['audit', 'check', proof, '--key', key], {
    DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
  });
}

async function pay(): Promise<string> {
  const { status, body } = await coffer.post('/transactions/topup', {
    ...{ userId: users[0], assetSlug: 'gold', amount: '100', reference: 'für 10 €' },
  });
  assert.equal(status, 201);
  return String(body.transactionId);
}

test('the first start makes a key in the data directory, for its owner only', async () => {
  assert.equal((await stat(keyFile())).mode & 0o777, 0o600);
});

test('a proof of a transaction that was just made is checked offline, with vkeys or with PEM', async () => {
  const id = await pay();
  const proof = await ask(['prove', id]);
  assert.equal(JSON.parse(proof).event.id, id);
  const vkeys = await ask(['public-key']);
  const pem = parseVkey(vkeys.trim()).publicKey.export({ format: 'pem', type: 'spki' });
  const file = await write('proof.json', proof);
  for (const key of [await write('keys', vkeys), await write('key.pem', pem)]) {
    const { code, output } = await check(file, key);
    assert.equal(code, 0, output);
    assert.match(output, new RegExp(`Proven: event ${id} is in the log`));
  }
  const fetched = await coffer.get(`/audit/proofs/inclusion?position=${JSON.parse(proof).position}`);
  assert.equal(
    (await check(await write('fetched.json', fetched.text), join(directory.path, 'keys'))).code,
    0,
  );
});

test('a proof that was changed does not hold, and what cannot be read is neither proven nor disproven', async () => {
  const [proof, keys] = [join(directory.path, 'proof.json'), join(directory.path, 'keys')];
  const changed = (await readFile(proof, 'utf8')).replace('\\"100\\"', '\\"900\\"');
  const refused = await check(await write('changed.json', changed), keys);
  assert.equal(refused.code, 1, refused.output);
  assert.match(refused.output, /^Not proven\. The event is not the leaf of the proof\./);
  for (const [file, key] of [
    [await write('half.json', '{"position":'), keys],
    [proof, await write('no-key', 'no key\n')],
  ]) {
    const { code, output } = await check(file!, key!);
    assert.equal(code, 2, output);
    assert.match(output, /cannot be used/);
  }
});

test('an id that no event has is not proven', async () => {
  assert.match(await ask(['prove', '01998a6e-7c00-7000-8000-00000000dead'], 2), /no transaction/);
  assert.match(await ask(['prove', 'no-id'], 2), /no transaction/);
});

test('with a rotated key the running service signs on, and old proofs are still good', async () => {
  await ask(['rotate-key']);
  const vkeys = await ask(['public-key']);
  const [old, young] = vkeys.trim().split('\n') as [string, string];
  const keys = await write('keys', vkeys);
  const fresh = await write('fresh.json', await ask(['prove', await pay()]));
  assert.equal((await check(join(directory.path, 'proof.json'), keys)).code, 0);
  assert.equal((await check(fresh, await write('old', old))).code, 1);
  assert.equal((await check(fresh, await write('young', young))).code, 0);
});

test('killed under load, it seals on where it was, and what it had signed stays the beginning', async () => {
  const writing = send(
    coffer,
    newKeys(600, () => anyCommand(users, 'gold')),
    32,
  );
  await until(
    'it seals',
    async () => Number((await coffer.get('/audit/checkpoint')).headers.get('coffer-position')) > 50,
  );
  const kept = await coffer.get('/audit/checkpoint', { accept: 'application/json' });
  coffer.signalGroup('SIGKILL');
  await Promise.all([writing, coffer.exited]);
  coffer = await startCoffer(['serve'], environment);
  await pay();
  await untilSealed();
  const { body } = await coffer.get('/audit/checkpoint', { accept: 'application/json' });
  const { origin, size } = openCheckpoint(body.note, body.publicKeys);
  assert.equal(origin, kept.body.origin);
  assert.ok(size > BigInt(kept.body.treeSize));
  const proof = await coffer.get(`/audit/proofs/consistency?from=${kept.body.treeSize}`);
  assert.equal(proof.body.fromRootHash, kept.body.rootHash);
  assert.equal(proof.body.toRootHash, body.rootHash);
});

describe('A new incarnation', () => {
  test('names the last checkpoint, and the running service seals it', async () => {
    await untilSealed();
    const old = await coffer.get('/audit/checkpoint', { accept: 'application/json' });
    assert.match(await ask(['new-incarnation']), /coffer\/main\/2-[0-9a-f]{16}/);
    await untilSealed();
    const { body } = await coffer.get('/audit/checkpoint', { accept: 'application/json' });
    assert.deepEqual(openCheckpoint(body.note, body.publicKeys).extensions, [
      `succeeds ${old.body.origin} ${old.body.treeSize} ${old.body.rootHash}`,
    ]);
    assert.equal(body.rootHash, old.body.rootHash);
  });
});

describe('A key file', () => {
  test('that others may read stops the start with a sentence', async () => {
    const path = join(directory.path, 'open.pem');
    await writeFile(path, await readFile(keyFile(), 'utf8'));
    await chmod(path, 0o644);
    const { code, output } = await runCoffer(['worker'], { ...environment, COFFER_AUDIT_KEY_FILE: path });
    assert.equal(code, 1);
    assert.match(output, /open\.pem is readable or writable by others \(mode 0644\).*chmod 600/);
    assert.doesNotMatch(output, /\n\s+at /);
  });

  test('of another ledger, or none, lets the service start and says that it does not seal', async () => {
    const elsewhere = join(directory.path, 'elsewhere');
    await mkdir(elsewhere);
    const second = await startCoffer(['serve'], { ...environment, COFFER_DATA_DIR: elsewhere });
    await until('it says so', () => second.output().includes('the log is not sealed by this process'));
    await assert.rejects(stat(join(elsewhere, 'audit-key.pem')), { code: 'ENOENT' });
    second.signal('SIGTERM');
    assert.equal((await second.exited).code, 0);
    await rm(elsewhere, { recursive: true });
  });
});
