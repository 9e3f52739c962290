import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { eraseUserBody, registerUserBody, userStatusBody } from '../../commands/schemas.ts';
import type { Refusal } from '../../errors.ts';
import { listUsers, readUser } from '../../projections/queries/users.ts';
import { WALLET_PROJECTIONS, listWalletsOfUser } from '../../projections/queries/wallets.ts';
import { isStorableText, normalizeEmail } from '../../text.ts';
import { answerFrom, findIn } from '../../projections/queries/read-model.ts';
import { commandRoute } from '../command-route.ts';
import * as examples from '../examples.ts';
import { atLeast, cursorParam, limitParam, userIdParam } from '../query-params.ts';
import { queryRoute } from '../query-route.ts';
import { erasedUser, listOf, user, wallet, writtenUser } from '../resources.ts';

const DIRECTORY = ['directory'];
const emailParam = z
  .string()
  .max(254)
  .refine(isStorableText, 'must not contain NUL or lone surrogates')
  .meta({ examples: ['alice@example.com'] })
  .transform(normalizeEmail)
  .optional()
  .meta({ description: 'Finds the user with this e-mail, however it is spelled.' });

const byId = z.strictObject({ userId: userIdParam });

export function userRoutes(app: FastifyInstance): void {
  commandRoute(app, {
    url: '/users',
    operationId: 'registerUser',
    kind: 'user.register',
    tag: 'users',
    summary: 'Register a user',
    params: z.strictObject({}),
    body: registerUserBody,
    bodyName: 'RegisterUser',
    bodyExample: { email: 'alice@example.com' },
    answer: writtenUser,
    example: { ...examples.user, ...examples.written },
    problems: ['email_taken', 'id_taken', 'subject_erased'],
    command: (_params, body) => ({ kind: 'user.register', ...body }),
  });

  commandRoute(app, {
    url: '/users/:userId/status',
    operationId: 'setUserStatus',
    kind: 'user.status',
    tag: 'users',
    summary: 'Ban a user, or lift the ban',
    params: byId,
    body: userStatusBody,
    bodyName: 'SetUserStatus',
    bodyExample: { status: 'BANNED', reason: 'chargeback under review' },
    answer: writtenUser,
    example: { ...examples.user, status: 'BANNED', ...examples.written },
    problems: ['user_not_found', 'subject_erased'],
    command: ({ userId }, body) => ({ kind: 'user.status', userId, ...body }),
  });

  commandRoute(app, {
    url: '/users/:userId/erase',
    operationId: 'eraseUser',
    kind: 'user.erase',
    tag: 'users',
    summary: 'Erase a user, for ever: the e-mail and all personal metadata',
    description:
      'Only of a user whose wallets are empty, with nothing held. The log stays whole: it never had these values.',
    params: byId,
    body: eraseUserBody,
    bodyName: 'EraseUser',
    bodyExample: { reason: 'request 4711' },
    answer: erasedUser,
    example: examples.erasedUser,
    problems: ['user_not_found', 'user_not_empty', 'subject_erased'],
    command: ({ userId }, body) => ({ kind: 'user.erase', userId, ...body }),
  });

  queryRoute(app, {
    url: '/users',
    operationId: 'listUsers',
    tag: 'users',
    summary: 'List users, in the order of registration, without those who were erased',
    query: z.strictObject({ email: emailParam, limit: limitParam(50), cursor: cursorParam, atLeast }),
    answer: listOf(user),
    example: examples.listOf(examples.user),
    problems: ['read_model_behind'],
    read: async (_params, query, ledger) => {
      const { limit, cursor, email } = query;
      const { result, position } = await answerFrom(
        ledger,
        { projections: DIRECTORY, atLeast: query.atLeast },
        (tx) => listUsers(tx, ledger.ledgerId, { limit, cursor, email }),
      );
      return { body: result, position };
    },
  });

  queryRoute(app, {
    url: '/users/:userId',
    operationId: 'getUser',
    tag: 'users',
    summary: 'Look up a user',
    params: byId,
    query: z.strictObject({ atLeast }),
    answer: user,
    example: examples.user,
    problems: ['user_not_found', 'subject_erased', 'read_model_behind'],
    read: async ({ userId }, query, ledger) => {
      const found = await findIn(ledger, { projections: DIRECTORY, atLeast: query.atLeast }, (tx) =>
        readUser(tx, ledger.ledgerId, userId),
      );
      const { result, position } = found;
      if (result === 'erased') return { refusal: userErased(userId), position };
      return result === null ? { refusal: userNotFound(userId), position } : { body: result, position };
    },
  });

  queryRoute(app, {
    url: '/users/:userId/wallets',
    operationId: 'listUserWallets',
    tag: 'wallets',
    summary: "List a user's wallets",
    params: byId,
    query: z.strictObject({ atLeast }),
    answer: listOf(wallet),
    example: examples.listOf(examples.wallet),
    problems: ['user_not_found', 'subject_erased', 'read_model_behind'],
    read: async ({ userId }, query, ledger) => {
      const source = { projections: WALLET_PROJECTIONS, atLeast: query.atLeast };
      const found = await findIn(ledger, source, async (tx) => {
        const known = await readUser(tx, ledger.ledgerId, userId);
        return known === null || known === 'erased' ? known : listWalletsOfUser(tx, ledger.ledgerId, userId);
      });
      const { result, position } = found;
      if (result === 'erased') return { refusal: userErased(userId), position };
      if (result === null) return { refusal: userNotFound(userId), position };
      return { body: { data: result, nextCursor: null }, position };
    },
  });
}

function userNotFound(userId: string): Refusal {
  return { code: 'user_not_found', detail: 'There is no user with this id.', figures: { userId } };
}

function userErased(userId: string): Refusal {
  return { code: 'subject_erased', detail: 'This user was erased.', figures: { userId } };
}
