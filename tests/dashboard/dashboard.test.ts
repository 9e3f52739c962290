/**
 * The dashboard in a browser: one browser for all of it, and one service for all that can share it, since to start them takes
 * longer than most of what is tested with them.
 */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { newHolder, spend, topUp } from '../http/payments.ts';
import { registerUser, type Service } from '../support/service.ts';
import { auditPage, auditPageWithKey } from './audit.ts';
import { whileAway } from './away.ts';
import { closeBrowser, setStage, withoutBrowser, type Stage } from './browser.ts';
import { extremes } from './extremes.ts';
import { longHistory } from './history.ts';
import { whereAKeyIsWanted } from './key.ts';
import { operationsPage } from './operations.ts';
import { everyPage } from './pages.ts';
import { terms } from './terms.ts';
import { walletsPage } from './wallets.ts';

const MAX_SCRIPT_BYTES = 150_000;

describe('The dashboard', { skip: withoutBrowser }, () => {
  let stage: Stage;
  const current = () => stage;

  before(async () => {
    stage = await setStage();
    await furnish(stage.service);
  });

  after(async () => {
    await stage.close();
    await closeBrowser();
  });

  everyPage(current);
  walletsPage(current);
  terms(current);
  operationsPage(current);
  auditPage(current);
  extremes(current);
  longHistory(current);
  whileAway();
  whereAKeyIsWanted();
  auditPageWithKey();
});

/** Something of everything, for the pages to show. */
async function furnish(service: Service): Promise<void> {
  await service.post('/assets', { slug: 'gold_coins', name: 'Gold coins', scale: 2 });
  await service.post('/assets', { slug: 'diamonds', name: 'Diamonds', scale: 0, supplyCap: '1000000' });
  const { id: userId } = await registerUser(service);
  for (const assetSlug of ['gold_coins', 'diamonds']) {
    await topUp(service, { userId, assetSlug }, '125000');
    await spend(service, { userId, assetSlug }, '30050');
    await spend(service, { userId, assetSlug }, '99999999');
  }
  await service.post('/holds', { userId, assetSlug: 'gold_coins', amount: '5000' });
  await newHolder(service);
}

test('all scripts together are small, compressed', () => {
  const assets = new URL('../../dashboard/dist/dashboard/assets/', import.meta.url);
  const scripts = readdirSync(assets).filter((name) => name.endsWith('.js'));
  assert.ok(scripts.length > 0);
  const sizes = scripts.map((name) => gzipSync(readFileSync(new URL(name, assets))).length);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  assert.ok(total < MAX_SCRIPT_BYTES, `${total} bytes`);
});
