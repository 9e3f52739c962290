/** Exchanges, rewritten by a superuser: each is held to its own terms, by `audit verify` and by the replay of an export. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type pg from 'pg';
import { exportLog } from '../../src/audit/export/export.ts';
import { replay } from '../../src/audit/export/replay.ts';
import type { Finding } from '../../src/audit/fold/finding.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  LEDGER_ID,
  bodyOf,
  codeOf,
  newAsset,
  newUser,
  openWriteSide,
  type WriteSide,
} from '../support/write-side.ts';
import { verifyAll } from './filled-ledger.ts';

let database: TestDatabase;
let superuser: pg.Client;
let directory: string;
/** Positions of 103 at 0.25, of 90 for 60, of one that was declined, and of a spend. */
let atRate: bigint;
let forAmount: bigint;
let declined: bigint;
let spend: bigint;

before(async () => {
  database = await createTestDatabase();
  const side = openWriteSide(database.url);
  await writeExchanges(side);
  await side.close();
  superuser = await database.connect();
  await superuser.query("set session_replication_role = 'replica'");
  directory = await mkdtemp(join(tmpdir(), 'coffer-exchanges-'));
});

after(async () => {
  await superuser.end();
  await database.drop();
  await rm(directory, { recursive: true });
});

async function writeExchanges(side: WriteSide): Promise<void> {
  const [gold, diamonds] = [await newAsset(side), await newAsset(side)];
  const userId = await newUser(side, { assetSlug: gold, amount: '1000' });
  const asked = { kind: 'exchange', userId, fromAsset: gold, toAsset: diamonds } as const;
  atRate = BigInt(bodyOf(await side.submit({ ...asked, amount: '103', rate: '0.25' })).position);
  forAmount = BigInt(bodyOf(await side.submit({ ...asked, amount: '90', toAmount: '60' })).position);
  const refused = await side.submit({ ...asked, amount: '2000', rate: '1.5' });
  assert.equal(codeOf(refused), 'insufficient_funds');
  spend = BigInt(
    bodyOf(await side.submit({ kind: 'spend', userId, assetSlug: diamonds, amount: '1' })).position,
  );
  declined = spend - 1n;
}

type Data = {
  type: string;
  exchange?: Record<string, string | null>;
  postings: { asset: string; amount: string; from: Side; to: Side }[];
} & Record<string, unknown>;
type Side = { walletId: string; balanceAfter: string };

async function dataAt(position: bigint): Promise<Data> {
  const { rows } = await superuser.query<{ data: string }>(
    'select data::text as data from events where position = $1',
    [position],
  );
  return JSON.parse(rows[0]?.data ?? 'null') as Data;
}

/** What the audit says while the event is another, in the database and in an export of it. */
async function findingsWith(
  position: bigint,
  change: (data: Data) => void,
): Promise<{ verified: readonly Finding[]; replayed: readonly Finding[] }> {
  const data = await dataAt(position);
  const forged = structuredClone(data);
  change(forged);
  assert.notDeepEqual(forged, data);
  const write = (to: Data) =>
    superuser.query('update events set data = $2::json where position = $1', [position, JSON.stringify(to)]);
  await write(forged);
  const taken = await mkdtemp(join(directory, 'export-'));
  try {
    const { findings: verified } = await verifyAll(database.url);
    await exportLog({
      ...{
        url: database.url,
        ledger: { id: LEDGER_ID, slug: 'main' },
        directory: taken,
        from: null,
        to: null,
      },
      ...{ onProgress: () => undefined, segmentEvents: 256n },
    });
    const { verdict } = await replay({
      ...{ directory: taken, asOf: { position: null, time: null }, trusted: [], kept: [], threads: 1 },
      onProgress: () => undefined,
    });
    return { verified, replayed: verdict.findings };
  } finally {
    await write(data);
  }
}

function termsOf(data: Data): Record<string, string | null> {
  assert.ok(data.exchange);
  return data.exchange;
}

function postingOf(data: Data, index: number) {
  const posting = data.postings[index];
  assert.ok(posting);
  return posting;
}

type Forgery = {
  readonly what: string;
  readonly at: () => bigint;
  readonly change: (data: Data) => void;
  readonly says: RegExp;
};

/** Nothing but the terms says so: the postings and all balances are as they were. */
const ofTerms: readonly Forgery[] = [
  {
    what: 'a rate that is not that of its fraction',
    at: () => atRate,
    change: (data) => void (termsOf(data)['rate'] = '0.26'),
    says: /expected the rate 0\.26, found 1\/4/,
  },
  {
    what: 'a fraction that is not that of its rate',
    at: () => atRate,
    change: (data) => void Object.assign(termsOf(data), { numerator: '1', denominator: '5' }),
    says: /expected the rate 0\.25, found 1\/5/,
  },
  {
    what: 'a fraction that can be reduced',
    at: () => atRate,
    change: (data) => void Object.assign(termsOf(data), { numerator: '2', denominator: '8' }),
    says: /lowest terms, found 2\/8/,
  },
  {
    what: 'another rate altogether, which would give more',
    at: () => atRate,
    change: (data) => void Object.assign(termsOf(data), { rate: '0.26', numerator: '13', denominator: '50' }),
    says: /at 13\/50, rounded down, found 25 of/,
  },
  {
    what: 'another rate altogether, which would give less',
    at: () => atRate,
    change: (data) => void Object.assign(termsOf(data), { rate: '0.24', numerator: '6', denominator: '25' }),
    says: /at 6\/25, rounded down, found 25 of/,
  },
  {
    what: 'a result rounded up',
    at: () => atRate,
    change: (data) => void (termsOf(data)['toAmount'] = '26'),
    says: /rounded down, found 26 of/,
  },
  {
    what: 'a result one too little',
    at: () => atRate,
    change: (data) => void (termsOf(data)['toAmount'] = '24'),
    says: /rounded down, found 24 of/,
  },
  {
    what: 'a fraction of other amounts',
    at: () => forAmount,
    change: (data) => void Object.assign(termsOf(data), { numerator: '3', denominator: '4' }),
    says: /expected the rate 60\/90, found 3\/4/,
  },
  {
    what: 'an amount that is not that of the transaction',
    at: () => atRate,
    change: (data) => void Object.assign(termsOf(data), { amount: '104', toAmount: '26' }),
    says: /expected 104 of asset_\w+, found 103 of asset_\w+/,
  },
  {
    what: 'the assets the other way round',
    at: () => atRate,
    change(data) {
      const { fromAsset = null, toAsset = null } = termsOf(data);
      Object.assign(termsOf(data), { fromAsset: toAsset, toAsset: fromAsset });
    },
    says: /expected 103 of asset_\w+, found 103 of asset_\w+/,
  },
  {
    what: 'no terms at all',
    at: () => atRate,
    change: (data) => void delete data.exchange,
    says: /expected the terms of the exchange, found none/,
  },
  {
    what: 'terms that would give otherwise, of one that was declined',
    at: () => declined,
    change: (data) => void (termsOf(data)['toAmount'] = '3001'),
    says: /rounded down, found 3001 of/,
  },
];

/** What moved is another thing too, which other checks find in their own ways. */
const ofPostings: readonly Forgery[] = [
  {
    what: 'more given than was due',
    at: () => atRate,
    change(data) {
      postingOf(data, 1).amount = '26';
    },
    says: /expected postings of 103 \w+, 25 \w+, found postings of 103 \w+, 26 \w+/,
  },
  {
    what: 'nothing given',
    at: () => atRate,
    change: (data) => void data.postings.pop(),
    says: /expected postings of 103 \w+, 25 \w+, found postings of 103 \w+$/,
  },
  {
    what: 'something given twice',
    at: () => atRate,
    change: (data) => void data.postings.push(postingOf(data, 1)),
    says: /found postings of 103 \w+, 25 \w+, 25 \w+$/,
  },
  {
    what: 'the same wallet on both sides',
    at: () => atRate,
    change(data) {
      postingOf(data, 1).to.walletId = postingOf(data, 0).from.walletId;
    },
    says: /two wallets in each of two assets, found 3 wallets/,
  },
];

describe('The audit finds in an exchange', () => {
  for (const { what, at, change, says } of ofTerms)
    test(`${what}, and nothing else`, async () => {
      const { verified, replayed } = await findingsWith(at(), change);
      for (const findings of [verified, replayed]) {
        assert.deepEqual(
          findings.map(({ check, position }) => [check, position]),
          [['exchanges', at().toString()]],
        );
        assert.match(saying(findings[0]), says);
      }
    });

  for (const { what, at, change, says } of ofPostings)
    test(what, async () => {
      const { verified, replayed } = await findingsWith(at(), change);
      for (const findings of [verified, replayed]) {
        const found = findings.filter(({ check }) => check === 'exchanges');
        assert.deepEqual(
          found.map(({ position }) => position),
          [at().toString()],
        );
        assert.match(saying(found[0]), says);
        assert.ok(findings.length > 1);
      }
    });
});

function saying(finding: Finding | undefined): string {
  return `expected ${finding?.expected}, found ${finding?.found}`;
}

test('the audit finds terms of an exchange in what is none', async () => {
  const { exchange } = await dataAt(atRate);
  assert.ok(exchange);
  const { verified, replayed } = await findingsWith(spend, (data) => void (data.exchange = exchange));
  for (const findings of [verified, replayed])
    assert.deepEqual(
      findings.map(({ check, position, found }) => [check, position, found]),
      [['exchanges', spend.toString(), 'those of a spend']],
    );
});

test('the audit finds nothing in exchanges as they were made', async () => {
  const { findings, counted } = await verifyAll(database.url);
  assert.deepEqual(findings, []);
  assert.ok(BigInt(counted.events) >= spend);
});
