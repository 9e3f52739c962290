// A Fastify that does nothing but HTTP: what is left of a read or a command when reading and commanding cost nothing. The POST is
// parsed and validated by the very schema that Coffer's top-up has, in the way Coffer has it validated; the GET is not looked at. Both
// answer the bytes that they were given, which are those of an answer of Coffer.

import Fastify from 'fastify';
import { validatorCompiler } from 'fastify-type-provider-zod';
import { isUsableKey } from '../../src/commands/idempotency.ts';
import { dryRunQuery } from '../../src/http/command-route.ts';
import { moneyRoutes } from '../../src/http/money-commands.ts';

const postAnswer = process.env['POST_ANSWER'] ?? '';
const getAnswer = process.env['GET_ANSWER'] ?? '';
const JSON_TYPE = 'application/json; charset=utf-8';

const app = Fastify({ logger: false });
app.setValidatorCompiler(validatorCompiler);

app.get('/ready', async () => ({ status: 'ready' }));

app.get('/wallets/:userId/:assetSlug/balance', (_request, reply) => reply.type(JSON_TYPE).send(getAnswer));

const { body, params } = moneyRoutes.topup;
app.post('/transactions/topup', { schema: { params, querystring: dryRunQuery, body } }, (request, reply) => {
  const key = request.headers['idempotency-key'];
  if (typeof key !== 'string' || !isUsableKey(key)) return reply.status(400).send();
  return reply.status(201).type(JSON_TYPE).send(postAnswer);
});

await app.listen({ host: '127.0.0.1', port: Number(process.env['PORT'] ?? '0') });
process.once('SIGTERM', () => void app.close());
