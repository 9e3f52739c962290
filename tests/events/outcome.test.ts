import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Fact } from '../../src/events/catalog.ts';
import { outcomeOf, type Outcome, type Placed } from '../../src/events/outcome.ts';
import {
  alice,
  banned,
  bob,
  created,
  erased,
  fact,
  frozenAsset,
  frozenWallet,
  gold,
  NOON,
  opened,
  ore,
  registered,
  uuid,
  walletIdOf,
} from './facts.ts';

const RECORDED = '2026-01-01T12:00:00.007Z';
const EVENT = uuid('e', 1);
const aliceGold = walletIdOf(alice, gold);

function placed(event: Fact, personal: ReadonlyMap<string, string> | null = null): Placed {
  return { ...event, id: EVENT, position: 42n, occurredAt: NOON, recordedAt: RECORDED, personal };
}

/** The body as the bytes of the answer: the order of members counts. */
function bodyOf(outcome: Outcome): string {
  assert.equal(outcome.kind, 'accepted');
  return outcome.kind === 'accepted' ? JSON.stringify(outcome.body) : '';
}

describe('A user', () => {
  const email = new Map([['email', alice.email]]);

  test('that was registered is answered active, created when it happened', () => {
    assert.equal(
      bodyOf(outcomeOf(placed(registered(alice), email))),
      `{"id":"${alice.id}","email":"alice@example.com","status":"ACTIVE","createdAt":"${NOON}","position":"42","recordedAt":"${RECORDED}"}`,
    );
  });

  test('that was banned is answered with the status and the time of creation that the event holds', () => {
    const later = { ...placed(banned(alice), email), occurredAt: '2027-01-01T00:00:00.000Z' };
    assert.equal(
      bodyOf(outcomeOf(later)),
      `{"id":"${alice.id}","email":"alice@example.com","status":"BANNED","createdAt":"${NOON}","position":"42","recordedAt":"${RECORDED}"}`,
    );
  });

  test('that was erased is answered without anything personal, whatever is at hand', () => {
    const expected = `{"id":"${alice.id}","email":null,"status":"ERASED","createdAt":"${NOON}","position":"42","recordedAt":"${RECORDED}"}`;
    for (const personal of [null, new Map(), email])
      assert.equal(bodyOf(outcomeOf(placed(erased(alice), personal))), expected);
  });

  for (const event of [registered(alice), banned(alice)]) {
    test(`whose e-mail was erased is answered so (${event.type})`, () => {
      assert.deepEqual(outcomeOf(placed(event, null)), { kind: 'erased' });
      assert.deepEqual(outcomeOf(placed(event, new Map())), { kind: 'erased' });
    });
  }
});

describe('An asset', () => {
  test('that was created is answered with its scale as a number and its supply cap as digits', () => {
    assert.equal(
      bodyOf(outcomeOf(placed(created(ore)))),
      `{"id":"${ore.id}","slug":"ore","name":"ore","scale":0,"status":"ACTIVE","supplyCap":"1000","position":"42","recordedAt":"${RECORDED}"}`,
    );
  });

  test('that was frozen is answered frozen', () => {
    assert.equal(
      bodyOf(outcomeOf(placed(frozenAsset(gold)))),
      `{"id":"${gold.id}","slug":"gold","name":"gold","scale":0,"status":"FROZEN","supplyCap":null,"position":"42","recordedAt":"${RECORDED}"}`,
    );
  });
});

describe('A wallet', () => {
  test('of a user that was frozen is answered with its figures then', () => {
    const { data, ...event } = frozenWallet({ id: aliceGold, owner: { userId: alice.id }, asset: gold });
    const withFigures = { ...event, data: { ...data, balance: '100', held: '40' } };
    assert.equal(
      bodyOf(outcomeOf(placed(withFigures))),
      `{"id":"${aliceGold}","userId":"${alice.id}","system":null,"asset":{"slug":"gold","name":"gold","scale":0,"status":"ACTIVE"},"balance":"100","held":"40","available":"60","status":"FROZEN","position":"42","recordedAt":"${RECORDED}"}`,
    );
  });

  test('of the system is answered by its name', () => {
    const treasury = { id: gold.treasuryId, owner: { system: 'treasury' }, asset: gold };
    const { data, ...event } = frozenWallet(treasury, 'ACTIVE');
    assert.equal(
      bodyOf(outcomeOf(placed({ ...event, data: { ...data, balance: '-100' } }))),
      `{"id":"${gold.treasuryId}","userId":null,"system":"treasury","asset":{"slug":"gold","name":"gold","scale":0,"status":"ACTIVE"},"balance":"-100","held":"0","available":"-100","status":"ACTIVE","position":"42","recordedAt":"${RECORDED}"}`,
    );
  });

  test('opened is never an answer: it is part of another command', () => {
    assert.throws(() => outcomeOf(placed(opened(alice, gold))), /never carries a key/);
  });
});

const request = { asset: 'gold', userId: alice.id, amount: '30', reference: null, metadata: null };
const posting = {
  asset: 'gold',
  amount: '30',
  from: { walletId: aliceGold, balanceAfter: '70' },
  to: { walletId: gold.treasuryId, balanceAfter: '-70' },
};
const entriesShown = `[{"walletId":"${aliceGold}","direction":"DEBIT","amount":"30","balanceAfter":"70"},{"walletId":"${gold.treasuryId}","direction":"CREDIT","amount":"30","balanceAfter":"-70"}]`;

describe('A posted transaction', () => {
  test('is answered with its entries, and the balance of the payer in a spend', () => {
    const event = fact('transaction.posted', {
      ...request,
      type: 'spend',
      reference: 'order-1',
      metadata: { b: '2', a: '1' },
      postings: [posting],
    });
    assert.equal(
      bodyOf(outcomeOf(placed(event))),
      `{"transactionId":"${EVENT}","type":"spend","status":"posted","asset":"gold","userId":"${alice.id}","amount":"30","balanceAfter":"70","entries":${entriesShown},"position":"42","recordedAt":"${RECORDED}","reference":"order-1","metadata":{"a":"1","b":"2"}}`,
    );
  });

  for (const type of ['topup', 'bonus']) {
    test(`shows the balance of the receiver in a ${type}`, () => {
      const credit = { ...posting, from: posting.to, to: posting.from };
      const event = fact('transaction.posted', { ...request, type, postings: [credit] });
      assert.match(bodyOf(outcomeOf(placed(event))), /"amount":"30","balanceAfter":"70",/);
    });
  }

  test('shows the payer and the balance of the payer in a transfer, and names the receiver', () => {
    const between = { ...posting, to: { walletId: walletIdOf(bob, gold), balanceAfter: '35' } };
    const event = fact('transaction.posted', {
      ...request,
      type: 'transfer',
      toUserId: bob.id,
      postings: [between],
    });
    const body = bodyOf(outcomeOf(placed(event)));
    assert.match(body, new RegExp(`"userId":"${alice.id}","amount":"30","balanceAfter":"70",`));
    assert.ok(body.endsWith(`"reference":null,"metadata":null,"toUserId":"${bob.id}"}`), body);
  });

  test('of several postings has entries that name their asset, and no asset, amount or balance of its own', () => {
    const event = fact('transaction.posted', {
      ...{ type: 'exchange', asset: null, userId: null, amount: null, reference: null, metadata: null },
      postings: [posting, { ...posting, asset: 'ore', amount: '1' }],
    });
    const body = bodyOf(outcomeOf(placed(event)));
    assert.match(
      body,
      /"type":"exchange","status":"posted","asset":null,"userId":null,"amount":null,"balanceAfter":null,/,
    );
    const shown = [...body.matchAll(/"direction":"(\w+)","asset":"(\w+)","amount":"(\d+)"/g)].map((match) =>
      match.slice(1),
    );
    assert.deepEqual(shown, [
      ['DEBIT', 'gold', '30'],
      ['CREDIT', 'gold', '30'],
      ['DEBIT', 'ore', '1'],
      ['CREDIT', 'ore', '1'],
    ]);
  });

  test('shows personal metadata again where the request had it', () => {
    const event = withPersonal({ item: 'ring' }, ['address', 'name']);
    const personal = new Map([
      [`metadata:${EVENT}:name`, 'Alice'],
      [`metadata:${EVENT}:address`, '1 Main St'],
    ]);
    const shown = '"metadata":{"address":"1 Main St","item":"ring","name":"Alice"}';
    assert.ok(bodyOf(outcomeOf(placed(event, personal))).includes(shown));
  });

  test('is answered as erased once any of its personal metadata is gone', () => {
    const event = withPersonal({}, ['address', 'name']);
    assert.deepEqual(outcomeOf(placed(event, null)), { kind: 'erased' });
    const half = new Map([[`metadata:${EVENT}:name`, 'Alice']]);
    assert.deepEqual(outcomeOf(placed(event, half)), { kind: 'erased' });
    const ofAnother = new Map([...half, [`metadata:${uuid('e', 2)}:address`, '1 Main St']]);
    assert.deepEqual(outcomeOf(placed(event, ofAnother)), { kind: 'erased' });
  });

  function withPersonal(metadata: Record<string, string>, names: string[]): Fact {
    const personalMetadata = Object.fromEntries(names.map((name) => [name, 'e'.repeat(64)]));
    return fact('transaction.posted', {
      ...request,
      type: 'spend',
      metadata,
      personalMetadata,
      postings: [posting],
    });
  }
});

describe('A rejected transaction', () => {
  const rejected = fact('transaction.rejected', {
    ...{ ...request, type: 'spend', code: 'insufficient_funds', detail: 'Too little.' },
    figures: { required: '30', available: '1' },
  });

  test('is answered with its code, what it says, its figures and its id', () => {
    const outcome = outcomeOf(placed(rejected));
    assert.equal(
      JSON.stringify(outcome),
      `{"kind":"refused","refusal":{"code":"insufficient_funds","detail":"Too little.","figures":{"available":"1","required":"30","transactionId":"${EVENT}"}}}`,
    );
  });

  test('is answered even when the personal metadata of the request was erased, since the answer shows none', () => {
    const data = { ...rejected.data, metadata: {}, personalMetadata: { name: 'e'.repeat(64) } };
    assert.equal(outcomeOf(placed({ ...rejected, data }, null)).kind, 'refused');
  });
});
