/** More ledgers than a process serves at once, and ledgers that come while read models are being rebuilt. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { insertLedger } from '../../src/db/ledgers.ts';
import { createKey } from '../../src/access/keys.ts';
import { projections } from '../../src/projections/catalog.ts';
import { openCheckpoints } from '../../src/projections/new-ledger.ts';
import { requestRebuild } from '../../src/projections/rebuild/request.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { askedWith, makeLedger, openPool } from '../support/keys.ts';
import { createAsset, startService, type Service } from '../support/service.ts';
import { step } from '../projections/rebuilding.ts';
import { openReadSide } from '../projections/read-side.ts';
import { until } from '../support/until.ts';

/** A process serves 256. */
const LEDGERS = 300;

let database: TestDatabase;
let service: Service;
const tenants: Service[] = [];

before(async () => {
  database = await createTestDatabase();
  const keys: string[] = [];
  const pool = openPool(database);
  for (let number = 0; number < LEDGERS; number += 1) {
    const { id } = await insertLedger(pool, `tenant-${number}`);
    const wanted = { name: `tenant ${number}`, scopes: ['admin'], expiresAt: null } as const;
    keys.push((await createKey(pool, id, wanted)).text);
  }
  await openCheckpoints(pool, 1, projections);
  await pool.end();
  service = await startService(database, { worker: false });
  for (const key of keys) tenants.push(askedWith(service, { headers: { authorization: `Bearer ${key}` } }));
});

after(async () => {
  await service.close();
  await database.drop();
});

test('ledgers that were let go of are served again, their counts included', async () => {
  for (const tenant of tenants) {
    await createAsset(tenant);
    const { status, headers } = await tenant.get('/events');
    // An asset and its treasury's wallet.
    assert.deepEqual([status, headers['coffer-position']], [200, '2']);
  }
  const first = tenants[0]!;
  await createAsset(first);
  const { text } = await first.get('/metrics');
  assert.match(text, /^coffer_commands_total\{command="asset.create",outcome="accepted"\} 2$/m);
  assert.match(text, /^coffer_queue_depth 0$/m);
});

test('a ledger that comes in the middle of a rebuild has one live checkpoint of each read model after it', async () => {
  const side = await openReadSide();
  try {
    await createAsset(side.service);
    await requestRebuild(side.pool, projections, { dryRun: false });
    let steps = 0;
    await until('nothing is left to do', async () => {
      steps += 1;
      await makeLedger(side.database, `during-${steps}`);
      return (await step(side)) === 'idle';
    });
    assert.ok(steps > projections.length * 2, `${steps} steps`);
    const odd = await side.rows(`
select l.slug, g.projection, count(c.*) filter (where c.live and c.generation = g.generation) as live,
       count(c.*) filter (where c.live) as all_live
  from ledgers l
 cross join read.generations g
  left join read.checkpoints c
    on c.ledger_id = l.id
   and c.projection = g.projection
 where g.state = 'live'
   and $1::integer is not null
 group by l.slug, g.projection
having count(c.*) filter (where c.live and c.generation = g.generation) <> 1
    or count(c.*) filter (where c.live) <> 1`);
    assert.deepEqual(odd, []);
    const [generations] = await side.rows(
      "select min(generation) as least from read.generations where state = 'live' and $1::integer is not null",
    );
    assert.equal(generations?.['least'], 2);
  } finally {
    await side.close();
  }
});
