/** The service against its contract's rules written a second time: random histories must come to the same. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { verifyAll } from '../audit/filled-ledger.ts';
import { openReadSide, type ReadSide } from '../projections/read-side.ts';
import { assertLedgerIsSound } from '../support/ledger-facts.ts';
import { registerUser } from '../support/service.ts';
import { exchangeCancel, exchangeLater, sweep, wait } from './clock.ts';
import { CAPS, USERS, histories, type Step } from './commands.ts';
import { exchange, exchangeDryRun } from './exchange.ts';
import { newLedger } from './reference-ledger.ts';
import { expectReply, type Reference, type Request } from './reference-requests.ts';
import { askLater, cancel, dueIn, end } from './reference-time.ts';
import { checkStep, createReplay, type Replay } from './replay.ts';
import { beginning, commandOf, placeIn, requestOf, traps, type Sent } from './steps.ts';
import { checkWholeState } from './whole-state.ts';
import { newWorld, type World } from './world.ts';

/** As many as there is time for, and so many at least. */
const RUNS = 30;
const ENOUGH = 4;
const LIMIT_MS = 30_000;
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
  ...[
    'a hold ran out',
    'a bonus ended',
    'asked for later',
    'refused for later',
    'done later',
    'failed later',
  ],
  ...['cancelled', 'schedule_closed', 'schedule_not_found'],
];

let side: ReadSide;
let replay: Replay;

before(async () => {
  // Its worker is played by the test, which says when.
  side = await openReadSide();
  replay = createReplay(side.pool);
});

after(() => side.close());

async function play(steps: readonly Step[]): Promise<void> {
  const world = await newWorld(side, replay);
  const sent: Sent = { requests: [], items: [] };
  for (const [index, step] of [...beginning, ...steps].entries()) {
    await take(world, step, sent);
    await checkStep(world);
    if (index % CHECK_EVERY === CHECK_EVERY - 1) await checkWholeState(world);
  }
  await take(world, { kind: 'wait', seconds: 400 * 86_400, sweeps: true }, sent);
  await checkStep(world);
  await checkWholeState(world);
}

async function take(world: World, step: Step, sent: Sent): Promise<void> {
  const { ledger } = world.reference;
  switch (step.kind) {
    case 'send':
    case 'repeat': {
      const request = requestOf(step, world.reference, sent);
      if (request === null) return;
      if (step.kind === 'send' && step.dryRun) await exchangeDryRun(world, request);
      return exchange(world, request);
    }
    case 'wait':
      await wait(world, step.seconds);
      return step.sweeps ? sweep(world) : undefined;
    case 'later':
      return exchangeLater(world, commandOf(step.asked, ledger), step.seconds);
    case 'cancel':
      return exchangeCancel(world, placeIn(ledger.schedules, step.which));
  }
}

test('whatever is asked of it and whenever, the service answers and ends as the rules of its contract say', async () => {
  let played = 0;
  const counted = async (steps: Step[]): Promise<void> => {
    await play(steps);
    played += 1;
  };
  await fc.assert(fc.asyncProperty(histories, counted), {
    numRuns: RUNS,
    examples: traps.map((steps): [Step[]] => [steps]),
    // A failure is worth the time to find its shortest history, but not all the time in the world.
    plugins: [fc.interruptAfterTimeLimit(LIMIT_MS)],
  });
  assert.ok(played > traps.length + ENOUGH, `${played} histories in the time there was`);
  const client = await side.database.connect();
  await assertLedgerIsSound(client);
  await client.end();
  // The last wait moved the clock, and perhaps nothing was due: verify finds it only at the time of an event.
  await registerUser(side.service);
  const { findings } = await verifyAll(side.database.url);
  assert.deepEqual(findings, []);
});

test('these histories meet every answer that the rules know', () => {
  const met = new Set<string>();
  for (const steps of fc.sample(histories, { numRuns: 800, seed: 1 })) {
    const reference: Reference = { ledger: newLedger(USERS, CAPS, Date.UTC(2026, 0)), remembered: new Map() };
    const sent: Sent = { requests: [], items: [] };
    for (const step of [...beginning, ...steps])
      for (const answer of answersTo(reference, step, sent)) met.add(answer);
  }
  assert.deepEqual([...met].sort(), [...ANSWERS].sort());
});

function answersTo(reference: Reference, step: Step, sent: Sent): string[] {
  const { ledger } = reference;
  switch (step.kind) {
    case 'send':
    case 'repeat': {
      const request = requestOf(step, reference, sent);
      return request === null ? [] : answersToRequest(reference, request);
    }
    case 'wait':
      ledger.now += step.seconds * 1_000;
      return step.sweeps ? dueIn(ledger).flatMap((due) => end(ledger, due) ?? []) : [];
    case 'later': {
      const asked = askLater(ledger, commandOf(step.asked, ledger), step.seconds);
      return [typeof asked === 'number' ? 'asked for later' : 'refused for later'];
    }
    case 'cancel': {
      const outcome = cancel(ledger, placeIn(ledger.schedules, step.which));
      return [outcome === 'cancelled' ? outcome : outcome.code];
    }
  }
}

function answersToRequest(reference: Reference, request: Request): string[] {
  const reply = expectReply(reference, request);
  if (reply.kind === 'not_a_batch') return [`batch: ${reply.code}`];
  if (reply.kind === 'batch_refused')
    return [reply.answer.replayed ? 'batch: refused again' : 'batch: refused'];
  return reply.answers.map(({ outcome, replayed }, index) => {
    if (outcome.kind === 'refused') return replayed ? 'refused again' : outcome.code;
    return replayed ? 'done again' : request.items[index]!.command.kind;
  });
}
