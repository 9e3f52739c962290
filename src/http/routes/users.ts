import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { idSchema, registerUserBody, userStatusBody } from '../../commands/schemas.ts';
import { RefusedError } from '../../errors.ts';
import { listUsers, readUser } from '../../projections/queries/users.ts';
import { WALLET_PROJECTIONS, listWalletsOfUser } from '../../projections/queries/wallets.ts';
import { normalizeEmail } from '../../text.ts';
import { commandRoute } from '../command-route.ts';
import type { HttpDeps } from '../deps.ts';
import * as examples from '../examples.ts';
import { atLeast, cursorParam, limitParam } from '../query-params.ts';
import { queryRoute } from '../query-route.ts';
import { answerFrom, findIn } from '../read-model.ts';
import { listOf, user, wallet, writtenUser } from '../resources.ts';

const DIRECTORY = ['directory'];
const byId = z.strictObject({ userId: idSchema });

export function userRoutes(app: FastifyInstance, deps: HttpDeps): void {
  commandRoute(app, deps, {
    url: '/users',
    kind: 'user.register',
    tag: 'users',
    summary: 'Register a user',
    params: z.strictObject({}),
    body: registerUserBody,
    answer: writtenUser,
    example: { ...examples.user, ...examples.written },
    problems: ['email_taken', 'id_taken', 'subject_erased'],
    command: (_params, body) => ({ kind: 'user.register', ...body }),
  });

  commandRoute(app, deps, {
    url: '/users/:userId/status',
    kind: 'user.status',
    tag: 'users',
    summary: 'Ban a user, or lift the ban',
    params: byId,
    body: userStatusBody,
    answer: writtenUser,
    example: { ...examples.user, ...examples.written },
    problems: ['user_not_found', 'subject_erased'],
    command: ({ userId }, body) => ({ kind: 'user.status', userId, ...body }),
  });

  queryRoute(app, {
    url: '/users',
    tag: 'users',
    summary: 'List users',
    query: z.strictObject({
      email: z.string().max(254).transform(normalizeEmail).optional().meta({ examples: ['alice@example.com'] }),
      limit: limitParam(50),
      cursor: cursorParam,
      atLeast,
    }),
    answer: listOf(user),
    example: examples.listOf(examples.user),
    problems: ['read_model_behind'],
    read: async (_params, query) => {
      const { limit, cursor, email } = query;
      const { result, position } = await answerFrom(deps, { projections: DIRECTORY, atLeast: query.atLeast }, (tx) =>
        listUsers(tx, deps.ledgerId, { limit, cursor, email }),
      );
      return { body: result, position };
    },
  });

  queryRoute(app, {
    url: '/users/:userId',
    tag: 'users',
    summary: 'Look up a user',
    params: byId,
    query: z.strictObject({ atLeast }),
    answer: user,
    example: examples.user,
    problems: ['user_not_found', 'read_model_behind'],
    read: async ({ userId }, query) => {
      const found = await findIn(deps, { projections: DIRECTORY, atLeast: query.atLeast }, (tx) =>
        readUser(tx, deps.ledgerId, userId),
      );
      if (found.result === null) throw userNotFound(userId);
      return { body: found.result, position: found.position };
    },
  });

  queryRoute(app, {
    url: '/users/:userId/wallets',
    tag: 'wallets',
    summary: "List a user's wallets",
    params: byId,
    query: z.strictObject({ atLeast }),
    answer: listOf(wallet),
    example: examples.listOf(examples.wallet),
    problems: ['user_not_found', 'read_model_behind'],
    read: async ({ userId }, query) => {
      const source = { projections: WALLET_PROJECTIONS, atLeast: query.atLeast };
      const found = await findIn(deps, source, async (tx) => {
        const known = await readUser(tx, deps.ledgerId, userId);
        return known === null ? null : listWalletsOfUser(tx, deps.ledgerId, userId);
      });
      if (found.result === null) throw userNotFound(userId);
      return { body: { data: found.result, nextCursor: null }, position: found.position };
    },
  });
}

function userNotFound(userId: string): RefusedError {
  return new RefusedError({ code: 'user_not_found', detail: 'There is no user with this id.', figures: { userId } });
}
