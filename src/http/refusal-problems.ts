/** Problems of what was asked for: the rules decline it, or it names what is not there. */
import type { RefusalCode } from '../errors.ts';
import type { ProblemRow } from './problems.ts';

export const refusalProblems: { readonly [Code in RefusalCode]: ProblemRow } = {
  insufficient_funds: {
    status: 422,
    title: 'Insufficient funds',
    advice:
      'The wallet has less available (balance minus held) than required. This answer is remembered: try again with a new Idempotency-Key once there are funds.',
  },
  limit_exceeded: {
    status: 422,
    title: 'Spend limit exceeded',
    advice:
      'More would be spent of the wallet than its limit, or that of its asset, allows. "freesAt" says when this amount fits again if nothing else is spent, null that it never does. This answer is remembered: use a new Idempotency-Key then.',
  },
  user_banned: {
    status: 422,
    title: 'User banned',
    advice: 'Money of a banned user does not move. POST /users/{userId}/status with ACTIVE lifts the ban.',
  },
  user_not_empty: {
    status: 422,
    title: 'User not empty',
    advice:
      'Only a user without money is erased: "assets", "balances" and "held" tell what the first 10 of "wallets" have. This answer is remembered: spend or pay out what is left, end open holds, and try again with a new Idempotency-Key.',
  },
  asset_frozen: {
    status: 422,
    title: 'Asset frozen',
    advice: 'Nothing of a frozen asset moves. POST /assets/{slug}/status with ACTIVE thaws it.',
  },
  wallet_frozen: {
    status: 422,
    title: 'Wallet frozen',
    advice: 'Money in a frozen wallet does not move. POST /wallets/{id}/status with ACTIVE thaws it.',
  },
  supply_cap_exceeded: {
    status: 422,
    title: 'Supply cap exceeded',
    advice: 'More of this asset would be in circulation than its supply cap allows.',
  },
  balance_out_of_range: {
    status: 422,
    title: 'Balance out of range',
    advice: 'A balance has at most 38 digits in either direction.',
  },
  hold_exceeded: {
    status: 422,
    title: 'More than is left of the hold',
    advice:
      'GET /holds/{id} shows what remains. This answer is remembered: capture less with a new Idempotency-Key.',
  },
  hold_closed: {
    status: 422,
    title: 'Hold closed',
    advice: 'The hold was captured, released or has expired. Place a new one.',
  },
  reversal_exceeds_original: {
    status: 422,
    title: 'More than is left of the original',
    advice: 'GET /transactions/{id} shows what was reversed already. No more than the rest can be reversed.',
  },
  schedule_closed: {
    status: 422,
    title: 'Schedule closed',
    advice:
      'It was executed or cancelled before, once and for all: GET /scheduled/{id} shows what came of it.',
  },
  not_reversible: {
    status: 422,
    title: 'Not reversible',
    advice:
      'A reversal cannot be reversed, nor an expiry, nor a declined attempt. Post a new transaction instead.',
  },
  too_many_lots: {
    status: 422,
    title: 'Too many expiring bonuses',
    advice:
      'A wallet has a bounded number of bonuses that expire and have something left. GET /wallets/{id}/lots?open=true lists them; a bonus without an end needs no lot.',
  },
  user_not_found: {
    status: 404,
    title: 'User not found',
    advice: 'Check the user id: GET /users lists them.',
  },
  asset_not_found: {
    status: 404,
    title: 'Asset not found',
    advice: 'Check the slug: GET /assets lists them.',
  },
  wallet_not_found: {
    status: 404,
    title: 'Wallet not found',
    advice: 'Check the wallet id: GET /users/{userId}/wallets lists those of a user.',
  },
  hold_not_found: {
    status: 404,
    title: 'Hold not found',
    advice: 'Check the hold id: GET /holds lists them.',
  },
  schedule_not_found: {
    status: 404,
    title: 'Schedule not found',
    advice: 'Check the schedule id: GET /scheduled lists them.',
  },
  transaction_not_found: {
    status: 404,
    title: 'Transaction not found',
    advice: 'Check the transaction id: GET /transactions lists them.',
  },
  email_taken: {
    status: 409,
    title: 'E-mail taken',
    advice: 'A user with this e-mail exists: GET /users?email= finds it.',
  },
  slug_taken: {
    status: 409,
    title: 'Slug taken',
    advice: 'An asset with this slug exists: GET /assets lists it.',
  },
  id_taken: {
    status: 409,
    title: 'Id taken',
    advice: 'Leave the id out to have one made, or choose another.',
  },
  idempotency_key_reused: {
    status: 422,
    title: 'Idempotency-Key used for another request',
    advice:
      'The key belongs to an earlier request that differs in the fields named by "differs". Use a new key for a new request.',
  },
  idempotency_key_unknown: {
    status: 404,
    title: 'Idempotency-Key unknown',
    advice: 'No write with this key has been recorded. It can be sent, or sent again, with this key.',
  },
  subject_erased: {
    status: 410,
    title: 'Personal data erased',
    advice:
      'The user was erased: nothing can be asked of or for them any more, and no answer that showed something personal is shown again.',
  },
  checkpoint_not_found: {
    status: 404,
    title: 'No checkpoint yet',
    advice: 'The first checkpoint is signed within seconds of the first event, where a worker runs.',
  },
  projection_not_found: {
    status: 404,
    title: 'Projection not found',
    advice: 'Check the name: GET /projections lists them.',
  },
  rebuild_under_way: {
    status: 409,
    title: 'Rebuild under way',
    advice:
      'A rebuild of the same read model is under way for another purpose or version. Wait for it: GET /projections/rebuilds shows how far it is.',
  },
  rollback_impossible: {
    status: 409,
    title: 'Nothing to go back to',
    advice:
      'There is no generation that served before, or it is of another version of the program. POST /projections/{name}/rebuild makes a new one.',
  },
  verification_running: {
    status: 409,
    title: 'Verification running',
    advice:
      'There is one at a time in a process. GET /audit/verifications/{id} with the id in "running" shows how far it is; null where it is of another ledger.',
  },
  verification_not_found: {
    status: 404,
    title: 'Verification not found',
    advice:
      'Verifications are remembered by the process that ran them, the last 20: GET /audit/verifications lists them.',
  },
  log_contradicted: {
    status: 500,
    title: 'Log contradicts what was sealed',
    advice:
      'An event, a node of the tree or a checkpoint was changed behind the back of the service, so that there is no proof. `coffer audit verify` finds out what.',
  },
};
