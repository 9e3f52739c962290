/**
 * Commands that are asked for later, all for one moment. What they come to is what they come to at once, one after the
 * other in the order in which the log has them.
 */
import assert from 'node:assert/strict';
import { until } from '../support/until.ts';
import { commandOf, type Asked } from './commands.ts';
import { learnIds } from './exchange.ts';
import { perform } from './reference-ledger.ts';
import type { Command, Outcome } from './reference-terms.ts';
import { inHttp, type World } from './world.ts';

/** Longer than it takes to ask for all of them. */
const AHEAD_MS = 1_500;

// oxlint-disable-next-line typescript/no-explicit-any -- bodies of all shapes
type Any = any;

export async function exchangeLater(world: World, asked: readonly Asked[]): Promise<void> {
  if (asked.length === 0) return;
  const { ledger } = world.reference;
  const executeAt = new Date(Date.now() + AHEAD_MS).toISOString();
  const waiting = new Map<string, Command>();
  for (const command of asked.map((each) => commandOf(each, ledger))) {
    const { path, body } = inHttp(world, command);
    const reply = await world.service.post(path, { ...body, executeAt });
    const tried = perform(structuredClone(ledger), command);
    if (tried.kind === 'refused' && tried.status !== 422) {
      assert.deepEqual([reply.status, reply.body.code], [tried.status, tried.code], `${path} ${reply.text}`);
      continue;
    }
    assert.equal(reply.status, 202, `${path} ${reply.text}`);
    waiting.set(String(reply.body.scheduleId), command);
  }
  const ended = await Promise.all([...waiting.keys()].map((id) => end(world, id)));
  const inOrder = ended.toSorted((a, b) => (BigInt(a.result.position) < BigInt(b.result.position) ? -1 : 1));
  for (const schedule of inOrder) {
    const outcome = perform(ledger, waiting.get(schedule.scheduleId)!);
    assert.deepEqual(summaryOf(schedule), expectedOf(outcome), JSON.stringify(schedule));
    learnIds(world, outcome, schedule.result);
  }
}

function end(world: World, id: string): Promise<Any> {
  return until('the schedule has ended', async () => {
    const { body } = await world.service.get(`/scheduled/${id}`);
    return body.status !== 'scheduled' && body;
  });
}

function summaryOf({ status, result }: Any): unknown {
  const { outcome, code, transactionId, holdId } = result;
  return { status, outcome, code, transaction: transactionId !== null, hold: holdId !== null };
}

function expectedOf(outcome: Outcome): unknown {
  const transaction = outcome.transaction !== null;
  if (outcome.kind === 'refused')
    return { status: 'failed', outcome: 'rejected', code: outcome.code, transaction, hold: false };
  return { status: 'executed', outcome: 'posted', code: null, transaction, hold: outcome.hold !== null };
}
