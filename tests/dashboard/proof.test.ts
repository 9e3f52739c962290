/** What the browser verifies, on proofs of the real tree and on tampered ones. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { InclusionProof } from '../../dashboard/src/api/types.ts';
import { toHex } from '../../dashboard/src/proof/bytes.ts';
import { leafHash, leafOf } from '../../dashboard/src/proof/leaf.ts';
import { verifyProof } from '../../dashboard/src/proof/verify.ts';
import { topUp, newHolder } from '../http/payments.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startService, type Service } from '../support/service.ts';
import { until } from '../support/until.ts';

const EVENTS = 12;

let database: TestDatabase;
let service: Service;
let proofs: InclusionProof[];

before(async () => {
  database = await createTestDatabase();
  service = await startService(database);
  const holder = await newHolder(service);
  for (let count = 0; count < EVENTS; count += 1) await topUp(service, holder, '5');
  await until('enough is sealed', async () => {
    const { status, body } = await service.get('/audit/checkpoint', { accept: 'application/json' });
    return status === 200 && BigInt(body.treeSize) >= BigInt(EVENTS);
  });
  proofs = [];
  for (let position = 1; position <= EVENTS; position += 1) {
    proofs.push((await service.get(`/audit/proofs/inclusion?position=${position}`)).body);
  }
});

after(async () => {
  await service.close();
  await database.drop();
});

function first(): InclusionProof {
  const [proof] = proofs;
  assert.ok(proof);
  return structuredClone(proof);
}

/** A base64 of the same length that says something else. */
function other(base64: string): string {
  return (base64.startsWith('A') ? 'B' : 'A') + base64.slice(1);
}

test('leaves are hashed as the golden vectors say', async () => {
  const page = readFileSync(new URL('../../docs/leaf-format.md', import.meta.url), 'utf8');
  const events = [...page.matchAll(/```json\n([^`]+)```/g)].map(([, json]) => JSON.parse(json ?? ''));
  const leaves = [...page.matchAll(/```hex\n([^`]+)```/g)].map(([, hex]) => hex?.replaceAll('\n', ''));
  const hashes = [...page.matchAll(/```sha256\n([^`]+)```/g)].map(([, hex]) => hex?.trim());
  assert.ok(events.length >= 3);
  for (const [index, event] of events.entries()) {
    const leaf = leafOf(event);
    assert.equal(toHex(leaf), leaves[index]);
    assert.equal(toHex(await leafHash(leaf)), hashes[index]);
  }
});

test('the proof of every event holds', async () => {
  for (const proof of proofs) {
    const verdict = await verifyProof(proof);
    assert.ok(verdict.holds, JSON.stringify(verdict.steps));
    assert.equal(verdict.steps.length, 5);
  }
});

test('a proof does not hold once anything in it is changed', async () => {
  const tampered: Record<string, (proof: InclusionProof) => void> = {
    'the data of the event': (proof) => (proof.event.data = proof.event.data.replace(/\}$/, ' }')),
    'its actor': (proof) => (proof.event.actor = `${proof.event.actor}x`),
    'its time': (proof) => (proof.event.recordedAt = '2020-01-01T00:00:00.000Z'),
    'its position': (proof) => (proof.event.position = '2'),
    'the leaf hash': (proof) => (proof.leafHash = other(proof.leafHash)),
    'the place of the leaf': (proof) => (proof.leafIndex = '1'),
    'the size of the tree': (proof) => (proof.treeSize = (BigInt(proof.treeSize) + 1n).toString()),
    'a hash of the path': (proof) => (proof.hashes[0] = other(proof.hashes[0] ?? '')),
    'a hash left out': (proof) => void proof.hashes.pop(),
    'a hash too many': (proof) => void proof.hashes.push(proof.rootHash),
    'the root': (proof) => (proof.rootHash = other(proof.rootHash)),
    'what the checkpoint says': (proof) =>
      (proof.checkpoint = String(proof.checkpoint).replace('coffer/', 'Coffer/')),
    'no checkpoint': (proof) => (proof.checkpoint = null),
    'no key': (proof) => (proof.publicKeys = []),
    'another key of the same name': (proof) =>
      (proof.publicKeys = proof.publicKeys.map((vkey) =>
        // The key itself may have a + anywhere, at its end too.
        vkey.replace(/^([^+]+\+[0-9a-f]{8}\+)(.+)$/, (_, named, key) => `${named}${other(key)}`),
      )),
  };
  for (const [what, tamper] of Object.entries(tampered)) {
    const proof = first();
    tamper(proof);
    const verdict = await verifyProof(proof);
    assert.equal(verdict.holds, false, what);
    assert.equal(verdict.steps.at(-1)?.holds, false, what);
  }
});

test('a signature by a key that is not trusted is none', async () => {
  assert.equal((await verifyProof(first(), [])).holds, false);
});

test('a proof that is written in another way than the service writes it is not read', async () => {
  const rewritten: Record<string, (proof: InclusionProof) => void> = {
    'the id in capitals': (proof) => (proof.event.id = proof.event.id.toUpperCase()),
    'a time in another zone': (proof) =>
      (proof.event.recordedAt = proof.event.recordedAt.replace('Z', '+00:00')),
    'a position in hexadecimal': (proof) => (proof.event.position = '0x1'),
    'a position with a space': (proof) => (proof.position = ' 1'),
    'a member of the event that is not hashed': (proof) => Object.assign(proof.event, { amount: '999' }),
    'no event': (proof) => Reflect.deleteProperty(proof, 'event'),
    'no hashes': (proof) => Object.assign(proof, { hashes: null }),
  };
  for (const [what, rewrite] of Object.entries(rewritten)) {
    const proof = first();
    rewrite(proof);
    const { holds, steps } = await verifyProof(proof);
    assert.equal(holds, false, what);
    assert.equal(steps.length, 1, what);
    assert.equal(steps[0]?.what, 'The proof can be read', what);
  }
  for (const nothing of [null, [], 'proof', 42]) {
    const { holds } = await verifyProof(JSON.parse(JSON.stringify(nothing)), []);
    assert.equal(holds, false);
  }
});
