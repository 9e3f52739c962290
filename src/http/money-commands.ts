/**
 * The commands that move money, each with its path, parameters and body: what its own route serves, and what a batch
 * takes by its type. A key stands for the same request whichever way it came. Each of them can be asked for later, by
 * `executeAt` in its body.
 */
import { z } from 'zod';
import { idSchema } from '../commands/fields.ts';
import {
  bonusBody,
  captureBody,
  exchangeBody,
  holdBody,
  moneyBody,
  postingsBody,
  releaseBody,
  reversalBody,
  transferBody,
} from '../commands/money-schemas.ts';
import {
  schedulable,
  scheduledFor,
  type CreateScheduleCommand,
  type SchedulableCommand,
} from '../commands/schedule-schemas.ts';
import { SCHEDULE_CANCEL } from '../events/transaction-resource.ts';
import type { ProblemCode } from './problems.ts';

/** Refusals that any of them may meet. */
export const MONEY_PROBLEMS: readonly ProblemCode[] = [
  'user_not_found',
  'asset_not_found',
  'user_banned',
  'asset_frozen',
  'wallet_frozen',
  'balance_out_of_range',
  'subject_erased',
];

/** And those that let users pay. */
export const SPEND_PROBLEMS = ['insufficient_funds', 'limit_exceeded'] as const;

export type MoneyKind = SchedulableCommand['kind'];

export type MoneyRoute<Params extends z.ZodType = z.ZodType, Body extends z.ZodType = z.ZodType> = {
  readonly kind: MoneyKind;
  /** As a route has it, with :id where it is about something that exists. */
  readonly url: string;
  readonly params: Params;
  readonly body: Body;
  readonly schedulable: true;
  readonly command: (
    params: z.output<Params>,
    body: z.output<Body>,
  ) => SchedulableCommand | CreateScheduleCommand;
};

const none = z.strictObject({});
const holdId = z.strictObject({ id: idSchema.meta({ description: "The hold's id." }) });
const transactionId = z.strictObject({ id: idSchema.meta({ description: 'The transactionId.' }) });

type Definition<Params extends z.ZodType, Body extends z.ZodObject> = Pick<
  MoneyRoute<Params, Body>,
  'kind' | 'url' | 'params'
> & {
  readonly body: Body;
  readonly command: (params: z.output<Params>, body: z.output<Body>) => SchedulableCommand;
};

function define<Params extends z.ZodType, Body extends z.ZodObject>(route: Definition<Params, Body>) {
  const body = schedulable(route.body);
  return {
    ...route,
    body,
    schedulable: true,
    command: (params: z.output<Params>, sent: z.output<typeof body>) => {
      const { executeAt, ...asked } = sent;
      return scheduledFor(executeAt, route.command(params, asked as z.output<Body>));
    },
  } satisfies MoneyRoute<Params, typeof body>;
}

function moving(kind: 'topup' | 'spend') {
  return define({
    kind,
    url: `/transactions/${kind}`,
    params: none,
    body: moneyBody,
    command: (_params, body) => ({ kind, ...body }),
  });
}

export const moneyRoutes = {
  topup: moving('topup'),
  spend: moving('spend'),
  bonus: define({
    kind: 'bonus',
    url: '/transactions/bonus',
    params: none,
    body: bonusBody,
    command: (_params, body) => ({ kind: 'bonus', ...body }),
  }),
  transfer: define({
    kind: 'transfer',
    url: '/transactions/transfer',
    params: none,
    body: transferBody,
    command: (_params, body) => ({ kind: 'transfer', ...body }),
  }),
  exchange: define({
    kind: 'exchange',
    url: '/transactions/exchange',
    params: none,
    body: exchangeBody,
    command: (_params, body) => ({ kind: 'exchange', ...body }),
  }),
  postings: define({
    kind: 'postings',
    url: '/transactions',
    params: none,
    body: postingsBody,
    command: (_params, body) => ({ kind: 'postings', ...body }),
  }),
  hold: define({
    kind: 'hold',
    url: '/holds',
    params: none,
    body: holdBody,
    command: (_params, body) => ({ kind: 'hold', ...body }),
  }),
  capture: define({
    kind: 'capture',
    url: '/holds/:id/capture',
    params: holdId,
    body: captureBody,
    command: ({ id }, body) => ({ kind: 'capture', holdId: id, ...body }),
  }),
  release: define({
    kind: 'release',
    url: '/holds/:id/release',
    params: holdId,
    body: releaseBody,
    command: ({ id }) => ({ kind: 'release', holdId: id }),
  }),
  reversal: define({
    kind: 'reversal',
    url: '/transactions/:id/reverse',
    params: transactionId,
    body: reversalBody,
    command: ({ id }, body) => ({ kind: 'reversal', transactionId: id, ...body }),
  }),
} as const;

/** What is declined of it is remembered like that of commands that move money. */
export const CANCEL_URL = '/scheduled/:id/cancel';

export function isMoneyKind(kind: unknown): kind is MoneyKind {
  return typeof kind === 'string' && Object.hasOwn(moneyRoutes, kind);
}

/** The path of a request for such a command: what its answers call `instance`. */
export function pathOfKind(kind: string, id: string | null): string {
  if (kind === SCHEDULE_CANCEL) return CANCEL_URL.replace(':id', id ?? '');
  return (isMoneyKind(kind) ? moneyRoutes[kind] : moneyRoutes.postings).url.replace(':id', id ?? '');
}
