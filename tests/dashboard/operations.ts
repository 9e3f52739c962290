import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type pg from 'pg';
import { newHolder, spend, topUp, walletOf, type Holder } from '../http/payments.ts';
import { until } from '../support/until.ts';
import { looksRight } from './accessibility.ts';
import { button, seen, type Stage } from './browser.ts';

export function operationsPage(current: () => Stage): void {
  describe('The Operations page', () => {
    let stage: Stage;
    let holder: Holder;
    let wallet: string;
    let owner: pg.Client;

    before(async () => {
      stage = current();
      owner = await stage.database.connect();
      holder = await newHolder(stage.service);
      wallet = walletOf(await topUp(stage.service, holder, '1000'));
      await spend(stage.service, holder, '99999');
    });

    after(async () => {
      await owner.end();
    });

    test('rebuilds a read model while it is watched, says what was different, and goes back', async () => {
      const { page, complaints, close } = await stage.open('#/operations');
      const rebuilds = page.getByRole('list', { name: 'Rebuilds' });
      await seen(page, 'Wallet balances');
      const balance = `/wallets/${holder.userId}/${holder.assetSlug}/balance`;
      await until('it is projected', async () => (await stage.service.get(balance)).body.balance === '1000');
      await owner.query('update read.wallet_balances set balance = 7 where wallet_id = $1', [wallet]);
      assert.equal(await button(page, 'Roll back Wallet balances').count(), 0);
      // No step of the rebuild comes past this, so that it is seen under way.
      await owner.query('begin');
      await owner.query('lock table read.generations in row exclusive mode');
      await button(page, 'Rebuild Wallet balances').click();
      await page.getByRole('progressbar', { name: 'Rebuild of Wallet balances' }).waitFor();
      assert.ok(await button(page, 'Rebuild Wallet balances').isDisabled());
      await owner.query('rollback');
      await rebuilds.locator('li', { hasText: 'Wallet balances' }).getByText('Done').waitFor();
      await rebuilds.getByText('1 difference from the one that served before.').waitFor();
      assert.equal((await stage.service.get(balance)).body.balance, '1000');
      await button(page, 'Roll back Wallet balances').click();
      await until('it went back', async () => {
        const { data } = (await stage.service.get('/projections/rebuilds')).body;
        return data.some(
          (one: Record<string, unknown>) => one['id'] === 'wallet_balances-1' && one['state'] === 'done',
        );
      });
      await rebuilds.locator('li', { hasText: 'generation 1' }).getByText('Done').waitFor();
      assert.deepEqual(complaints(), []);
      await close();
    });

    test('shows the queue, what is committed and how fast, what was refused, and the queues of jobs', async () => {
      const { page, complaints, close } = await stage.open('#/operations');
      await seen(page, 'Queue depth');
      await topUp(stage.service, holder, '5');
      const outcomes = page.getByRole('region', { name: 'Outcomes by command' });
      const { outcomes: counted, refusals } = (await stage.service.get('/operations')).body;
      const topUps = counted.find(
        (one: Record<string, unknown>) => one['command'] === 'topup' && one['outcome'] === 'accepted',
      );
      await outcomes
        .locator('tr', { hasText: 'Top up' })
        .locator('td')
        .first()
        .getByText(String(topUps.count))
        .waitFor();
      assert.ok(refusals.some(({ code }: { code: string }) => code === 'insufficient_funds'));
      await page.getByRole('link', { name: 'Insufficient funds' }).waitFor();
      const jobs = page.getByRole('region', { name: 'Queues of jobs' });
      for (const queue of ['Catch up', 'Rebuild', 'Seal'])
        await jobs.getByText(queue, { exact: true }).waitFor();
      await page
        .getByRole('img', { name: /^Events behind the log over time: now \d+, at most \d+$/ })
        .waitFor();
      await page.getByRole('img', { name: /^Commit latency over time: now half within [\d.]+ ms/ }).waitFor();
      assert.deepEqual(complaints(), []);
      await close();
    });

    test('says why a rebuild was refused', async () => {
      const { page, close } = await stage.open('#/operations');
      await seen(page, 'Queue depth');
      await page.route('**/projections/lots/rebuild', (route) =>
        route.continue({ url: route.request().url().replace('/lots/', '/nothing/') }),
      );
      await button(page, 'Rebuild Lots').click();
      await page.getByRole('alert').getByText('There is no projection of this name.').waitFor();
      await close();
    });

    test('is accessible and fits from 360 px with all that it can show', async () => {
      const opened = await stage.open('#/operations');
      await opened.page.getByRole('list', { name: 'Rebuilds' }).waitFor();
      await looksRight(opened, 'operations-rebuilt');
      assert.deepEqual(opened.complaints(), []);
      await opened.close();
    });
  });
}
