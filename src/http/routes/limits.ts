/** Overdrafts and spend limits: set by wallet or asset, and what is left of them. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { idSchema } from '../../commands/fields.ts';
import { overdraftBody, spendLimitsBody } from '../../commands/schemas.ts';
import { readWalletLimits } from '../../projections/queries/limits.ts';
import { answerFrom } from '../../projections/queries/read-model.ts';
import { commandRoute } from '../command-route.ts';
import * as examples from '../examples.ts';
import { walletLimits } from '../limit-resources.ts';
import { assetSlugParam, atLeast } from '../query-params.ts';
import { queryRoute } from '../query-route.ts';
import { writtenAsset, writtenWallet } from '../resources.ts';
import { walletNotFound } from './wallets.ts';

const byId = z.strictObject({ id: idSchema.meta({ description: "The wallet's id." }) });

const WINDOWS =
  'A day is any 24 hours, a week any 7 days, a month any 30 days. What is sent replaces all limits that were set before.';

export function limitRoutes(app: FastifyInstance): void {
  commandRoute(app, {
    url: '/wallets/:id/overdraft',
    operationId: 'setOverdraft',
    kind: 'wallet.overdraft',
    tag: 'limits',
    summary: "Let a user's wallet go below zero, or no longer",
    description:
      'A wallet that is below a lowered limit stays where it is and may pay nothing until it has recovered. Wallets of system accounts have none: a 400.',
    params: byId,
    body: overdraftBody,
    bodyName: 'SetOverdraft',
    bodyExample: { limit: '500' },
    answer: writtenWallet,
    example: { ...examples.wallet, overdraft: '500', ...examples.written },
    problems: ['wallet_not_found', 'subject_erased'],
    command: ({ id }, body) => ({ kind: 'wallet.overdraft', walletId: id, ...body }),
  });

  commandRoute(app, {
    url: '/wallets/:id/limits',
    operationId: 'setWalletLimits',
    kind: 'wallet.limits',
    tag: 'limits',
    summary: "Limit what is spent of a user's wallet",
    description: `${WINDOWS} What counts: spends, transfers and postings that the user pays, and holds when they are placed. Wallets of system accounts have none: a 400.`,
    params: byId,
    body: spendLimitsBody,
    bodyName: 'SetSpendLimits',
    bodyExample: { perTransaction: '100', day: '1000' },
    answer: writtenWallet,
    example: { ...examples.wallet, limits: examples.limits, ...examples.written },
    problems: ['wallet_not_found', 'subject_erased'],
    command: ({ id }, body) => ({ kind: 'wallet.limits', walletId: id, ...body }),
  });

  commandRoute(app, {
    url: '/assets/:slug/limits',
    operationId: 'setAssetLimits',
    kind: 'asset.limits',
    tag: 'limits',
    summary: 'Limit what is spent of each wallet of an asset',
    description: `${WINDOWS} Of an asset's limit and a wallet's own the stricter holds.`,
    params: z.strictObject({ slug: assetSlugParam }),
    body: spendLimitsBody,
    bodyName: 'SetSpendLimits',
    bodyExample: { perTransaction: '100', day: '1000' },
    answer: writtenAsset,
    example: { ...examples.asset, limits: examples.limits, ...examples.written },
    problems: ['asset_not_found'],
    command: ({ slug }, body) => ({ kind: 'asset.limits', slug, ...body }),
  });

  queryRoute(app, {
    url: '/wallets/:id/limits',
    operationId: 'getWalletLimits',
    tag: 'limits',
    summary: 'The overdraft and the limits of a wallet, and what is left of them',
    description:
      "As decisions see it now, from the wallet's row. A window is counted in buckets of an hour (day), six hours (week) or a UTC day (month): what was spent counts until its whole bucket has left the window.",
    params: byId,
    query: z.strictObject({ atLeast }),
    answer: walletLimits,
    example: examples.walletLimits,
    problems: ['wallet_not_found', 'read_model_behind'],
    read: async ({ id }, query, ledger) => {
      const source = { projections: [], atLeast: query.atLeast };
      const { result, position } = await answerFrom(ledger, source, (tx) =>
        readWalletLimits(tx, ledger.ledgerId, id),
      );
      return result === null ? { refusal: walletNotFound(id), position } : { body: result, position };
    },
  });
}
