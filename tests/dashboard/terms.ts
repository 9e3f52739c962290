/** What has an end or terms of its own, and who may move money at all. */
import assert from 'node:assert/strict';
import { afterEach, before, beforeEach, describe, test } from 'node:test';
import type { Page, Request } from 'playwright-core';
import { registerUser, type Registered } from '../support/service.ts';
import { looksRight } from './accessibility.ts';
import { button, seen, type Opened, type Stage } from './browser.ts';

const HOUR_MS = 3_600_000;
const NEAR_MS = 120_000;
/** In summer, where clocks of Berlin are two hours ahead of UTC. */
const SUMMER = new Date().getUTCFullYear() + 2;

export function terms(current: () => Stage): void {
  describe('On the Wallets page', () => {
    let stage: Stage;
    let opened: Opened;
    let page: Page;
    let user: Registered;

    before(() => {
      stage = current();
    });

    beforeEach(async () => {
      user = await registerUser(stage.service);
      const topUp = { userId: user.id, assetSlug: 'gold_coins', amount: '10000' };
      assert.equal((await stage.service.post('/transactions/topup', topUp)).status, 201);
      opened = await stage.open(`#/wallets/${user.id}/gold_coins`, { timezoneId: 'Europe/Berlin' });
      ({ page } = opened);
      await card('Gold coins').getByText('100.00', { exact: true }).waitFor();
    });

    afterEach(async () => {
      const complaints = opened.complaints();
      await opened.close();
      assert.deepEqual(complaints, []);
    });

    function card(asset: string) {
      return page.locator('li', { hasText: asset }).filter({ hasText: 'available' });
    }

    async function type(amount: string, action: string): Promise<void> {
      await page.getByLabel('Amount').fill(amount);
      await button(page, action).click();
    }

    async function stored() {
      const path = `/wallets/${user.id}/gold_coins/balance?consistency=strong`;
      return (await stage.service.get(path)).body;
    }

    /** Every request to a path from now on. */
    function sentTo(path: string): Request[] {
      const sent: Request[] = [];
      page.on('request', (request) => {
        if (new URL(request.url()).pathname === path) sent.push(request);
      });
      return sent;
    }

    test('a bonus expires when it was said to, in the time of whoever gives it, and its card tells', async () => {
      await page.getByLabel('Bonus expires (optional)').fill(`${SUMMER}-07-01T18:30`);
      await type('5', 'Bonus');
      await seen(page, /What is left of it expires .*18:30|What is left of it expires .*6:30/);
      await card('Gold coins')
        .getByText(/^5\.00 expire .*6:30/)
        .or(card('Gold coins').getByText(/^5\.00 expire .*18:30/))
        .waitFor();
      assert.equal(await page.getByLabel('Bonus expires (optional)').inputValue(), '');
      const { balance, expiring } = await stored();
      assert.equal(balance, '10500');
      assert.deepEqual(expiring, [{ amount: '500', at: `${SUMMER}-07-01T16:30:00.000Z` }]);
      // The next one is a plain one again.
      await type('7', 'Bonus');
      await card('Gold coins').getByText('112.00', { exact: true }).waitFor();
      assert.deepEqual((await stored()).expiring, expiring);
    });

    test('an end that is over, or half written, is asked for again and nothing is sent', async () => {
      const sent = sentTo('/transactions/bonus');
      const end = page.getByLabel('Bonus expires (optional)');
      await end.fill('2020-01-01T00:00');
      await type('5', 'Bonus');
      await seen(page, 'That time is over.');
      await end.fill('');
      await end.focus();
      await page.keyboard.type('05');
      await button(page, 'Bonus').click();
      await seen(page, 'Write day and time, or leave all of it empty.');
      assert.equal(await end.getAttribute('aria-invalid'), 'true');
      assert.equal(sent.length, 0);
      assert.equal((await stored()).balance, '10000');
    });

    test('a hold ends by itself after the span that was chosen', async () => {
      await page.getByLabel('Hold ends').selectOption('After an hour');
      await type('20', 'Hold');
      await card('Gold coins').getByText('80.00 available · 20.00 held').waitFor();
      await page
        .getByRole('region', { name: 'Holds' })
        .getByText(/^Until .*:/)
        .waitFor();
      const { data } = (await stage.service.get(`/holds?userId=${user.id}`)).body;
      const inMs = Date.parse(data[0].expiresAt) - Date.now();
      assert.ok(Math.abs(inMs - HOUR_MS) < NEAR_MS, `${inMs} ms`);
    });

    test('an exchange at a rate is shown before, and comes to just that', async () => {
      const sent = sentTo('/transactions/exchange');
      await page.getByLabel('Terms').selectOption('By rate');
      await page.getByLabel('Amount').fill('10.10');
      await button(page, 'Exchange').click();
      await seen(page, 'Enter a rate, such as 0.25.');
      await page.getByLabel('Rate', { exact: true }).fill('2.5');
      await seen(page, 'Comes to 25 Diamonds, rounded down.');
      await button(page, 'Exchange').click();
      await seen(page, 'Exchange 10.10 Gold coins for 25 Diamonds');
      await card('Diamonds').getByText('25', { exact: true }).waitFor();
      await card('Gold coins').getByText('89.90', { exact: true }).waitFor();
      assert.equal(sent.length, 1);
      assert.deepEqual(sent[0]?.postDataJSON(), {
        ...{ userId: user.id, fromAsset: 'gold_coins', toAsset: 'diamonds' },
        ...{ amount: '1010', rate: '0.025' },
      });
      await type('1000', 'Exchange');
      await page.getByRole('alert').getByText('Insufficient funds').waitFor();
      assert.equal((await stored()).balance, '8990');
    });

    test('a wallet is frozen on its card, refuses, and moves again', async () => {
      await button(page, 'Freeze Gold coins').click();
      await card('Gold coins').getByText('Frozen', { exact: true }).waitFor();
      await type('5', 'Spend');
      await page.getByRole('alert').getByText('Wallet frozen').waitFor();
      assert.equal((await stored()).balance, '10000');
      await button(page, 'Unfreeze Gold coins').click();
      await button(page, 'Freeze Gold coins').waitFor();
      await button(page, 'Spend').click();
      await card('Gold coins').getByText('95.00', { exact: true }).waitFor();
    });

    test('a freeze whose answer was lost is tried again with the same key', async () => {
      const { data } = (await stage.service.get(`/users/${user.id}/wallets`)).body;
      const sent = sentTo(`/wallets/${data[0].id}/status`);
      await page.route('**/wallets/*/status', async (route) => {
        await route.fetch();
        await route.abort();
      });
      await button(page, 'Freeze Gold coins').click();
      const retry = card('Gold coins').getByRole('button', { name: 'Retry with the same key' });
      await retry.waitFor();
      await page.unroute('**/wallets/*/status');
      await retry.click();
      await card('Gold coins').getByText('nothing was done twice', { exact: false }).waitFor();
      const keys = sent.map((request) => request.headers()['idempotency-key']);
      assert.equal(keys.length, 2);
      assert.equal(keys[0], keys[1]);
      const log = (await stage.service.get('/events?limit=500&type=wallet.status_changed')).body;
      const own = log.data.filter((event: { idempotencyKey: string }) => event.idempotencyKey === keys[0]);
      assert.equal(own.length, 1);
      // The browser reports the connection that the test cut, and nothing else.
      assert.ok(opened.complaints().every((text) => text.includes('net::ERR_FAILED')));
      await opened.close();
      opened = await stage.open();
    });

    test('a user is banned, refused, and activated', async () => {
      await button(page, 'Ban user').click();
      await page.getByText('Banned', { exact: true }).waitFor();
      await type('5', 'Spend');
      await page.getByRole('alert').getByText('User banned').waitFor();
      await button(page, 'Activate user').click();
      await button(page, 'Ban user').waitFor();
      await button(page, 'Spend').click();
      await card('Gold coins').getByText('95.00', { exact: true }).waitFor();
    });

    test('all of it at once is accessible and fits from 360 px', async () => {
      await page.getByLabel('Bonus expires (optional)').fill(`${SUMMER}-07-01T18:30`);
      await type('5', 'Bonus');
      await card('Gold coins')
        .getByText(/^5\.00 expire /)
        .waitFor();
      await page.getByLabel('Hold ends').selectOption('After a day');
      await type('20', 'Hold');
      await seen(page, '85.00 available · 20.00 held');
      await page.getByLabel('For', { exact: true }).fill('12');
      await type('10', 'Exchange');
      await card('Diamonds').waitFor();
      await button(page, 'Freeze Gold coins').click();
      await card('Gold coins').getByText('Frozen', { exact: true }).waitFor();
      await button(page, 'Ban user').click();
      await page.getByText('Banned', { exact: true }).waitFor();
      await page.getByLabel('Terms').selectOption('By rate');
      await type('1', 'Spend');
      await page.getByRole('alert').waitFor();
      await looksRight(opened, 'wallets-terms');
    });
  });
}
