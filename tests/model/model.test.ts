/** The service against its contract's rules written a second time: random histories must come to the same. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { assertLedgerIsSound } from '../support/ledger-facts.ts';
import { startService, type Service } from '../support/service.ts';
import {
  CAPS,
  USERS,
  beginning,
  histories,
  laters,
  requestOf,
  someLater,
  traps,
  type Asked,
  type Sent,
  type Step,
} from './commands.ts';
import { exchange, exchangeDryRun } from './exchange.ts';
import { exchangeLater } from './later.ts';
import { newLedger } from './reference-ledger.ts';
import { expectReply, type Reference, type Request } from './reference-requests.ts';
import { checkWholeState } from './whole-state.ts';
import { newWorld } from './world.ts';

const RUNS = 25;
const CHECK_EVERY = 15;

const ANSWERS = [
  ...[
    'topup',
    'bonus',
    'spend',
    'transfer',
    'exchange',
    'postings',
    'hold',
    'capture',
    'release',
    'reversal',
  ],
  ...['wallet.overdraft', 'wallet.limits', 'asset.limits', 'limit_exceeded'],
  ...['user.status', 'user.erase', 'asset.status', 'wallet.status', 'done again', 'refused again'],
  ...['batch: refused', 'batch: refused again', 'batch: idempotency_key_reused', 'batch: validation_failed'],
  ...['validation_failed', 'idempotency_key_reused', 'user_not_found', 'asset_not_found', 'wallet_not_found'],
  ...['transaction_not_found', 'hold_not_found', 'user_banned', 'asset_frozen', 'wallet_frozen'],
  ...['insufficient_funds', 'supply_cap_exceeded', 'balance_out_of_range', 'hold_exceeded', 'hold_closed'],
  ...['reversal_exceeds_original', 'not_reversible', 'user_not_empty', 'subject_erased'],
];

let database: TestDatabase;
let service: Service;

before(async () => {
  database = await createTestDatabase();
  service = await startService(database);
});

after(async () => {
  await service.close();
  await database.drop();
});

async function play(steps: readonly Step[], later: readonly Asked[]): Promise<void> {
  const world = await newWorld(service);
  const sent: Sent = { requests: [], items: [] };
  for (const [index, step] of [...beginning, ...steps].entries()) {
    const request = requestOf(step, world.reference, sent);
    if (request === null) continue;
    if (step.kind === 'send' && step.dryRun) await exchangeDryRun(world, request);
    await exchange(world, request);
    if (index % CHECK_EVERY === CHECK_EVERY - 1) await checkWholeState(world);
  }
  await exchangeLater(world, later);
  await checkWholeState(world);
}

test('whatever is asked of it, the service answers and ends as the rules of its contract say', async () => {
  await fc.assert(fc.asyncProperty(histories, laters, play), {
    numRuns: RUNS,
    examples: [[[], [...someLater]], ...traps.map((steps): [Step[], Asked[]] => [steps, []])],
    // A failure is worth the time to find its shortest history, but not all the time in the world.
    plugins: [fc.interruptAfterTimeLimit(180_000, { failOnInterrupt: true })],
  });
  const client = await database.connect();
  await assertLedgerIsSound(client);
  await client.end();
});

test('these histories meet every answer that the rules know', () => {
  const met = new Set<string>();
  for (const steps of fc.sample(histories, { numRuns: 800, seed: 1 })) {
    const reference: Reference = { ledger: newLedger(USERS, CAPS), remembered: new Map() };
    const sent: Sent = { requests: [], items: [] };
    for (const step of [...beginning, ...steps]) {
      const request = requestOf(step, reference, sent);
      if (request !== null) for (const answer of answersTo(reference, request)) met.add(answer);
    }
  }
  assert.deepEqual([...met].sort(), [...ANSWERS].sort());
});

function answersTo(reference: Reference, request: Request): string[] {
  const reply = expectReply(reference, request);
  if (reply.kind === 'not_a_batch') return [`batch: ${reply.code}`];
  if (reply.kind === 'batch_refused')
    return [reply.answer.replayed ? 'batch: refused again' : 'batch: refused'];
  return reply.answers.map(({ outcome, replayed }, index) => {
    if (outcome.kind === 'refused') return replayed ? 'refused again' : outcome.code;
    return replayed ? 'done again' : request.items[index]!.command.kind;
  });
}
