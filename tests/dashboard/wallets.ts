import assert from 'node:assert/strict';
import { before, beforeEach, afterEach, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { registerUser, type Registered } from '../support/service.ts';
import { until } from '../support/until.ts';
import { button, seen, type Opened, type Stage } from './browser.ts';

export function walletsPage(current: () => Stage): void {
  describe('The Wallets page', () => {
    let stage: Stage;
    let opened: Opened;
    let page: Page;
    let user: Registered;

    before(() => {
      stage = current();
    });

    beforeEach(async () => {
      user = await registerUser(stage.service);
      await fund('1000.00');
      opened = await stage.open(`#/wallets/${user.id}/gold_coins`);
      ({ page } = opened);
      await balanceIs('1 000.00');
    });

    afterEach(async () => {
      const complaints = opened.complaints();
      await opened.close();
      assert.deepEqual(complaints, []);
    });

    async function fund(decimal: string): Promise<void> {
      const amount = decimal.replace('.', '');
      const reply = await stage.service.post('/transactions/topup', {
        userId: user.id,
        assetSlug: 'gold_coins',
        amount,
      });
      assert.equal(reply.status, 201);
    }

    /** In Gold coins, on the card. Digits stand in groups with narrow spaces. */
    async function balanceIs(text: string): Promise<void> {
      await page
        .locator('li', { hasText: 'Gold coins' })
        .getByText(text.replaceAll(' ', '\u202f'), { exact: true })
        .waitFor();
    }

    async function stored(): Promise<{ balance: string; held: string }> {
      const { body } = await stage.service.get(`/wallets/${user.id}/gold_coins/balance?consistency=strong`);
      return { balance: String(body.balance), held: String(body.held) };
    }

    async function type(amount: string, action: string): Promise<void> {
      await page.getByLabel('Amount').fill(amount);
      await button(page, action).click();
    }

    test('opens with a user chosen, whose e-mail is text', async () => {
      const fresh = await stage.open();
      const heading = fresh.page.getByRole('heading', { level: 2 }).first();
      await heading.waitFor();
      assert.match(String(await heading.textContent()), /@example\.com/);
      assert.deepEqual(
        await fresh.page.getByRole('navigation', { name: 'Pages' }).getByRole('link').allTextContents(),
        [...['Wallets', 'Activity', 'Assets', 'Operations', 'Audit']],
      );
      await fresh.close();
    });

    test('tops up, spends and gives a bonus, as typed in the scale of the asset', async () => {
      await type('12.34', 'Top up');
      await balanceIs('1 012.34');
      await type('2.3', 'Spend');
      await balanceIs('1 010.04');
      await type('0.01', 'Bonus');
      await balanceIs('1 010.05');
      assert.equal((await stored()).balance, '101005');
      assert.equal(await page.getByLabel('Amount').inputValue(), '');
    });

    test('asks for what is missing and sends nothing', async () => {
      for (const [amount, fault] of [
        ['', /Enter an amount/],
        ['1.234', /Too many decimals/],
        ['1e3', /not an amount/],
        ['0', /more than zero/],
      ] as const) {
        await type(amount, 'Top up');
        await seen(page, fault);
        assert.equal(await page.getByLabel('Amount').getAttribute('aria-invalid'), 'true');
      }
      await type('1', 'Transfer');
      await seen(page, 'Enter the e-mail of who gets it.');
      assert.equal((await stored()).balance, '100000');
    });

    test('shows a refusal in place, with its figures in the scale of the asset', async () => {
      await type('2000', 'Spend');
      const alert = page.getByRole('alert');
      await alert.waitFor();
      const words = String(await alert.textContent());
      assert.match(words, /Insufficient funds/);
      assert.match(words.replaceAll('\u202f', ''), /1000\.00 available, 2000\.00 required/);
      assert.equal((await stored()).balance, '100000');
    });

    test('transfers to another user by e-mail', async () => {
      const other = await registerUser(stage.service);
      // The page knows nothing of this position, so it would not wait for the read model.
      await until('the user can be found by e-mail', async () => {
        const { body } = await stage.service.get(`/users?email=${encodeURIComponent(other.email)}`);
        return body.data.length === 1;
      });
      await page.getByLabel('To', { exact: true }).fill(other.email);
      await type('250', 'Transfer');
      await balanceIs('750.00');
      const { body } = await stage.service.get(`/wallets/${other.id}/gold_coins/balance?consistency=strong`);
      assert.equal(body.balance, '25000');
    });

    test('holds, captures a part and releases', async () => {
      await type('100', 'Hold');
      await page.getByText('900.00 available · 100.00 held').waitFor();
      await page.getByLabel('Part to capture').fill('30.5');
      await button(page, 'Capture').click();
      await seen(page, 'Captured 30.50 Gold coins.');
      await balanceIs('969.50');
      await type('100', 'Hold');
      await button(page, 'Release').click();
      await seen(page, 'Released the hold of 100.00 Gold coins.');
      await seen(page, 'Nothing is held.');
      assert.deepEqual(await stored(), { balance: '96950', held: '0' });
    });

    test('exchanges one asset for another', async () => {
      await page.getByLabel('For', { exact: true }).fill('25');
      await type('10', 'Exchange');
      await balanceIs('990.00');
      await page.locator('li', { hasText: 'Diamonds' }).getByText('25', { exact: true }).waitFor();
    });

    test('pays once when a button is clicked twice', async () => {
      await page.getByLabel('Amount').fill('5');
      await button(page, 'Spend').evaluate((element: { click(): void }) => {
        element.click();
        element.click();
      });
      await balanceIs('995.00');
      await seen(page, 'Spend 5.00 Gold coins');
      assert.equal((await stored()).balance, '99500');
    });

    test('pays once when the answer was lost and the same key is tried again', async () => {
      const keys: string[] = [];
      page.on('request', (request) => {
        if (request.url().endsWith('/transactions/spend'))
          keys.push(String(request.headers()['idempotency-key']));
      });
      await page.route('**/transactions/spend', async (route) => {
        await route.fetch();
        await route.abort();
      });
      await type('5', 'Spend');
      const retry = button(page, 'Retry with the same key');
      await retry.waitFor();
      await page.unroute('**/transactions/spend');
      // A page that is loaded anew knows the key as well: the same thing asked again is the same thing.
      await retry.click();
      await seen(page, 'nothing was done twice');
      await balanceIs('995.00');
      assert.equal((await stored()).balance, '99500');
      assert.equal(keys.length, 2);
      assert.equal(keys[0], keys[1]);
      // Said and done: the next one is another.
      await type('5', 'Spend');
      await balanceIs('990.00');
      assert.notEqual(keys[2], keys[0]);
      // The browser reports the connection that the test cut, and nothing else.
      assert.deepEqual(
        opened.complaints().filter((text) => !text.includes('net::ERR_FAILED')),
        [],
      );
      await opened.close();
      opened = await stage.open();
    });

    test('creates a user and switches to it, and finds others by a part of the e-mail', async () => {
      const email = `made-${user.email}`;
      await page.getByLabel("New user's e-mail").fill(email);
      await button(page, 'Create user').click();
      await page.getByRole('heading', { level: 2, name: email }).waitFor();
      await page.getByLabel('Find a user').fill(user.email);
      await page.getByRole('link', { name: user.email, exact: true }).click();
      await page.getByRole('heading', { level: 2, name: user.email, exact: true }).waitFor();
      await page.getByLabel("New user's e-mail").fill(email);
      await button(page, 'Create user').click();
      await seen(page, 'E-mail taken');
    });

    test('opens a transaction to its entries and event, verifies its proof and takes it back in part', async () => {
      await until('the last event is sealed', async () => {
        const { status } = await stage.service.get('/audit/proofs/inclusion?position=1');
        return status === 200;
      });
      await page
        .getByRole('region', { name: 'History', exact: true })
        .getByRole('link', { name: 'Top up' })
        .first()
        .click();
      const dialog = page.getByRole('dialog');
      await dialog.getByText('treasury').waitFor();
      await dialog.getByText('transaction.posted', { exact: true }).click();
      await dialog.getByText('"correlationId"').waitFor();
      await until('the proof holds', async () => {
        await button(page, 'Verify the proof').click();
        const verified = dialog.getByText('Verified in this browser');
        await verified.or(dialog.getByRole('alert')).waitFor();
        return verified.isVisible();
      });
      await dialog.getByLabel('Part to reverse').fill('400');
      await button(page, 'Reverse').click();
      await dialog.getByText('Reversed 400.00 Gold coins.').waitFor();
      await dialog.getByText('600.00 Gold coins left').waitFor();
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'detached' });
      await balanceIs('600.00');
    });

    test('is worked with the keyboard alone', async () => {
      await page.getByLabel('Amount').focus();
      await page.keyboard.type('7');
      await page.keyboard.press('Enter');
      await balanceIs('1 007.00');
      await page.getByRole('link', { name: 'Wallets', exact: true }).focus();
      await page.keyboard.press('Tab');
      assert.equal(await page.evaluate('document.activeElement.textContent'), 'Activity');
      const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle');
      assert.equal(outline, 'solid');
    });
  });
}
