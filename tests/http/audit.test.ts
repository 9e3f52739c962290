/** Checkpoints and proofs as an outsider gets them, checked with nothing but node:crypto. */
import assert from 'node:assert/strict';
import { createHash, createPublicKey, verify } from 'node:crypto';
import { after, before, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startService, type Reply, type Service } from '../support/service.ts';
import { until } from '../support/until.ts';
import { expectInvalid, expectProblem } from './expect-problem.ts';
import { newHolder, topUp, type Holder } from './payments.ts';

let database: TestDatabase;
let service: Service;
let holder: Holder;

before(async () => {
  database = await createTestDatabase();
  service = await startService(database);
});

after(async () => {
  await service.close();
  await database.drop();
});

const JSON_TYPE = { accept: 'application/json' };

function sealed(position: string): Promise<Reply> {
  return until(`position ${position} is sealed`, async () => {
    const reply = await service.get('/audit/checkpoint', JSON_TYPE);
    return reply.status === 200 && BigInt(reply.body.treeSize) >= BigInt(position) && reply;
  });
}

const sha256 = (...parts: Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();
const node = (left: Buffer, right: Buffer): Buffer => sha256(Buffer.of(1), left, right);

/** RFC 9162, section 2.1.3.2, in numbers: the trees of a test are small. */
function climb(index: number, size: number, leaf: Buffer, hashes: readonly string[]): Buffer {
  let [fn, sn, r] = [index, size - 1, leaf];
  for (const hash of hashes) {
    const p = Buffer.from(hash, 'base64');
    if (fn % 2 === 1 || fn === sn) {
      r = node(p, r);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [fn >> 1, sn >> 1];
    } else r = node(r, p);
    [fn, sn] = [fn >> 1, sn >> 1];
  }
  assert.equal(sn, 0);
  return r;
}

function signatureHolds(note: string, vkey: string): boolean {
  const text = note.slice(0, note.lastIndexOf('\n\n') + 1);
  const payload = Buffer.from(/\n\u2014 \S+ (\S+)\n$/.exec(note)![1]!, 'base64');
  const raw = Buffer.from(vkey.split('+').slice(2).join('+'), 'base64').subarray(1);
  const x = raw.toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  return verify(null, Buffer.from(text), key, payload.subarray(4));
}

test('before anything was written there is no checkpoint', async () => {
  const reply = await service.get('/audit/checkpoint');
  expectProblem(reply, 'checkpoint_not_found', '/audit/checkpoint');
  assert.equal(reply.headers['coffer-position'], '0');
});

test('what was written is sealed within seconds, and the checkpoint is a signed note', async () => {
  holder = await newHolder(service);
  const { body } = await topUp(service, holder, '100');
  const { body: latest } = await sealed(body.position);
  const reply = await service.get('/audit/checkpoint');
  assert.equal(reply.headers['content-type'], 'text/plain; charset=utf-8');
  assert.equal(reply.text, latest.note);
  assert.equal(reply.headers['coffer-position'], latest.treeSize);
  const [origin, size, root, empty] = reply.text.split('\n');
  assert.match(origin!, /^coffer\/main\/1-[0-9a-f]{16}$/);
  assert.deepEqual([origin, size, root, empty], [latest.origin, latest.treeSize, latest.rootHash, '']);
  assert.equal(latest.unsealedEvents, '0');
  assert.equal(latest.publicKeys.length, 1);
  assert.ok(signatureHolds(latest.note, latest.publicKeys[0]));
  assert.ok(
    !signatureHolds(latest.note.replace(`\n${size}\n`, `\n${Number(size) + 1}\n`), latest.publicKeys[0]),
  );
});

test('each event is proven, by hashes that lead from its stored bytes to the signed root', async () => {
  const { body: latest } = await sealed('1');
  const { rows } = await leaves();
  assert.equal(rows.length, Number(latest.treeSize));
  for (const { position, hash } of rows) {
    const { status, body } = await service.get(`/audit/proofs/inclusion?position=${position}`);
    assert.equal(status, 200);
    assert.equal(body.leafHash, hash);
    assert.equal(body.leafIndex, String(Number(position) - 1));
    const root = climb(Number(position) - 1, Number(body.treeSize), Buffer.from(hash, 'base64'), body.hashes);
    assert.equal(root.toString('base64'), latest.rootHash);
    assert.equal(body.checkpoint, latest.note);
    assert.equal(body.event.position, position);
  }
});

/** What COPY BINARY gives of each event, hashed by the database. */
async function leaves(): Promise<{ rows: { position: string; hash: string }[] }> {
  const client = await database.connect();
  try {
    return await client.query(`
select e.position::text,
       encode(sha256('\\x00'::bytea || int2send(13::int2)
         || int4send(8) || int8send(position) || int4send(16) || uuid_send(id)
         || int4send(octet_length(type)) || textsend(type) || int4send(2) || int2send(version)
         || coalesce(int4send(octet_length(idempotency_key)) || textsend(idempotency_key), int4send(-1))
         || coalesce(int4send(length(fingerprint)) || fingerprint, int4send(-1))
         || int4send(octet_length(actor)) || textsend(actor)
         || coalesce(int4send(octet_length(correlation_id)) || textsend(correlation_id), int4send(-1))
         || coalesce(int4send(16) || uuid_send(related_id), int4send(-1))
         || int4send(8) || timestamptz_send(occurred_at) || int4send(8) || timestamptz_send(recorded_at)
         || coalesce(int4send(8) || timestamptz_send(effective_at), int4send(-1))
         || int4send(octet_length(data::text)) || textsend(data::text)), 'base64') as hash
  from events e
 order by e.position`);
  } finally {
    await client.end();
  }
}

test('an older checkpoint is proven to be the beginning of a newer one', async () => {
  const { body: old } = await sealed('1');
  const { body } = await topUp(service, holder, '1');
  const { body: young } = await sealed(body.position);
  const { body: proof } = await service.get(`/audit/proofs/consistency?from=${old.treeSize}`);
  assert.equal(proof.to, young.treeSize);
  assert.equal(proof.fromRootHash, old.rootHash);
  assert.equal(proof.toRootHash, young.rootHash);
  assert.equal(proof.checkpoint, young.note);
  assert.ok(proof.hashes.length > 0);
  const same = `/audit/proofs/consistency?from=${old.treeSize}&to=${old.treeSize}`;
  assert.deepEqual((await service.get(same)).body.hashes, []);
});

test('a position or size that cannot be is a 400 that names it', async () => {
  const head = BigInt((await topUp(service, holder, '1')).body.position);
  const beyond = (head + 1n).toString();
  await sealed(head.toString());
  for (const [query, path] of [
    [`inclusion?position=${beyond}`, 'position'],
    ['inclusion?position=0', 'position'],
    ['inclusion', 'position'],
    ['inclusion?position=3&treeSize=2', 'treeSize'],
    [`inclusion?position=1&treeSize=${beyond}`, 'treeSize'],
    ['consistency?from=0', 'from'],
    ['consistency?from=3&to=2', 'to'],
    [`consistency?from=1&to=${beyond}`, 'to'],
    ['consistency?from=1&until=2', 'until'],
  ]) {
    const reply = await service.get(`/audit/proofs/${query}`);
    expectInvalid(reply, `/audit/proofs/${query!.split('?')[0]}`, [path!]);
  }
});

test('each query waits until a position is sealed', async () => {
  const { position } = (await topUp(service, holder, '1')).body;
  for (const query of [
    'checkpoint?',
    `proofs/inclusion?position=${position}&`,
    'proofs/consistency?from=1&',
  ]) {
    const reply = await service.get(`/audit/${query}atLeast=${position}`);
    assert.equal(reply.status, 200);
    assert.ok(BigInt(String(reply.headers['coffer-position'])) >= BigInt(position));
  }
  expectInvalid(await service.get('/audit/checkpoint?atLeast=soon'), '/audit/checkpoint', ['atLeast']);
});

test('metrics tell how far the log is sealed', async () => {
  const { body } = await sealed('1');
  const { text } = await service.get('/metrics');
  assert.match(text, new RegExp(`^coffer_sealed_position ${body.treeSize}$`, 'm'));
  assert.match(text, /^coffer_unsealed_events 0$/m);
  assert.match(text, /^coffer_sealing_refusals_total 0$/m);
});

test('without a worker nothing is sealed: proofs wait, and metrics say how much is not sealed', async () => {
  const other = await createTestDatabase();
  // In vain whatever the time.
  const api = await startService(other, { worker: false, config: { waitMs: 300 } });
  try {
    const { body: user } = await api.post('/users', { email: 'someone@example.com' });
    const reply = await api.get(`/audit/proofs/inclusion?position=${user.position}`);
    expectProblem(reply, 'not_sealed_yet', '/audit/proofs/inclusion');
    assert.equal(reply.headers['retry-after'], '1');
    expectProblem(await api.get('/audit/checkpoint?atLeast=1'), 'not_sealed_yet', '/audit/checkpoint');
    const proof = '/audit/proofs/consistency';
    expectProblem(await api.get(`${proof}?from=1`), 'not_sealed_yet', proof);
    assert.match((await api.get('/metrics')).text, /^coffer_unsealed_events 1$/m);
  } finally {
    await api.close();
    await other.drop();
  }
});

test('of an event that was changed there is no proof, but a problem that says so', async () => {
  const client = await database.connect();
  try {
    await client.query("set session_replication_role = 'replica'");
    await client.query("update events set actor = 'nobody' where position = 1");
    const path = '/audit/proofs/inclusion';
    expectProblem(await service.get(`${path}?position=1`), 'log_contradicted', path);
  } finally {
    await client.end();
  }
});
