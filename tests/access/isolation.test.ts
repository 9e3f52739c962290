/** Two ledgers in one database, asked in every way there is for what belongs to the other one. */
import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { askedWith, issueKey, makeLedger, type IssuedKey } from '../support/keys.ts';
import {
  createAsset,
  registerUser,
  startService,
  unique,
  type Reply,
  type Service,
} from '../support/service.ts';
import { until } from '../support/until.ts';
import { openStream } from '../http/event-stream.ts';
import { topUp } from '../http/payments.ts';
import { ownedFor, settle, type Belongings } from './belongings.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- a document of many shapes
type Any = any;

/** Routes about the whole database: they take a key of the first ledger. */
const OF_ALL_LEDGERS = [
  'get /projections/rebuilds',
  'post /projections/{name}/rebuild',
  'post /projections/{name}/rollback',
];
/** Without an end: a test of its own reads it. */
const STREAM = 'get /events/stream';

let database: TestDatabase;
let service: Service;
let owner: Service;
let stranger: Service;
let strangersKey: IssuedKey;
let owned: Belongings;
let secrets: string[];
let document: Any;

before(async () => {
  database = await createTestDatabase();
  await makeLedger(database, 'other');
  const ownersKey = await issueKey(database, ['admin']);
  strangersKey = await issueKey(database, ['admin'], { ledger: 'other' });
  service = await startService(database);
  owner = askedWith(service, ownersKey);
  stranger = askedWith(service, strangersKey);
  document = (await owner.get('/openapi.json')).body;
  owned = await settle(owner, ownersKey.key.id);
  // The stranger has a ledger of the same shape, so that an empty answer is not for want of anything to show.
  await settle(stranger, strangersKey.key.id);
  await until('both ledgers are projected and sealed', async () => {
    const sealed = [await owner.get('/audit/checkpoint'), await stranger.get('/audit/checkpoint')];
    return (
      sealed.every(({ status }) => status === 200) && (await isProjected(owner)) && isProjected(stranger)
    );
  });
  secrets = await identifiersOf(owner);
});

after(async () => {
  await service.close();
  await database.drop();
});

async function isProjected(of: Service): Promise<boolean> {
  const { body } = await of.get('/projections');
  return body.data.length > 0 && body.data.every(({ lagEvents }: Any) => lagEvents === '0');
}

/** Everything in the owner's log that names something of theirs, and no one else's. */
async function identifiersOf(of: Service): Promise<string[]> {
  const feed = (await of.get('/events', { accept: 'application/x-ndjson' })).text;
  const ids = feed.match(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g) ?? [];
  const words = feed.match(/\b(?:asset|user|order|reference|note)_[0-9a-z]+_[0-9a-z]+/g) ?? [];
  const { origin, rootHash, publicKeys } = (await of.get('/audit/checkpoint', { accept: 'application/json' }))
    .body;
  const others = [owned.email, owned.keyId, owned.verificationId];
  const all = [...new Set([...ids, ...words, ...others, origin, rootHash, ...publicKeys])];
  assert.ok(all.length > 20 && words.length > 4);
  return all;
}

type Operation = { readonly name: string; readonly template: string; readonly operation: Any };

function operationsOf(method: 'get' | 'post'): Operation[] {
  return Object.entries<Any>(document.paths)
    .filter(([, methods]) => methods[method] !== undefined)
    .map(([template, methods]) => ({ name: `${method} ${template}`, template, operation: methods[method] }))
    .filter(({ name }) => name !== STREAM && !OF_ALL_LEDGERS.includes(name));
}

function pathOf({ template }: Operation): string {
  return template.replaceAll(/\{(\w+)\}/g, (_, name: string) => ownedFor(owned, template, name));
}

/** Filters that take what is the owner's. */
function queriesOf({ template, operation }: Operation): string[] {
  const filters = (operation.parameters as Any[])
    .filter(({ in: place, name }) => place === 'query' && /^(userId|walletId|email|reference)$/.test(name))
    .map(
      ({ name }) =>
        `${name}=${encodeURIComponent(name === 'email' ? owned.email : ownedFor(owned, template, name))}`,
    );
  const needed = template.endsWith('inclusion')
    ? ['position=3']
    : template.endsWith('consistency')
      ? ['from=2']
      : [];
  return [needed.join('&'), ...filters];
}

/** The path is the client's own words, and comes back in `instance` and, of an id, in a figure. */
function expectNothingOfTheOwner(reply: Reply, about: string, sent: string): void {
  const said = JSON.stringify(reply.headers) + reply.text;
  for (const secret of secrets.filter((one) => !sent.includes(one)))
    assert.ok(!said.includes(secret), `${about} shows ${secret}: ${reply.text.slice(0, 400)}`);
}

/** Some there is only one of at a time, whoever asks. */
function answered(of: Service, path: string): Promise<Reply> {
  return until(`${path} is answered`, async () => {
    const reply = await of.get(path);
    return reply.body?.code !== 'overloaded' && reply;
  });
}

test('no query shows anything of another ledger, whatever it is asked for', async () => {
  let refused = 0;
  let seen = 0;
  for (const each of operationsOf('get')) {
    for (const query of queriesOf(each)) {
      const path = `${pathOf(each)}?${query}`;
      const own = await answered(owner, path);
      const reply = await answered(stranger, path);
      assert.ok(reply.status < 500, `${each.name}: ${reply.text}`);
      expectNothingOfTheOwner(reply, `GET ${path}`, path);
      if (!/\{(?!name|code)\w+\}/.test(each.template)) continue;
      seen += 1;
      assert.equal(own.status, 200, `the owner asks in vain: ${path} ${own.text}`);
      assert.equal(reply.status, 404, `GET ${path}: ${reply.text}`);
      refused += 1;
    }
  }
  assert.ok(refused > 10 && refused === seen);
});

test('what concerns all ledgers takes a key of the first one', async () => {
  for (const name of OF_ALL_LEDGERS) {
    const [method = '', template = ''] = name.split(' ');
    const path = template.replace('{name}', 'wallet_balances');
    const reply = method === 'get' ? await stranger.get(path) : await stranger.post(path, {});
    assert.equal(reply.status, 403, name);
    assert.match(reply.body.detail, /key of the ledger main/);
    const own = method === 'get' ? await owner.get(path) : null;
    assert.ok(own === null || own.status === 200);
  }
});

test('the whole feed, and the rows of a wallet in it, are of one ledger', async () => {
  const ndjson = { accept: 'application/x-ndjson' };
  const feed = await stranger.get('/events', ndjson);
  expectNothingOfTheOwner(feed, 'the feed', '');
  assert.ok(feed.text.split('\n').length > 5);
  const ofWallet = await stranger.get(`/events?walletId=${owned.walletId}`, ndjson);
  assert.equal(ofWallet.status, 404);
});

/** Every field of the document's own example that names something, named for the owner's. */
function aimed(value: Any, template: string, name = ''): Any {
  if (Array.isArray(value)) return value.map((inner) => aimed(inner, template, name));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, aimed(inner, template, key)]),
    );
  const named = /^(userId|fromUserId|toUserId|assetSlug|fromAsset|toAsset|holdId|transactionId|walletId)$/;
  return named.test(name) ? ownedFor(owned, template, name) : value;
}

test('no command reaches into another ledger, or leaves a trace there', async () => {
  const before = await wholeState();
  let refused = 0;
  for (const each of operationsOf('post')) {
    const path = pathOf(each);
    const example = each.operation.requestBody?.content['application/json'].examples.example.value ?? {};
    const body = aimed(example, each.template);
    const reply = await stranger.post(path, body);
    assert.ok(reply.status < 500, `${each.name}: ${reply.text}`);
    expectNothingOfTheOwner(reply, `POST ${path}`, path + JSON.stringify(body));
    const aims = path !== each.template || JSON.stringify(body) !== JSON.stringify(example);
    if (!aims || each.template === '/transactions/batch') continue;
    assert.equal(reply.status, 404, `${each.name}: ${reply.text}`);
    refused += 1;
  }
  assert.ok(refused > 15);
  assert.deepEqual(await wholeState(), before);
});

/** What the owner can see, and what of it only changes by a command. */
async function wholeState(): Promise<unknown> {
  const paths = ['/users', '/assets', '/wallets', '/transactions', '/holds', '/scheduled', '/keys'];
  const replies = await Promise.all(paths.map((path) => owner.get(path)));
  const head = await owner.get('/events?after=0&limit=500');
  return [...replies, head].map(({ body }) =>
    JSON.parse(JSON.stringify(body, (name, value: unknown) => (name === 'lastUsedAt' ? null : value))),
  );
}

test('a batch aimed at another ledger is refused item by item', async () => {
  const commands = [
    {
      idempotencyKey: unique('k'),
      type: 'spend',
      userId: owned.userId,
      assetSlug: owned.assetSlug,
      amount: '1',
    },
    { idempotencyKey: unique('k'), type: 'release', holdId: owned.holdId },
    { idempotencyKey: unique('k'), type: 'reversal', transactionId: owned.transactionId },
  ];
  const reply = await stranger.post('/transactions/batch', { commands });
  assert.deepEqual(
    reply.body.results.map(({ status }: Any) => status),
    [404, 404, 404],
  );
});

test('the same Idempotency-Key in two ledgers is two keys', async () => {
  const users = [await registerUser(owner), await registerUser(stranger)];
  assert.notEqual(users[0]?.id, users[1]?.id);
  const key = unique('shared');
  const slugs = [await createAsset(owner), await createAsset(stranger)];
  const first = await topUp(owner, { userId: users[0]!.id, assetSlug: slugs[0]! }, '7', { key });
  const second = await topUp(stranger, { userId: users[1]!.id, assetSlug: slugs[1]! }, '9', { key });
  assert.deepEqual([first.status, second.status], [201, 201]);
  assert.equal(second.headers['idempotent-replayed'], undefined);
  const known = [await owner.get(`/idempotency-keys/${key}`), await stranger.get(`/idempotency-keys/${key}`)];
  assert.deepEqual(
    known.map(({ body }) => body.outcome.amount),
    ['7', '9'],
  );
});

test('e-mails, slugs and ids that are taken in one ledger are free in another', async () => {
  const taken = { email: owned.email, id: owned.userId };
  assert.equal((await owner.post('/users', taken)).status, 409);
  assert.equal((await stranger.post('/users', taken)).status, 201);
  assert.equal((await owner.post('/assets', { slug: owned.assetSlug })).status, 409);
  assert.equal((await stranger.post('/assets', { slug: owned.assetSlug })).status, 201);
});

test('metrics count what happens in the ledger of who asks', async () => {
  const counted = async (of: Service): Promise<number> => {
    const { text } = await of.get('/metrics');
    const line = /^coffer_commands_total\{command="asset.create",outcome="accepted"\} (\d+)$/m.exec(text);
    return Number(line?.[1]);
  };
  const [mine, theirs] = [await counted(owner), await counted(stranger)];
  await createAsset(owner);
  await createAsset(owner);
  assert.equal(await counted(owner), mine + 2);
  assert.equal(await counted(stranger), theirs);
  for (const each of [owner, stranger]) {
    const { text } = await each.get('/metrics');
    assert.ok(!/ledger=|main|other/.test(text.replaceAll(/^#.*$/gm, '')), 'no label names a ledger');
    assert.match(text, /^process_resident_memory_bytes \d/m);
  }
});

test('a stream carries the events of its ledger alone', async () => {
  await service.http.listen({ port: 0, host: '127.0.0.1' });
  const { port } = service.http.server.address() as AddressInfo;
  const stream = await openStream(port, '/events/stream?after=0', strangersKey.headers);
  await createAsset(owner);
  const last = await createAsset(stranger);
  await until('the stranger sees their own asset', () =>
    stream.blocks.some(({ data }) => data?.includes(last) === true),
  );
  const text = stream.blocks.map(({ data }) => data ?? '').join('\n');
  // Two tests above gave an e-mail, an id and a slug of the owner's to the stranger, too.
  const shared = [owned.email, owned.userId, owned.assetSlug];
  for (const secret of secrets.filter((one) => !shared.includes(one)))
    assert.ok(!text.includes(secret), `the stream shows ${secret}`);
  stream.hangUp();
});
