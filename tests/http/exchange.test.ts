/** POST /transactions/exchange: one asset for another, whole or not at all, and found wherever transactions are. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { headPosition } from '../support/ledger-facts.ts';
import { unique } from '../support/service.ts';
import { EXCHANGE, openedExchange } from './exchanging.ts';
import { expectInvalid, expectProblem } from './expect-problem.ts';

const MOST = '9'.repeat(38);
const at = openedExchange();
const { exchange, balances } = at;

describe('An exchange', () => {
  test('answers what was paid, what was got for it, and both balances', async () => {
    const { body, status, text } = await exchange({
      rate: '0.250',
      reference: 'order-1',
      metadata: { a: 'b' },
    });
    assert.equal(status, 201, text);
    const { transactionId, position, recordedAt, entries, ...told } = body;
    assert.deepEqual(told, {
      ...{ type: 'exchange', status: 'posted', asset: at.holder.assetSlug, userId: at.holder.userId },
      ...{ amount: '103', balanceAfter: '897', reference: 'order-1', metadata: { a: 'b' } },
      ...{ fromAsset: at.holder.assetSlug, toAsset: at.diamonds, toAmount: '25', toBalanceAfter: '25' },
      ...{ rate: '0.250', exactRate: { numerator: '1', denominator: '4' }, rounding: 'down' },
    });
    assert.deepEqual(
      entries.map((entry: Record<string, string>) => [
        ...[entry['direction'], entry['asset'], entry['amount'], entry['balanceAfter']],
      ]),
      [
        ['DEBIT', at.holder.assetSlug, '103', '897'],
        ['CREDIT', at.holder.assetSlug, '103', '-897'],
        ['DEBIT', at.diamonds, '25', '-25'],
        ['CREDIT', at.diamonds, '25', '25'],
      ],
    );
    assert.equal(entries[0].walletId, at.walletId);
    assert.ok(transactionId && position && recordedAt);
    assert.deepEqual(await balances(), ['897', '25']);
  });

  test('for a toAmount has no rate but an exact one', async () => {
    const { body } = await exchange({ amount: '90', toAmount: '60' });
    assert.deepEqual(
      [body.toAmount, body.rate, body.exactRate],
      ['60', null, { numerator: '2', denominator: '3' }],
    );
    assert.deepEqual(await balances(), ['910', '60']);
  });

  test('is found by its id, by type, by user and by reference, as it was answered', async () => {
    const reference = unique('order');
    const { body } = await exchange({ rate: '2', reference });
    assert.deepEqual((await at.service.get(`/transactions/${body.transactionId}`)).body, body);
    for (const query of [
      `reference=${reference}`,
      `userId=${at.holder.userId}&type=exchange`,
      'type=exchange',
    ])
      assert.deepEqual(
        (await at.service.get(`/transactions?${query}&atLeast=${body.position}`)).body.data[0],
        body,
        query,
      );
    const { body: ofUser } = await at.service.get(
      `/transactions?userId=${at.holder.userId}&atLeast=${body.position}`,
    );
    assert.deepEqual(
      ofUser.data.map(({ type }: { type: string }) => type),
      ['exchange', 'topup'],
    );
  });

  test('is a line in the history of both wallets, and counted for both assets', async () => {
    const { body } = await exchange({ rate: '0.25' });
    const declined = await exchange({ rate: '0.5', amount: '5000' });
    expectProblem(declined, 'insufficient_funds', EXCHANGE);
    const upTo = String(declined.headers['coffer-position']);
    const toWallet = body.entries[3].walletId;
    for (const [walletId, line] of [
      [at.walletId, ['DEBIT', '103', '897']],
      [toWallet, ['CREDIT', '25', '25']],
    ] as const) {
      const { body: history } = await at.service.get(
        `/wallets/${walletId}/history?type=exchange&atLeast=${upTo}`,
      );
      assert.equal(history.data.length, 1);
      const { direction, amount, balanceAfter, counterparty, transactionId } = history.data[0];
      assert.deepEqual([direction, amount, balanceAfter], line);
      assert.deepEqual([counterparty, transactionId], [{ system: 'treasury' }, body.transactionId]);
    }
    for (const [slug, counted] of [
      [at.holder.assetSlug, ['1', '103', '1']],
      [at.diamonds, ['1', '25', '0']],
    ] as const) {
      const { body: activity } = await at.service.get(`/assets/${slug}/activity?atLeast=${upTo}`);
      const found = activity.data.find(({ type }: { type: string }) => type === 'exchange');
      assert.deepEqual([found?.posted, found?.volume, found?.rejected], counted, slug);
    }
  });

  test('keeps personal metadata beside the log, and shows it', async () => {
    const fields = { rate: '1', metadata: { name: 'Alice Smith', item: 'ring' }, personalMetadata: ['name'] };
    const { body } = await exchange(fields);
    assert.deepEqual(body.metadata, fields.metadata);
    const { rows } = await at.owner.query('select data::text as data from events where id = $1', [
      body.transactionId,
    ]);
    assert.doesNotMatch(rows[0].data, /Smith/);
  });

  test('is answered again byte for byte, posted or declined; another request under its key is told where it differs', async () => {
    for (const fields of [{ rate: '0.25' }, { toAmount: '7' }, { rate: '0.25', amount: '1001' }]) {
      const key = unique('key');
      const first = await exchange(fields, key);
      const again = await exchange(fields, key);
      assert.equal(again.text, first.text);
      assert.deepEqual(
        [first.headers['idempotent-replayed'], again.headers['idempotent-replayed']],
        [undefined, 'true'],
      );
      const other = await exchange({ ...fields, reference: 'other' }, key);
      expectProblem(other, 'idempotency_key_reused', EXCHANGE);
      assert.deepEqual(other.body.differs, ['reference']);
    }
  });

  test('that is declined is kept with its terms', async () => {
    const declined = await exchange({ amount: '1001', rate: '0.25' });
    expectProblem(declined, 'insufficient_funds', EXCHANGE);
    assert.deepEqual([declined.body.available, declined.body.required], ['1000', '1001']);
    const { body } = await at.service.get(`/transactions/${declined.body.transactionId}`);
    const { status, fromAsset, toAsset, amount, toAmount, toBalanceAfter, rate, exactRate, rounding } = body;
    assert.deepEqual(
      { status, fromAsset, toAsset, amount, toAmount, toBalanceAfter, rate, exactRate, rounding },
      {
        ...{ status: 'rejected', fromAsset: at.holder.assetSlug, toAsset: at.diamonds, amount: '1001' },
        ...{ toAmount: '250', toBalanceAfter: null },
        ...{ rate: '0.25', exactRate: { numerator: '1', denominator: '4' }, rounding: 'down' },
      },
    );
    assert.deepEqual(await balances(), ['1000', '0']);
  });
});

const faults: [what: string, fields: () => object, paths: string[], message: RegExp][] = [
  ['neither rate nor toAmount', () => ({}), ['rate'], /exactly one of rate and toAmount/],
  ['both', () => ({ rate: '1', toAmount: '103' }), ['rate'], /exactly one of rate and toAmount/],
  [
    'the same asset twice',
    () => ({ rate: '1', toAsset: at.holder.assetSlug }),
    ['toAsset'],
    /another than fromAsset/,
  ],
  ['a rate as a JSON number', () => ({ rate: 0.25 }), ['rate'], /JSON numbers lose precision/],
  ['a rate with an exponent', () => ({ rate: '1e3' }), ['rate'], /exponent/],
  ['a rate with a sign', () => ({ rate: '-0.5' }), ['rate'], /sign/],
  ['a rate of nothing', () => ({ rate: '0.0' }), ['rate'], /more than 0/],
  ['a rate with leading zeros', () => ({ rate: '00.5' }), ['rate'], /leading zeros/],
  ['a rate too fine', () => ({ rate: `0.${'1'.repeat(19)}` }), ['rate'], /18 digits/],
  ['a rate too long', () => ({ rate: '1'.repeat(39) }), ['rate'], /38 digits/],
  ['a rate that is null', () => ({ rate: null }), ['rate'], /exact decimal/],
  ['a result of nothing', () => ({ amount: '3', rate: '0.25' }), ['amount'], /buys nothing/],
  ['a result of 39 digits', () => ({ amount: MOST, rate: '1.1' }), ['amount'], /38 digits of toAsset/],
  [
    'an amount that is none, beside a rate',
    () => ({ amount: '1.5', rate: '0.1' }),
    ['amount'],
    /decimal point/,
  ],
  ['a toAmount as a JSON number', () => ({ toAmount: 5 }), ['toAmount'], /JSON numbers/],
  ['a toAmount of nothing', () => ({ toAmount: '0' }), ['toAmount'], /more than 0/],
  ['an unknown field', () => ({ rate: '1', assetSlug: 'x' }), ['assetSlug'], /not a known field/],
];

describe('An exchange is a 400 that changes nothing, with', () => {
  for (const [what, fields, paths, message] of faults)
    test(what, async () => {
      const before = await headPosition(at.owner);
      const key = unique('key');
      const reply = await exchange(fields(), key);
      expectInvalid(reply, EXCHANGE, paths);
      assert.match(reply.body.errors[0].message, message);
      assert.equal(await headPosition(at.owner), before);
      assert.equal((await exchange({ rate: '1' }, key)).status, 201, 'the key is still free');
    });
});

describe('An exchange is refused', () => {
  test('for assets and users that there are not, and says which', async () => {
    for (const fields of [{ fromAsset: 'nope' }, { toAsset: 'nope' }]) {
      const reply = await exchange({ ...fields, rate: '1' });
      expectProblem(reply, 'asset_not_found', EXCHANGE);
      assert.equal(reply.body.assetSlug, 'nope');
    }
    const userId = '01998a6e-7c00-7000-8000-00000000dead';
    expectProblem(await exchange({ userId, rate: '1' }), 'user_not_found', EXCHANGE);
  });

  test('beyond the supply cap of what is got, though not of what is paid', async () => {
    const reply = await exchange({ rate: '10' });
    expectProblem(reply, 'supply_cap_exceeded', EXCHANGE);
    assert.deepEqual([reply.body.asset, reply.body.supplyCap], [at.diamonds, '1000']);
    assert.deepEqual(await balances(), ['1000', '0']);
  });

  test('while the user, an asset or a wallet is barred, and goes through after that', async () => {
    const { body } = await exchange({ rate: '0.25', amount: '8' });
    const wallets = body.entries.map(({ walletId }: { walletId: string }) => walletId);
    const bars: [path: string, status: string, code: 'user_banned' | 'asset_frozen' | 'wallet_frozen'][] = [
      [`/users/${at.holder.userId}`, 'BANNED', 'user_banned'],
      ...[at.holder.assetSlug, at.diamonds].map((slug): (typeof bars)[number] => [
        ...([`/assets/${slug}`, 'FROZEN', 'asset_frozen'] as const),
      ]),
      ...wallets.map((id: string): (typeof bars)[number] => [`/wallets/${id}`, 'FROZEN', 'wallet_frozen']),
    ];
    assert.equal(bars.length, 7);
    for (const [path, status, code] of bars) {
      await at.service.post(`${path}/status`, { status });
      expectProblem(await exchange({ rate: '1', amount: '1' }), code, EXCHANGE);
      await at.service.post(`${path}/status`, { status: 'ACTIVE' });
    }
    assert.equal((await exchange({ rate: '1', amount: '1' })).status, 201);
    assert.deepEqual(await balances(), ['991', '3']);
  });

  test('beyond what is held back from spending', async () => {
    await at.service.post('/holds', { ...at.holder, amount: '900' });
    const reply = await exchange({ rate: '1', amount: '101' });
    expectProblem(reply, 'insufficient_funds', EXCHANGE);
    assert.equal(reply.body.available, '100');
  });
});
