// The baseline's process: the same Fastify and the same validation by zod as Coffer, the same paths and
// bodies, so that one load fits both. It holds no state but its pool.

import Fastify from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { Pool } from 'pg';
import { z } from 'zod';
import { post, TREASURY_OWNER_ID, type Movement, type Refusal } from './transaction.ts';

const amount = z.string().regex(/^[1-9][0-9]{0,37}$/);
const slug = z.string().regex(/^[a-z][a-z0-9_]{0,62}$/);
const optionalParts = {
  reference: z.string().max(255).optional(),
  metadata: z.record(z.string(), z.string()).optional(),
};
const keyHeader = z.object({ 'idempotency-key': z.string().regex(/^[\x21-\x7e]{1,255}$/) });
const topupBody = z.strictObject({ userId: z.uuid(), assetSlug: slug, amount, ...optionalParts });
const transferBody = z.strictObject({
  fromUserId: z.uuid(),
  toUserId: z.uuid(),
  assetSlug: slug,
  amount,
  ...optionalParts,
});

const REFUSAL_STATUS: Record<Refusal['refused'], number> = {
  wallet_not_found: 404,
  insufficient_funds: 422,
  idempotency_key_reused: 422,
};

function buildServer(pool: Pool) {
  const app = Fastify({ logger: false }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);

  async function answer(movement: Movement): Promise<{ status: number; body: object }> {
    const outcome = await post(pool, movement);
    if ('refused' in outcome) {
      return { status: REFUSAL_STATUS[outcome.refused], body: { code: outcome.refused } };
    }
    return { status: 201, body: outcome };
  }

  app.get('/ready', async () => {
    await pool.query('select 1');
    return { status: 'ready' };
  });

  app.post(
    '/transactions/topup',
    { schema: { headers: keyHeader, body: topupBody } },
    async (request, reply) => {
      const { userId, assetSlug, amount, reference, metadata } = request.body;
      const { status, body } = await answer({
        idempotencyKey: request.headers['idempotency-key'],
        type: 'topup',
        fromOwnerId: TREASURY_OWNER_ID,
        toOwnerId: userId,
        assetSlug,
        amount,
        reference: reference ?? null,
        metadata: metadata ?? null,
      });
      return reply.status(status).send(body);
    },
  );

  app.post(
    '/transactions/transfer',
    { schema: { headers: keyHeader, body: transferBody } },
    async (request, reply) => {
      const { fromUserId, toUserId, assetSlug, amount, reference, metadata } = request.body;
      const { status, body } = await answer({
        idempotencyKey: request.headers['idempotency-key'],
        type: 'transfer',
        fromOwnerId: fromUserId,
        toOwnerId: toUserId,
        assetSlug,
        amount,
        reference: reference ?? null,
        metadata: metadata ?? null,
      });
      return reply.status(status).send(body);
    },
  );

  const balanceParams = z.object({ userId: z.uuid(), assetSlug: slug });
  app.get(
    '/wallets/:userId/:assetSlug/balance',
    { schema: { params: balanceParams } },
    async (request, reply) => {
      const { userId, assetSlug } = request.params;
      const { rows } = await pool.query<{ id: string; balance: string }>({
        name: 'balance',
        text: 'select id, balance from wallets where owner_id = $1 and asset_slug = $2',
        values: [userId, assetSlug],
      });
      const [wallet] = rows;
      if (!wallet) return reply.status(404).send({ code: 'wallet_not_found' });
      return { balance: wallet.balance, asset: assetSlug, userId, walletId: wallet.id };
    },
  );

  return app;
}

const pool = new Pool({
  connectionString: process.env['DATABASE_URL'],
  max: Number(process.env['POOL_SIZE'] ?? '20'),
});
const app = buildServer(pool);
await app.listen({ host: '127.0.0.1', port: Number(process.env['PORT'] ?? '0') });
process.once('SIGTERM', () => {
  void app.close().then(() => pool.end());
});
